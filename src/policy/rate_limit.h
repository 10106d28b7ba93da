// policy/rate_limit.h: so many a second with a burst, for accepts of a server, a listener or an address.
//
// Thread: any; one atomic word, no lock. Cost: a load, and one compare-exchange for what is taken; no clock is read.
// Limits: from one an hour to a million a second; the interval is whole microseconds, so 30,000/s is kept to within 1
//         %. Source: the generic cell rate algorithm as virtual scheduling (ITU-T I.371, annex A): the word holds when
//         the next would be due if all came evenly; one may come early by as much as the burst allows.
#pragma once

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cmath>
#include <cstdint>

#include "base/time.h"

namespace holdfast::policy {

struct AcceptRate {
  std::uint64_t interval_us = 0;  // between two when they come evenly; 0: no limit
  std::uint32_t burst = 1;        // how many may come at once after a pause; at least 1

  // 0 or less, or more than a million: no limit. Less than one an hour is taken for that.
  [[nodiscard]] static AcceptRate per_second(double rate, std::uint32_t burst_max) noexcept {
    if (!(rate > 0) || rate > 1e6) return {0, std::max(burst_max, 1U)};
    return {static_cast<std::uint64_t>(std::llround(std::min(1e6 / rate, 3.6e9))), std::max(burst_max, 1U)};
  }
  friend bool operator==(const AcceptRate&, const AcceptRate&) = default;
};

// The rate is given with each call, so that it may change at any time; a change acts at once.
class RateLimit {
 public:
  // Takes one if it may come now.
  [[nodiscard]] bool try_take(base::Time now, const AcceptRate& rate) noexcept {
    if (rate.interval_us == 0) return true;
    const std::uint64_t now_us = microseconds(now);
    std::uint64_t due = due_us_.load(std::memory_order_relaxed);
    do {
      if (due > now_us + early_us(rate)) return false;
    } while (!due_us_.compare_exchange_weak(due, std::max(due, now_us) + rate.interval_us, std::memory_order_relaxed));
    return true;
  }
  // Whether one might come now; another thread may be quicker.
  [[nodiscard]] bool would_take(base::Time now, const AcceptRate& rate) const noexcept {
    return rate.interval_us == 0 || due_us_.load(std::memory_order_relaxed) <= microseconds(now) + early_us(rate);
  }
  // From when on the next may come: `now` or later.
  [[nodiscard]] base::Time next(base::Time now, const AcceptRate& rate) const noexcept {
    if (would_take(now, rate)) return now;
    const std::uint64_t at_us = due_us_.load(std::memory_order_relaxed) - early_us(rate);
    return std::max(now, base::Time(std::chrono::microseconds(at_us)));
  }

  // As if none had come yet: the place has another user now.
  void forget() noexcept { due_us_.store(0, std::memory_order_relaxed); }

 private:
  static std::uint64_t microseconds(base::Time time) noexcept {
    return static_cast<std::uint64_t>(
        std::chrono::duration_cast<std::chrono::microseconds>(time.time_since_epoch()).count());
  }
  static std::uint64_t early_us(const AcceptRate& rate) noexcept {
    return rate.interval_us * (std::max(rate.burst, 1U) - 1);
  }

  std::atomic<std::uint64_t> due_us_{0};
};

}  // namespace holdfast::policy
