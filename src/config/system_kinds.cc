#include "config/system_kinds.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

namespace holdfast::config {
namespace {

constexpr std::size_t kAccountBytesMax = 32;  // useradd(8)
constexpr std::uint32_t kModeMax = 0777;
constexpr std::uint32_t kOwnerReadsAndWrites = 0600;

bool is_account_character(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-' || c == '.';
}

bool is_account(std::string_view text) {
  return !text.empty() && text.size() <= kAccountBytesMax && text.front() != '-' &&
         std::ranges::all_of(text, is_account_character);
}

std::optional<std::uint32_t> parse_mode(std::string_view text) {
  std::uint32_t mode = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), mode, 8);
  const bool whole = error == std::errc{} && end == text.data() + text.size();
  const bool good = whole && text.size() >= 3 && mode <= kModeMax;
  return good && (mode & kOwnerReadsAndWrites) == kOwnerReadsAndWrites ? std::optional(mode) : std::nullopt;
}

}  // namespace

Kind<std::string> account(std::string_view noun) {
  const Shape shape{std::string(noun),
                    fmt::format("the name of a {} of this machine: 1 to {} letters, digits, \"_\", \"-\" or \".\"",
                                noun, kAccountBytesMax),
                    fmt::format("1 to {} letters, digits, `_`, `-`, `.`", kAccountBytesMax)};
  return {shape,
          [shape](const Value& value, const Reading& reading) -> std::optional<std::string> {
            const auto* written = value.as<std::string>();
            const bool good = written != nullptr && is_account(*written);
            return good ? std::optional(*written) : reading.refuse(value, shape.wanted);
          },
          [](const std::string& name) -> std::optional<Value> { return value_of(name); }};
}

Kind<std::uint32_t> file_mode() {
  const Shape shape{"file mode", R"(permissions in octal from "0600" to "0777" that let the owner read and write)",
                    "0600 to 0777"};
  return {shape,
          [shape](const Value& value, const Reading& reading) -> std::optional<std::uint32_t> {
            const auto* written = value.as<std::string>();
            const auto mode = written != nullptr ? parse_mode(*written) : std::nullopt;
            return mode ? mode : reading.refuse(value, shape.wanted);
          },
          [](const std::uint32_t& mode) -> std::optional<Value> { return value_of(fmt::format("{:04o}", mode)); }};
}

}  // namespace holdfast::config
