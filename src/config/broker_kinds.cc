#include "config/broker_kinds.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/endpoint.h"
#include "config/topic_filter.h"

namespace holdfast::config {
namespace {

constexpr std::size_t kPathBytesMax = 256;
constexpr std::size_t kOriginBytesMax = 256;

std::optional<base::Bytes> parse_byte_rate(std::string_view text) {
  if (!text.ends_with("/s")) return std::nullopt;
  const auto bytes = base::parse_bytes(text.substr(0, text.size() - 2));
  return bytes ? std::optional(*bytes) : std::nullopt;
}

template <typename Good>
Kind<std::string> text_that(Shape shape, Good good) {
  return {shape,
          [shape, good](const Value& value, const Reading& reading) -> std::optional<std::string> {
            const auto* written = value.as<std::string>();
            const bool right = written != nullptr && good(*written);
            return right ? std::optional(*written) : reading.refuse(value, shape.wanted);
          },
          [](const std::string& text) -> std::optional<Value> { return value_of(text); }};
}

//= RFC3986 3.3
bool is_path_character(char c) {
  return c > ' ' && c < 0x7F && std::string_view("\"<>\\^`{|}?#").find(c) == std::string_view::npos;
}

bool is_letter_or_digit(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9'); }

bool is_port(std::string_view text) {
  const bool is_number = !text.empty() && text.size() <= 5 && text.find_first_not_of("0123456789") == text.npos;
  return text == "*" || is_number;
}

//= RFC6454 6.1
bool is_origin(std::string_view text) {
  if (text == "null") return true;
  const auto scheme = text.substr(0, text.find("://"));
  if (scheme.empty() || scheme.size() == text.size() || text.size() > kOriginBytesMax) return false;
  if (!std::ranges::all_of(scheme, [](char c) { return is_letter_or_digit(c) || c == '+' || c == '-' || c == '.'; })) {
    return false;
  }
  std::string_view host = text.substr(scheme.size() + 3);
  const auto bracket = host.find(']');
  const auto colon = host.find(':', host.starts_with('[') && bracket != host.npos ? bracket : 0);
  if (colon != host.npos && !is_port(host.substr(colon + 1))) return false;
  host = host.substr(0, colon);
  if (host.starts_with('[')) return base::parse_endpoint(std::string(host) + ":1").has_value();
  return !host.empty() &&
         std::ranges::all_of(host, [](char c) { return is_letter_or_digit(c) || c == '-' || c == '.' || c == '_'; });
}

}  // namespace

Kind<base::Bytes> byte_rate_or_zero(base::Bytes min, base::Bytes max) {
  const Shape shape{"byte rate",
                    R"(a byte rate such as "64KiB/s" (units B, KiB, MiB, GiB, kB, MB, GB, each with /s), or 0)",
                    fmt::format("0, or {}/s to {}/s", base::to_text(min), base::to_text(max))};
  return {shape,
          [=](const Value& value, const Reading& reading) -> std::optional<base::Bytes> {
            const auto* number = value.as<std::int64_t>();
            if (number != nullptr && *number == 0) return base::Bytes{};
            const auto* written = value.as<std::string>();
            const auto rate = written != nullptr ? parse_byte_rate(*written) : std::nullopt;
            if (!rate) return reading.refuse(value, shape.wanted);
            if (rate->count < min.count || rate->count > max.count) return reading.refuse(value, shape.range);
            return rate;
          },
          [](const base::Bytes& rate) -> std::optional<Value> {
            return rate.count == 0 ? value_of(std::int64_t{0}) : value_of(base::to_text(rate) + "/s");
          }};
}

Kind<std::string> topic_filter() {
  return text_that({"filter", R"(a filter of topics, such as "site/+/door/#")", "as MQTT has it"}, is_topic_filter);
}

Kind<std::string> topic_part(std::string_view example) {
  return text_that(
      {"topic", fmt::format("a topic without \"+\" and \"#\", such as {}", quoted(example)), "without `+` and `#`"},
      is_topic);
}

Kind<std::string> url_path() {
  const auto good = [](std::string_view text) {
    return text.starts_with('/') && text.size() <= kPathBytesMax && std::ranges::all_of(text, is_path_character);
  };
  return text_that({"path", R"(the path of a URL, such as "/mqtt")", fmt::format("1 to {} bytes", kPathBytesMax)},
                   good);
}

Kind<std::string> origin() {
  return text_that({"origin", R"(an origin such as "https://app.example.org" or "http://localhost:*", without a path)",
                    "with `:*` for every port; `null` for pages that have none"},
                   is_origin);
}

}  // namespace holdfast::config
