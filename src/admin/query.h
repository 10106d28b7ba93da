// admin/query.h: the parameters behind the "?", read strictly, by the kinds of the configuration language. api.h has
// refused unknown ones before.
//
// Thread: one owner, for the time of one request. Errors: 400 that names every value that is wrong.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "config/kind.h"
#include "control/http_message.h"

namespace holdfast::admin {

class Query {
 public:
  explicit Query(const control::Request& request);

  // The value of a parameter; nothing when it is not there or wrong.
  template <typename T>
  [[nodiscard]] std::optional<T> take(std::string_view parameter, const config::Kind<T>& kind) {
    const std::string* text = request_.find_query(parameter);
    if (text == nullptr) return std::nullopt;
    return kind.read(config::Value{*text}, config::Reading(faults_).key(parameter));
  }
  // A whole number, ends included.
  [[nodiscard]] std::optional<std::uint64_t> take_number(std::string_view parameter, std::uint64_t min,
                                                         std::uint64_t max);

  [[nodiscard]] std::optional<control::Response> problem() const;

 private:
  const control::Request& request_;
  config::Faults faults_;
};

}  // namespace holdfast::admin
