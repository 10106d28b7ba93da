// base/time.h: the clock of the project and the flat time stamps that connection records carry.
//
// All times are CLOCK_MONOTONIC, so a record that moves to another process of the same machine keeps its meaning.
#pragma once

#include <chrono>
#include <cstdint>

namespace holdfast::base {

using Clock = std::chrono::steady_clock;
using Duration = Clock::duration;
using Time = Clock::time_point;

// A point in time in 4 bytes: ticks of 16 ms since the clock's zero. Wraps after 2.1 years of uptime.
struct Tick {
  static constexpr std::chrono::milliseconds kLength{16};

  std::uint32_t count = 0;

  [[nodiscard]] static Tick at(Time time) noexcept {
    return Tick{static_cast<std::uint32_t>(time.time_since_epoch() / kLength)};
  }
  // The first tick that does not lie before `time`: a deadline rounded this way never comes early.
  [[nodiscard]] static Tick not_before(Time time) noexcept { return Tick{at(time).count + 1}; }
  // How far this lies behind `earlier`; negative when it lies before it.
  [[nodiscard]] std::chrono::milliseconds since(Tick earlier) const noexcept {
    return static_cast<std::int32_t>(count - earlier.count) * kLength;
  }
  friend bool operator==(Tick, Tick) = default;
};

}  // namespace holdfast::base
