#include "config/kind.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "config/suggest.h"

namespace holdfast::config {
namespace {

constexpr std::size_t kNameBytesMax = 64;

bool is_name_character(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '_' || c == '-';
}

bool is_control_character(char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7F; }

// A kind of text with a unit. `parse` is of base/units.h; `in_range` judges what it yields.
template <typename T, typename Parse, typename InRange>
Kind<T> with_unit(Shape shape, Parse parse, InRange in_range) {
  auto read = [=](const Value& value, const Reading& reading) -> std::optional<T> {
    const auto* written = value.as<std::string>();
    if (written == nullptr) return reading.refuse(value, shape.wanted);
    const auto parsed = parse(*written);
    if (!parsed && parsed.error().code == base::Errc::malformed) return reading.refuse(value, shape.wanted);
    if (!parsed || !in_range(*parsed)) return reading.refuse(value, shape.range);
    return *parsed;
  };
  return {shape, read, [](const T& value) -> std::optional<Value> { return value_of(base::to_text(value)); }};
}

std::optional<Value> write_text(const std::string& text) { return value_of(text); }

Kind<double> real_where(std::string range, std::function<bool(double)> in_range) {
  const Shape shape{"real number", "a number without quotes, such as 0.5", std::move(range)};
  auto read = [shape, in_range = std::move(in_range)](const Value& value,
                                                      const Reading& reading) -> std::optional<double> {
    const auto* whole = value.as<std::int64_t>();
    const auto* real = value.as<double>();
    if (whole == nullptr && real == nullptr) return reading.refuse(value, shape.wanted);
    const double number = real != nullptr ? *real : static_cast<double>(*whole);
    return in_range(number) ? std::optional(number) : reading.refuse(value, shape.range);
  };
  return {shape, std::move(read), [](const double& number) -> std::optional<Value> { return value_of(number); }};
}

std::optional<unsigned> hex_digit(char c) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  const auto place = kDigits.find(c >= 'A' && c <= 'F' ? static_cast<char>(c - 'A' + 'a') : c);
  return place == std::string_view::npos ? std::nullopt : std::optional(static_cast<unsigned>(place));
}

std::optional<std::string> bytes_of_hex(std::string_view text) {
  std::string bytes;
  for (std::size_t i = 0; i < text.size();) {
    if (text[i] == ' ') {
      ++i;
      continue;
    }
    const auto high = hex_digit(text[i]);
    const auto low = i + 1 < text.size() ? hex_digit(text[i + 1]) : std::nullopt;
    if (!high || !low) return std::nullopt;
    bytes += static_cast<char>(*high << 4 | *low);
    i += 2;
  }
  return bytes;
}

std::string hex_of_bytes(const std::string& bytes) {
  std::string text;
  for (const char c : bytes) text += fmt::format("{}{:02x}", text.empty() ? "" : " ", static_cast<unsigned char>(c));
  return text;
}

Shape duration_shape(std::string range) {
  return {"duration", R"(a duration such as "5s" (units us, ms, s, m, h, d))", std::move(range)};
}

Shape rate_shape(base::Rate min, base::Rate max) {
  return {"rate", R"(a rate such as "200/s" (units /s, /m, /h))",
          fmt::format("{} to {}", base::to_text(min), base::to_text(max))};
}

Kind<base::Rate> rate_like(Shape shape, base::Rate min, base::Rate max) {
  return with_unit<base::Rate>(std::move(shape), base::parse_rate, [=](base::Rate r) {
    return r.per_second >= min.per_second && r.per_second <= max.per_second;
  });
}

std::string quoted_list(const std::vector<std::string_view>& names) {
  std::vector<std::string> quoted_names;
  for (const std::string_view each : names) quoted_names.push_back(quoted(each));
  return fmt::format("{}", fmt::join(quoted_names, ", "));
}

std::string items_text(Items items) {
  if (items.min == 0) return fmt::format("at most {} items", items.max);
  return fmt::format("{} to {} items", items.min, items.max);
}

}  // namespace

