// config/applies.h: how a reload brings the new value of a key.
//
// Thread: values, made once with the schema.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace holdfast::config {

struct Value;

enum class Applies : std::uint8_t {
  live,             // at once, also to connections that are there
  new_connections,  // connections that are there keep what they had
  restart,          // not at all: the value that runs is kept until the process starts anew
};

// "live", "new_connections", "restart".
[[nodiscard]] std::string_view to_text(Applies applies);

// The same for a key of the schema, where it may depend on the two values.
class Reload {
 public:
  using Decide = Applies (*)(const Value& running, const Value& wanted);

  Reload(Applies applies);  // NOLINT: implicit on purpose
  // `words` say in the reference what `decide` does.
  Reload(std::string words, Decide decide) : words_(std::move(words)), decide_(decide) {}

  [[nodiscard]] Applies of(const Value& running, const Value& wanted) const;
  [[nodiscard]] const std::string& words() const { return words_; }

 private:
  std::string words_;
  Applies applies_ = Applies::live;
  Decide decide_ = nullptr;
};

}  // namespace holdfast::config
