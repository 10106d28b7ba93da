// apps/holdfast/client/shown.h: numbers as people read them in tables.
//
// Thread: pure.
#pragma once

#include <optional>
#include <string>

namespace holdfast::app {

inline constexpr const char* kNothing = "-";  // a value that there is not

[[nodiscard]] std::string shown_count(double count);      // "12345"
[[nodiscard]] std::string shown_short(double count);      // at most 5 characters: "0.4", "999", "12.3k", "1.2M"
[[nodiscard]] std::string shown_bytes(double bytes);      // "512B", "1.2KiB", "34MiB"
[[nodiscard]] std::string shown_seconds(double seconds);  // "180us", "12.3ms", "4.2s", "3m12s", "5h07m", "4d03h"
[[nodiscard]] std::string shown_seconds(std::optional<double> seconds);  // or "-"

}  // namespace holdfast::app
