// health/probe_histogram.h: how long the probes of a pool took.
//
// Thread: one owner. Cost: 13 numbers; a probe is one addition.
#pragma once

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>

namespace holdfast::health {

class ProbeHistogram {
 public:
  // From a server of the same rack to the longest time-out that makes sense.
  static constexpr std::array<double, 12> kBoundsSeconds = {0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025,
                                                            0.05,   0.1,   0.25,   0.5,   1,    5};

  void record(std::chrono::microseconds took) noexcept {
    const double seconds = std::chrono::duration<double>(took).count();
    const auto bound = std::ranges::lower_bound(kBoundsSeconds, seconds);
    ++buckets[static_cast<std::size_t>(bound - kBoundsSeconds.begin())];
    seconds_sum += seconds;
  }

  std::array<std::uint64_t, kBoundsSeconds.size() + 1> buckets{};  // each for itself; the last is above every bound
  double seconds_sum = 0;
};

}  // namespace holdfast::health
