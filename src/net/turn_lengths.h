// net/turn_lengths.h: how long the turns of a loop take. Whatever happens on the loop meanwhile waits that long.
//
// Thread: record() by the loop's; the rest from any. Cost: a few plain stores a turn; nothing is ever reset by a
// reader.
#pragma once

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>

#include "base/counter.h"
#include "base/time.h"

namespace holdfast::net {

class TurnLengths {
 public:
  static constexpr std::array<double, 9> kBoundsSeconds = {0.00001, 0.0001, 0.0005, 0.001, 0.0025,
                                                           0.005,   0.01,   0.05,   0.25};
  // The longest turn is remembered for one to two of these.
  static constexpr std::chrono::seconds kWindow{10};

  void record(base::Time begin, base::Time end) noexcept {
    const double seconds = std::chrono::duration<double>(end - begin).count();
    const auto bound = std::lower_bound(kBoundsSeconds.begin(), kBoundsSeconds.end(), seconds);
    buckets_[static_cast<std::size_t>(bound - kBoundsSeconds.begin())].add();
    const auto took_us = std::chrono::duration_cast<std::chrono::microseconds>(end - begin).count();
    sum_us_.add(static_cast<std::uint64_t>(took_us));
    const std::uint64_t window = window_of(end);
    if (window_.value() != static_cast<std::int64_t>(window)) begin_window(window);
    if (took_us > longest_us_.value()) longest_us_.set(took_us);
  }

  // Of the last kWindow at least, as of `now`.
  [[nodiscard]] double longest_seconds(base::Time now) const noexcept {
    const std::int64_t age = static_cast<std::int64_t>(window_of(now)) - window_.value();
    const std::int64_t current = age <= 1 ? longest_us_.value() : 0;
    const std::int64_t former = age <= 0 ? former_us_.value() : 0;
    return static_cast<double>(std::max(current, former)) / 1e6;
  }
  // Each for itself, not cumulative; the last is +Inf.
  [[nodiscard]] std::uint64_t bucket(std::size_t index) const noexcept { return buckets_[index].value(); }
  [[nodiscard]] double sum_seconds() const noexcept { return static_cast<double>(sum_us_.value()) / 1e6; }

 private:
  static std::uint64_t window_of(base::Time time) noexcept {
    return static_cast<std::uint64_t>(time.time_since_epoch() / kWindow);
  }
  void begin_window(std::uint64_t window) noexcept {
    const bool follows = window_.value() + 1 == static_cast<std::int64_t>(window);
    former_us_.set(follows ? longest_us_.value() : 0);
    longest_us_.set(0);
    window_.set(static_cast<std::int64_t>(window));
  }

  std::array<base::Counter, kBoundsSeconds.size() + 1> buckets_;
  base::Counter sum_us_;
  base::Gauge longest_us_;
  base::Gauge former_us_;  // of the window before
  base::Gauge window_;
};

}  // namespace holdfast::net
