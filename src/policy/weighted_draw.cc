#include "policy/weighted_draw.h"

namespace holdfast::policy {

std::optional<std::uint32_t> WeightedDraw::draw(const View& view, const Request& request) {
  if (table_.empty()) return std::nullopt;
  for (int draws = 0; draws < kDraws; ++draws) {
    const std::uint32_t index = draw_any();
    if (usable(view.servers[index], index, request)) return index;
  }
  return draw_among_all(view, request);
}

// Two looks at every server: the sum of the weights, then whose part of it was hit.
std::optional<std::uint32_t> WeightedDraw::draw_among_all(const View& view, const Request& request) {
  std::uint64_t sum = 0;
  for (std::uint32_t i = 0; i < view.servers.size(); ++i) {
    if (usable(view.servers[i], i, request)) sum += view.servers[i].weight;
  }
  if (sum == 0) return std::nullopt;
  std::uint64_t hit = random_.below(static_cast<std::uint32_t>(sum));  // at most 65,534 * 1000
  std::optional<std::uint32_t> last;
  for (std::uint32_t i = 0; i < view.servers.size(); ++i) {
    if (!usable(view.servers[i], i, request)) continue;
    if (hit < view.servers[i].weight) return i;
    hit -= view.servers[i].weight;
    last = i;
  }
  return last;  // another worker has filled one in the meantime
}

}  // namespace holdfast::policy
