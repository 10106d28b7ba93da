#include "admin/percentile.h"

#include <cstdlib>
#include <numeric>

namespace holdfast::admin {

std::optional<double> percentile(std::span<const double> bounds, std::span<const std::uint64_t> counts, double share) {
  if (bounds.empty() || counts.size() != bounds.size() + 1) std::abort();
  const std::uint64_t all = std::accumulate(counts.begin(), counts.end(), std::uint64_t{0});
  if (all == 0) return std::nullopt;
  double wanted = share * static_cast<double>(all);
  double below = 0;
  for (std::size_t i = 0; i < bounds.size(); ++i) {
    const auto here = static_cast<double>(counts[i]);
    if (here > 0 && wanted <= here) return below + (bounds[i] - below) * wanted / here;
    wanted -= here;
    below = bounds[i];
  }
  return bounds.back();
}

}  // namespace holdfast::admin
