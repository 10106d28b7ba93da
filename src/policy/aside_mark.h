// policy/aside_mark.h: that something is to be avoided for a while, for all workers: a server after a failed connect, a
// source address without a port.
//
// Thread: any; relaxed, so a choice may be one connection late. Cost: a load. Memory: 4 bytes.
// Limits: an hour at most, so that a mark that nobody took back is not taken for one of the future when the ticks come
//         round.
#pragma once

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdint>

#include "base/time.h"

namespace holdfast::policy {

class AsideMark {
 public:
  static constexpr std::chrono::hours kMax{1};

  void set(base::Time until) noexcept {
    until_.store(std::max(base::Tick::at(until).count, 1U), std::memory_order_relaxed);
  }
  void take_back() noexcept { until_.store(0, std::memory_order_relaxed); }
  [[nodiscard]] bool holds(base::Time now) const noexcept {
    const std::uint32_t until = until_.load(std::memory_order_relaxed);
    if (until == 0) return false;
    const auto left = base::Tick{until}.since(base::Tick::at(now));
    return left > std::chrono::milliseconds(0) && left <= kMax;
  }

 private:
  std::atomic<std::uint32_t> until_{0};  // a base::Tick; 0: never set
};

}  // namespace holdfast::policy
