#include "config/health_kinds.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <string_view>

namespace holdfast::config {
namespace {

constexpr std::size_t kHeaderBytesMax = 1024;

std::optional<std::uint16_t> status_code(std::string_view text) {
  std::uint16_t code = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), code);
  const bool good = error == std::errc{} && end == text.data() + text.size() && code >= 100 && code <= 599;
  return good ? std::optional(code) : std::nullopt;
}

std::optional<StatusRange> parse_status_range(std::string_view text) {
  const auto dash = text.find('-');
  const auto first = status_code(text.substr(0, dash));
  const auto last = dash == std::string_view::npos ? first : status_code(text.substr(dash + 1));
  if (!first || !last || *last < *first) return std::nullopt;
  return StatusRange{*first, *last};
}

//= RFC9110 5.6.2
bool is_token_character(char c) {
  constexpr std::string_view kMarks = "!#$%&'*+-.^_`|~";
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
         kMarks.find(c) != std::string_view::npos;
}

bool is_control_character(char c) { return (static_cast<unsigned char>(c) < 0x20 && c != '\t') || c == 0x7F; }

std::optional<HttpHeader> parse_http_header(std::string_view text) {
  const auto colon = text.find(':');
  if (colon == std::string_view::npos || colon == 0 || text.size() > kHeaderBytesMax) return std::nullopt;
  const std::string_view name = text.substr(0, colon);
  std::string_view value = text.substr(colon + 1);
  while (value.starts_with(' ')) value.remove_prefix(1);
  if (!std::ranges::all_of(name, is_token_character) || std::ranges::any_of(value, is_control_character)) {
    return std::nullopt;
  }
  return HttpHeader{std::string(name), std::string(value)};
}

std::string text_of(const StatusRange& range) {
  return range.first == range.last ? fmt::format("{}", range.first) : fmt::format("{}-{}", range.first, range.last);
}

std::string text_of(const HttpHeader& header) {
  return fmt::format("{}:{}{}", header.name, header.value.empty() ? "" : " ", header.value);
}

template <typename T, typename Parse>
Kind<T> parsed_text(Shape shape, Parse parse) {
  auto read = [shape, parse](const Value& value, const Reading& reading) -> std::optional<T> {
    const auto* written = value.as<std::string>();
    auto parsed = written != nullptr ? parse(*written) : std::nullopt;
    return parsed ? std::move(parsed) : reading.refuse(value, shape.wanted);
  };
  return {std::move(shape), std::move(read),
          [](const T& value) -> std::optional<Value> { return value_of(text_of(value)); }};
}

}  // namespace

Kind<StatusRange> status_range() {
  return parsed_text<StatusRange>(
      {"status code", R"(a status code or a range, such as "200" or "200-399")", "100 to 599"}, parse_status_range);
}

Kind<HttpHeader> http_header() {
  return parsed_text<HttpHeader>({"header", R"(a header, such as "Host: broker.example.com")", "`Name: value`"},
                                 parse_http_header);
}

}  // namespace holdfast::config
