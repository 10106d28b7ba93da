// load/window.h: when a run sends and which part of it counts, as all its threads see it.
//
// Thread: opened and closed by the one that leads the run; read by all. Cost of reading: one plain load.
#pragma once

#include <atomic>
#include <cstdint>
#include <limits>

#include "base/time.h"

namespace holdfast::load {

class Window {
 public:
  // Traffic begins at `start`, counts after `warmup`, and ends `duration` later.
  void open(base::Time start, base::Duration warmup, base::Duration duration) noexcept {
    until_.store(count(start + warmup + duration), std::memory_order_relaxed);
    from_.store(count(start + warmup), std::memory_order_relaxed);
    start_.store(count(start), std::memory_order_release);
  }
  // Ends it now, if it would not have ended before. One that was never opened then never sends.
  void close(base::Time now) noexcept {
    if (count(now) < until_.load(std::memory_order_relaxed)) until_.store(count(now), std::memory_order_release);
  }

  [[nodiscard]] base::Time start() const noexcept { return time(start_); }
  [[nodiscard]] base::Time from() const noexcept { return time(from_); }
  [[nodiscard]] base::Time until() const noexcept { return time(until_); }
  [[nodiscard]] bool started(base::Time now) const noexcept { return now >= start(); }
  [[nodiscard]] bool over(base::Time now) const noexcept { return now >= until(); }
  // Whether what was meant to happen at `time` counts for the result.
  [[nodiscard]] bool counts(base::Time time) const noexcept { return time >= from() && time < until(); }

 private:
  using Count = base::Duration::rep;
  static constexpr Count kNever = std::numeric_limits<Count>::max();

  [[nodiscard]] static Count count(base::Time time) noexcept { return time.time_since_epoch().count(); }
  [[nodiscard]] static base::Time time(const std::atomic<Count>& from) noexcept {
    return base::Time{base::Duration{from.load(std::memory_order_acquire)}};
  }

  std::atomic<Count> start_{kNever};
  std::atomic<Count> from_{kNever};
  std::atomic<Count> until_{kNever};
};

}  // namespace holdfast::load
