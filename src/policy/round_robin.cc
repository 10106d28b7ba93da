#include "policy/round_robin.h"

namespace holdfast::policy {

void RoundRobin::changed(std::span<const Server> servers) {
  credit_.assign(servers.size(), 0);
  // A few choices ahead, so that the first connections of several workers do not all meet at the first server.
  for (std::uint32_t i = 0; i < offset_ && i < servers.size(); ++i) (void)choose(servers, {});
}

std::optional<std::uint32_t> RoundRobin::choose(std::span<const Server> servers, std::span<const std::uint32_t> tried) {
  std::optional<std::uint32_t> best;
  std::int64_t sum = 0;
  for (std::uint32_t i = 0; i < servers.size(); ++i) {
    const std::int64_t weight = servers[i].weight;
    if (weight == 0 || contains(tried, i)) continue;
    credit_[i] += weight;
    sum += weight;
    if (!best || credit_[i] > credit_[*best]) best = i;
  }
  if (best) credit_[*best] -= sum;
  return best;
}

}  // namespace holdfast::policy
