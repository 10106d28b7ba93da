// base/units.h: values with units, as users write them: "3h", "64KiB", "200/s".
//
// Thread: pure functions. Errors: malformed when the text is not such a value, exhausted when it does not fit.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"

namespace holdfast::base {

// "250us", "200ms", "5s", "10m", "3h", "7d"; several may follow each other, largest first: "1h30m". "0" alone is "0s".
[[nodiscard]] Result<std::chrono::microseconds> parse_duration(std::string_view text);
// The shortest text that parse_duration() reads back as the same value.
[[nodiscard]] std::string to_text(std::chrono::microseconds duration);

// A number of bytes. "512", "512B", "64KiB", "1MiB", "2GiB" (1024) and "10kB", "5MB", "1GB" (1000).
struct Bytes {
  std::uint64_t count = 0;
  friend bool operator==(Bytes, Bytes) = default;
};
[[nodiscard]] Result<Bytes> parse_bytes(std::string_view text);
[[nodiscard]] std::string to_text(Bytes bytes);

// How often something may happen. "200/s", "30/m", "5/h".
struct Rate {
  double per_second = 0;
  friend bool operator==(Rate, Rate) = default;
};
[[nodiscard]] Result<Rate> parse_rate(std::string_view text);
[[nodiscard]] std::string to_text(Rate rate);

}  // namespace holdfast::base