Kind<bool> boolean() {
  const Shape shape{"boolean", "true or false, without quotes", ""};
  return {shape,
          [shape](const Value& value, const Reading& reading) -> std::optional<bool> {
            const bool* yes = value.as<bool>();
            return yes != nullptr ? std::optional(*yes) : reading.refuse(value, shape.wanted);
          },
          [](const bool& yes) -> std::optional<Value> { return value_of(yes); }};
}

Kind<std::uint32_t> count(std::uint32_t min, std::uint32_t max) {
  const Shape shape{"number", fmt::format("a whole number without quotes, such as {}", std::clamp(100U, min, max)),
                    fmt::format("{} to {}", min, max)};
  return {shape,
          [shape, min, max](const Value& value, const Reading& reading) -> std::optional<std::uint32_t> {
            const auto* number = value.as<std::int64_t>();
            if (number == nullptr) return reading.refuse(value, shape.wanted);
            if (*number < min || *number > max) return reading.refuse(value, shape.range);
            return static_cast<std::uint32_t>(*number);
          },
          [](const std::uint32_t& number) -> std::optional<Value> { return value_of(std::int64_t{number}); }};
}

Kind<Duration> duration(Duration min, Duration max) {
  return with_unit<Duration>(duration_shape(fmt::format("{} to {}", base::to_text(min), base::to_text(max))),
                             base::parse_duration, [=](Duration d) { return d >= min && d <= max; });
}

Kind<Duration> duration_or_zero(Duration min, Duration max) {
  return with_unit<Duration>(duration_shape(fmt::format("0s, or {} to {}", base::to_text(min), base::to_text(max))),
                             base::parse_duration,
                             [=](Duration d) { return d == Duration{0} || (d >= min && d <= max); });
}

Kind<base::Bytes> bytes(base::Bytes min, base::Bytes max) {
  return with_unit<base::Bytes>({"size", R"(a size such as "64KiB" (units B, KiB, MiB, GiB, kB, MB, GB))",
                                 fmt::format("{} to {}", base::to_text(min), base::to_text(max))},
                                base::parse_bytes,
                                [=](base::Bytes b) { return b.count >= min.count && b.count <= max.count; });
}

Kind<base::Rate> rate(base::Rate min, base::Rate max) { return rate_like(rate_shape(min, max), min, max); }

Kind<base::Rate> rate_or_zero(base::Rate min, base::Rate max) {
  Shape shape = rate_shape(min, max);
  shape.wanted += ", or 0";
  shape.range = "0, or " + shape.range;
  Kind<base::Rate> kind = rate_like(shape, min, max);
  kind.read = [read = std::move(kind.read)](const Value& value, const Reading& reading) {
    const auto* number = value.as<std::int64_t>();
    return number != nullptr && *number == 0 ? std::optional(base::Rate{}) : read(value, reading);
  };
  kind.write = [write = std::move(kind.write)](const base::Rate& rate) {
    return rate == base::Rate{} ? value_of(std::int64_t{0}) : write(rate);
  };
  return kind;
}

Kind<double> real(double min, double max) {
  return real_where(fmt::format("{} to {}", min, max), [=](double number) { return number >= min && number <= max; });
}

Kind<double> real_or_zero(double min, double max) {
  return real_where(fmt::format("0, or {} to {}", min, max),
                    [=](double number) { return number == 0 || (number >= min && number <= max); });
}

Kind<std::string> any_text(std::size_t bytes_max) {
  const Shape shape{"text", fmt::format("text of at most {} bytes", bytes_max),
                    fmt::format("up to {} bytes", bytes_max)};
  return {shape,
          [shape, bytes_max](const Value& value, const Reading& reading) -> std::optional<std::string> {
            const auto* written = value.as<std::string>();
            const bool good = written != nullptr && written->size() <= bytes_max;
            return good ? std::optional(*written) : reading.refuse(value, shape.wanted);
          },
          write_text};
}

