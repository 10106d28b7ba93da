// load/rate_schedule.h: when each message of a fixed rate is meant to be sent.
//
// Latency counts from the intended time, not from the time when a stalled generator came to it: so a target that stops
// for a second is seen as it is (the "coordinated omission" of closed loops hides it).
//
// Thread: a value. Cost: a division. Exact to the nanosecond: no drift, whatever the rate.
#pragma once

#include <cstdint>

#include "base/time.h"

namespace holdfast::load {

class RateSchedule {
 public:
  RateSchedule() = default;
  // `per_second` messages in all; this schedule names every `step`-th of them, from `first` on: one thread's share.
  // Limits: per_second in [1, 10^9], step at least 1.
  RateSchedule(base::Time start, std::uint64_t per_second, std::uint64_t first, std::uint64_t step) noexcept
      : start_(start), per_second_(per_second), first_(first), step_(step) {}

  [[nodiscard]] base::Time at(std::uint64_t index) const noexcept {
    constexpr std::uint64_t kSecond = 1'000'000'000;
    const std::uint64_t message = first_ + index * step_;
    const std::uint64_t nanoseconds = message / per_second_ * kSecond + message % per_second_ * kSecond / per_second_;
    return start_ + std::chrono::nanoseconds(nanoseconds);
  }

 private:
  base::Time start_;
  std::uint64_t per_second_ = 1;
  std::uint64_t first_ = 0;
  std::uint64_t step_ = 1;
};

}  // namespace holdfast::load
