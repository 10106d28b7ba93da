// health/spread.h: how the times of probes are kept apart.
//
// Thread: pure functions. Cost: a few multiplications.
#pragma once

#include <chrono>
#include <cstdint>

#include "base/random.h"

namespace holdfast::health {

// A time in [0, interval) for the first probe of a target. However many of the numbers 0, 1, 2... are in use, and
// whichever come later, their times lie about evenly: multiples of the golden ratio (Knuth, TAOCP 3, 6.4).
[[nodiscard]] inline std::chrono::milliseconds spread(std::uint32_t number,
                                                      std::chrono::milliseconds interval) noexcept {
  const std::uint64_t share = number * std::uint32_t{0x9E3779B9};
  return std::chrono::milliseconds((static_cast<std::uint64_t>(interval.count()) * share) >> 32);
}

// `interval`, longer or shorter by chance by up to `share` of it.
[[nodiscard]] inline std::chrono::milliseconds jittered(std::chrono::milliseconds interval, double share,
                                                        base::Random& random) noexcept {
  constexpr std::uint32_t kSteps = 1U << 20;
  const double chance = 2.0 * random.below(kSteps) / kSteps - 1.0;
  return interval +
         std::chrono::milliseconds(static_cast<std::int64_t>(chance * share * static_cast<double>(interval.count())));
}

}  // namespace holdfast::health
