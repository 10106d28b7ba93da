// admin/percentile.h: how long it took for so many of all, from a histogram.
//
// Thread: pure. Cost: one pass over the buckets.
#pragma once

#include <cstdint>
#include <optional>
#include <span>

namespace holdfast::admin {

// The value that `share` (0 to 1) of all counts do not exceed, by linear interpolation in its bucket, the first of
// which begins at 0. `counts` has one bucket more than there are `bounds`: what lies above the last bound is said to be
// there. Nothing when nothing was counted.
[[nodiscard]] std::optional<double> percentile(std::span<const double> bounds, std::span<const std::uint64_t> counts,
                                               double share);

}  // namespace holdfast::admin
