#include "config/shape.h"

#include <fmt/format.h>

namespace holdfast::config {

// Not in the header: g++ 12 takes the moved variant for uninitialized where it is inlined under sanitizers.
Default::Default(const char* text) : Default(Value{std::string(text)}) {}
Default::Default(int number) : Default(Value{std::int64_t{number}}) {}
Default::Default(double number) : Default(Value{number}) {}
Default::Default(bool yes) : Default(Value{yes}) {}
Default::Default(Value value) : value_(std::move(value)) {}

std::string Default::text() const {
  if (value_) return '`' + to_toml(*value_) + '`';
  return is_required() ? "required" : text_;
}

std::string heading(std::string_view path, Shape::Form form) {
  if (path.empty()) return "the file";
  return form == Shape::Form::tables ? fmt::format("[[{}]]", path) : fmt::format("[{}]", path);
}

std::string join(std::string_view path, std::string_view key) {
  return path.empty() ? std::string(key) : fmt::format("{}.{}", path, key);
}

}  // namespace holdfast::config
