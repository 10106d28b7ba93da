#include "policy/slow_start.h"

#include <algorithm>

namespace holdfast::policy {

std::uint32_t Ramp::weight(std::uint32_t full) const noexcept {
  if (full == 0) return 0;
  return std::max(1U, static_cast<std::uint32_t>(std::uint64_t{full} * step / kSteps));
}

Ramp ramp_at(base::Duration elapsed, base::Duration slow_start) noexcept {
  constexpr base::Duration::rep kClimbs = Ramp::kSteps - 1;
  elapsed = std::max(elapsed, base::Duration::zero());
  if (elapsed >= slow_start) return {};
  // Step n + 1 begins n nineteenths into the ramp.
  const auto climbed = static_cast<base::Duration::rep>(elapsed.count() * kClimbs / slow_start.count());
  return {static_cast<std::uint32_t>(climbed) + 1};
}

std::uint32_t share_of(std::uint32_t effective_weight, std::uint64_t sum_of_effective_weights) noexcept {
  if (sum_of_effective_weights == 0) return 0;
  const std::uint64_t share =
      (std::uint64_t{effective_weight} * kWholeShare + sum_of_effective_weights / 2) / sum_of_effective_weights;
  return static_cast<std::uint32_t>(std::min<std::uint64_t>(share, kWholeShare));
}

}  // namespace holdfast::policy
