#include "policy/round_robin.h"

namespace holdfast::policy {

void RoundRobin::changed(const View& view) {
  const std::span<const Server> servers = view.servers;
  credit_.assign(servers.size(), 0);
  // A few choices ahead, so that the first connections of several workers do not all meet at the first server.
  for (std::uint32_t i = 0; i < offset_ && i < servers.size(); ++i) (void)choose(view, {});
}

std::optional<std::uint32_t> RoundRobin::choose(const View& view, const Request& request) {
  const std::span<const Server> servers = view.servers;
  std::optional<std::uint32_t> best;
  std::int64_t sum = 0;
  for (std::uint32_t i = 0; i < servers.size(); ++i) {
    const std::int64_t weight = servers[i].weight;
    if (!usable(servers[i], i, request)) continue;
    credit_[i] += weight;
    sum += weight;
    if (!best || credit_[i] > credit_[*best]) best = i;
  }
  if (best) credit_[*best] -= sum;
  return best;
}

}  // namespace holdfast::policy
