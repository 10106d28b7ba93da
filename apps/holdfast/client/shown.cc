#include "client/shown.h"

#include <fmt/format.h>

#include <array>
#include <cmath>
#include <cstdint>

namespace holdfast::app {
namespace {

// Three digits that say something.
std::string three_digits(double value) {
  return value < 9.95 && value != std::floor(value) ? fmt::format("{:.1f}", value) : fmt::format("{:.0f}", value);
}

// "12.3" up to 99.9, so that neighbours in a column can be compared.
std::string scaled(double value) { return value < 99.95 ? fmt::format("{:.1f}", value) : fmt::format("{:.0f}", value); }

std::string two_units(std::uint64_t seconds, std::uint64_t large, std::uint64_t small, char large_name,
                      char small_name) {
  return fmt::format("{}{}{:02}{}", seconds / large, large_name, seconds % large / small, small_name);
}

}  // namespace

std::string shown_count(double count) { return fmt::format("{:.0f}", count); }

std::string shown_short(double count) {
  if (count < 999.5) return three_digits(count);
  for (const char unit : {'k', 'M', 'G'}) {
    count /= 1000;
    if (count < 999.5) return scaled(count) + unit;
  }
  return scaled(count / 1000) + "T";
}

std::string shown_bytes(double bytes) {
  if (bytes < 1023.5) return fmt::format("{:.0f}B", bytes);
  for (const char* unit : {"KiB", "MiB", "GiB"}) {
    bytes /= 1024;
    if (bytes < 1023.5) return scaled(bytes) + unit;
  }
  return scaled(bytes / 1024) + "TiB";
}

std::string shown_seconds(double seconds) {
  if (seconds < 0) return kNothing;
  if (seconds == 0) return "0s";
  if (seconds < 0.9995e-3) return fmt::format("{:.0f}us", seconds * 1e6);
  if (seconds < 0.9995) return scaled(seconds * 1e3) + "ms";
  if (seconds < 59.95) return scaled(seconds) + "s";
  const auto whole = static_cast<std::uint64_t>(std::llround(seconds));
  if (whole < 3600) return two_units(whole, 60, 1, 'm', 's');
  if (whole < 86400) return two_units(whole, 3600, 60, 'h', 'm');
  return two_units(whole, 86400, 3600, 'd', 'h');
}

std::string shown_seconds(std::optional<double> seconds) { return seconds ? shown_seconds(*seconds) : kNothing; }

}  // namespace holdfast::app
