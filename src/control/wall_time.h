// control/wall_time.h: times as the API says them.
//
// Thread: pure functions.
#pragma once

#include <chrono>
#include <string>

namespace holdfast::control {

using WallTime = std::chrono::system_clock::time_point;

// "2026-03-01T12:00:00.125Z": RFC 3339 in UTC, as the log has it.
[[nodiscard]] std::string to_rfc3339(WallTime time);

}  // namespace holdfast::control
