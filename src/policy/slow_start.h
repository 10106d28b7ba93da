// policy/slow_start.h: how much of its share a server gets that has just joined or returned.
//
// Thread: pure. Cost: O(1). The ramp has 20 steps, so that a pool is told of new weights 19 times and not all the time.
#pragma once

#include <cstdint>

#include "base/time.h"
#include "base/units.h"
#include "policy/server.h"

namespace holdfast::policy {

// 5 % at the begin, 5 % more with each step, 100 % when the time is over.
struct Ramp {
  static constexpr std::uint32_t kSteps = 20;

  std::uint32_t step = kSteps;  // 1 to kSteps

  [[nodiscard]] bool is_done() const noexcept { return step == kSteps; }
  [[nodiscard]] double fraction() const noexcept { return static_cast<double>(step) / kSteps; }
  // A weight above 0 stays above 0. Weights below 20 have fewer steps than the ramp.
  [[nodiscard]] std::uint32_t weight(std::uint32_t full) const noexcept;
  [[nodiscard]] base::Rate rate(base::Rate full) const noexcept { return {full.per_second * fraction()}; }
};

// The ramp of a server that has been there for `elapsed`; below 0 counts as 0. A `slow_start` of 0 has no ramp.
[[nodiscard]] Ramp ramp_at(base::Duration elapsed, base::Duration slow_start) noexcept;

// The part of all new connections that a server should get, out of kWholeShare, rounded. 0 when the sum is 0.
[[nodiscard]] std::uint32_t share_of(std::uint32_t effective_weight, std::uint64_t sum_of_effective_weights) noexcept;

}  // namespace holdfast::policy