Kind<std::string> hex(std::size_t bytes_max) {
  const Shape shape{"hex", fmt::format(R"(at most {} bytes in hexadecimal, such as "0d 0a")", bytes_max),
                    fmt::format("up to {} bytes", bytes_max)};
  return {shape,
          [shape, bytes_max](const Value& value, const Reading& reading) -> std::optional<std::string> {
            const auto* written = value.as<std::string>();
            auto bytes = written != nullptr ? bytes_of_hex(*written) : std::nullopt;
            return bytes && bytes->size() <= bytes_max ? std::move(bytes) : reading.refuse(value, shape.wanted);
          },
          [](const std::string& bytes) -> std::optional<Value> { return value_of(hex_of_bytes(bytes)); }};
}

Kind<std::string> text(std::size_t bytes_max) {
  const Shape shape{"text", fmt::format("text of 1 to {} bytes without control characters", bytes_max),
                    fmt::format("1 to {} bytes", bytes_max)};
  return {shape,
          [shape, bytes_max](const Value& value, const Reading& reading) -> std::optional<std::string> {
            const auto* written = value.as<std::string>();
            const bool good = written != nullptr && !written->empty() && written->size() <= bytes_max &&
                              std::ranges::none_of(*written, is_control_character);
            return good ? std::optional(*written) : reading.refuse(value, shape.wanted);
          },
          write_text};
}

Kind<std::string> name() {
  const Shape shape{"name", fmt::format("a name of 1 to {} letters, digits, \".\", \"_\" or \"-\"", kNameBytesMax),
                    fmt::format("1 to {} letters, digits, `.`, `_`, `-`", kNameBytesMax)};
  return {shape,
          [shape](const Value& value, const Reading& reading) -> std::optional<std::string> {
            const auto* written = value.as<std::string>();
            const bool good = written != nullptr && !written->empty() && written->size() <= kNameBytesMax &&
                              std::ranges::all_of(*written, is_name_character);
            return good ? std::optional(*written) : reading.refuse(value, shape.wanted);
          },
          write_text};
}

Shape choice_shape(const std::vector<std::string_view>& names) {
  const char* wanted = names.size() == 1 ? "" : "one of ";
  return {"choice", wanted + quoted_list(names), quoted_list(names)};
}

std::optional<std::size_t> read_choice(const Value& value, const Reading& reading,
                                       const std::vector<std::string_view>& names) {
  const std::string wanted = choice_shape(names).wanted;
  const auto* written = value.as<std::string>();
  if (written == nullptr) return reading.refuse(value, wanted);
  const auto found = std::ranges::find(names, *written);
  if (found != names.end()) return static_cast<std::size_t>(found - names.begin());
  const auto meant = closest(*written, names);
  const std::string hint = meant ? fmt::format("; did you mean {}?", quoted(names[*meant])) : "";
  reading.fault(value.position,
                fmt::format("{} must be {}; found {}{}", reading.subject(), wanted, describe(value), hint));
  return std::nullopt;
}

Shape list_shape(const Shape& item, Items items) {
  const std::string range = item.range.empty() ? items_text(items) : items_text(items) + ", each " + item.range;
  const char* plural = item.type.ends_with('s') ? "es" : "s";
  return {"list of " + item.type + plural, "a list, each item " + item.wanted, range};
}

const List* read_list(const Value& value, const Reading& reading, const Shape& item, Items items) {
  const List* list = value.as<List>();
  if (list == nullptr) {
    const std::string hint = value.as<std::string>() == nullptr ? "" : fmt::format("; write [{}]", to_toml(value));
    reading.fault(value.position, fmt::format("{} must be {}; found {}{}", reading.subject(),
                                              list_shape(item, items).wanted, describe(value), hint));
    return nullptr;
  }
  if (list->size() >= items.min && list->size() <= items.max) return list;
  reading.fault(value.position,
                fmt::format("{} must have {}; found {}", reading.subject(), items_text(items), list->size()));
  return nullptr;
}

bool is_empty_text(const Value& value) {
  const auto* written = value.as<std::string>();
  return written != nullptr && written->empty();
}

Shape or_empty_shape(Shape shape) {
  shape.wanted += R"(, or "")";
  if (!shape.range.empty()) shape.range = R"("", or )" + shape.range;
  return shape;
}

}  // namespace holdfast::config
