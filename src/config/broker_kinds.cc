#include "config/broker_kinds.h"

#include <fmt/format.h>

#include <algorithm>

#include "config/topic_filter.h"

namespace holdfast::config {
namespace {

constexpr std::size_t kPathBytesMax = 256;

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

}  // namespace holdfast::config
