#include "base/units.h"

#include <fmt/format.h>

#include <array>
#include <charconv>
#include <limits>
#include <optional>

namespace holdfast::base {
namespace {

constexpr Error kMalformed{Errc::malformed, Side::internal, 0, "unit"};
constexpr Error kTooLarge{Errc::exhausted, Side::internal, 0, "unit"};

struct Unit {
  std::string_view name;
  std::uint64_t factor;
};
// Largest first: a text may name several, each smaller than the one before.
constexpr std::array kDurations = {Unit{"d", 86'400'000'000}, Unit{"h", 3'600'000'000}, Unit{"m", 60'000'000},
                                   Unit{"s", 1'000'000},      Unit{"ms", 1'000},        Unit{"us", 1}};
constexpr std::array kSizes = {Unit{"GiB", 1ULL << 30},
                               Unit{"MiB", 1ULL << 20},
                               Unit{"KiB", 1ULL << 10},
                               Unit{"GB", 1'000'000'000},
                               Unit{"MB", 1'000'000},
                               Unit{"kB", 1'000},
                               Unit{"B", 1},
                               Unit{"", 1}};
constexpr std::array kRates = {Unit{"s", 1}, Unit{"m", 60}, Unit{"h", 3600}};

// Takes a run of digits from the front of `text`.
std::optional<std::uint64_t> take_number(std::string_view& text) {
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{}) return std::nullopt;
  text.remove_prefix(static_cast<std::size_t>(end - text.data()));
  return value;
}

template <std::size_t N>
const Unit* find_unit(const std::array<Unit, N>& units, std::string_view name) {
  for (const Unit& unit : units) {
    if (unit.name == name) return &unit;
  }
  return nullptr;
}

std::optional<std::uint64_t> multiply(std::uint64_t value, std::uint64_t factor, std::uint64_t max) {
  if (value > max / factor) return std::nullopt;
  return value * factor;
}

}  // namespace

Result<std::chrono::microseconds> parse_duration(std::string_view text) {
  constexpr std::uint64_t kMax = 100ULL * 365 * 86'400'000'000;  // a century
  if (text == "0") return std::chrono::microseconds{0};
  std::uint64_t total = 0;
  std::uint64_t last_factor = std::numeric_limits<std::uint64_t>::max();
  if (text.empty()) return kMalformed;
  while (!text.empty()) {
    const auto number = take_number(text);
    if (!number) return kMalformed;
    const std::size_t length = std::min(text.find_first_of("0123456789"), text.size());
    const Unit* unit = find_unit(kDurations, text.substr(0, length));
    if (unit == nullptr || unit->factor >= last_factor) return kMalformed;
    last_factor = unit->factor;
    text.remove_prefix(length);
    const auto part = multiply(*number, unit->factor, kMax);
    if (!part || total + *part > kMax) return kTooLarge;
    total += *part;
  }
  return std::chrono::microseconds{total};
}

std::string to_text(std::chrono::microseconds duration) {
  auto rest = static_cast<std::uint64_t>(duration.count());
  if (rest == 0) return "0s";
  std::string text;
  for (const Unit& unit : kDurations) {
    if (rest < unit.factor) continue;
    text += fmt::format("{}{}", rest / unit.factor, unit.name);
    rest %= unit.factor;
  }
  return text;
}

Result<Bytes> parse_bytes(std::string_view text) {
  const auto number = take_number(text);
  const Unit* unit = find_unit(kSizes, text);
  if (!number || unit == nullptr) return kMalformed;
  const auto bytes = multiply(*number, unit->factor, std::numeric_limits<std::int64_t>::max());
  if (!bytes) return kTooLarge;
  return Bytes{*bytes};
}

std::string to_text(Bytes bytes) {
  for (const Unit& unit : kSizes) {
    if (unit.name.empty() || bytes.count < unit.factor || bytes.count % unit.factor != 0) continue;
    return fmt::format("{}{}", bytes.count / unit.factor, unit.name);
  }
  return fmt::format("{}B", bytes.count);
}

Result<Rate> parse_rate(std::string_view text) {
  const std::size_t slash = text.find('/');
  if (slash == std::string_view::npos) return kMalformed;
  std::string_view digits = text.substr(0, slash);
  const auto number = take_number(digits);
  const Unit* unit = find_unit(kRates, text.substr(slash + 1));
  if (!number || !digits.empty() || unit == nullptr) return kMalformed;
  return Rate{static_cast<double>(*number) / static_cast<double>(unit->factor)};
}

std::string to_text(Rate rate) {
  for (const Unit& unit : kRates) {
    const double count = rate.per_second * static_cast<double>(unit.factor);
    const double nearest = static_cast<double>(static_cast<std::uint64_t>(count + 0.5));
    if (count - nearest < 1e-9 && nearest - count < 1e-9) return fmt::format("{:.0f}/{}", nearest, unit.name);
  }
  return fmt::format("{}/s", rate.per_second);
}

}  // namespace holdfast::base
