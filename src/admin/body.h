// admin/body.h: the JSON object that a request carries, read strictly, by the kinds of the configuration language: the
// same words, units, ranges and faults as in the file.
//
//   Body body(request, {"state", "weight"});
//   const auto weight = body.take("weight", config::count(0, 1000));
//   if (const auto wrong = body.problem()) return *wrong;
//
// Thread: one owner, for the time of one request. Limits: those of discovery::read_json; the size is the server's.
// Errors: 415 for what is not application/json, 400 for what is not an object, for keys that nobody knows (the problem
//         names those that there are) and for values that are wrong (it names every one). No body is an empty object.
#pragma once

#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "config/kind.h"
#include "control/http_message.h"

namespace holdfast::admin {

class Body {
 public:
  Body(const control::Request& request, std::initializer_list<const char*> known);

  // The value of a key; nothing when it is not there or wrong. Asking for a key not in `known` is a programming error.
  template <typename T>
  [[nodiscard]] std::optional<T> take(std::string_view key, const config::Kind<T>& kind) {
    const config::Value* value = find(key);
    if (value == nullptr) return std::nullopt;
    return kind.read(*value, config::Reading(faults_).key(key));
  }

  [[nodiscard]] bool has(std::string_view key) const { return find(key) != nullptr; }
  [[nodiscard]] bool empty() const { return members().empty(); }
  // All of it, as a table of the configuration language.
  template <typename T>
  [[nodiscard]] std::optional<T> take_all(const config::Kind<T>& table) {
    return table.read(object_, config::Reading(faults_));
  }

  // What is wrong, if anything is.
  [[nodiscard]] std::optional<control::Response> problem() const;

 private:
  void read(const control::Request& request);
  void check_known();
  [[nodiscard]] const config::Value* find(std::string_view key) const;
  [[nodiscard]] const config::Members& members() const;

  std::vector<std::string> known_;
  config::Value object_{config::Members{}};
  config::Faults faults_;
  std::optional<control::Response> problem_;  // nothing else matters then
};

}  // namespace holdfast::admin
