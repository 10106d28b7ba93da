#include "policy/least_connections.h"

namespace holdfast::policy {

std::optional<std::uint32_t> LeastConnections::choose(const View& view, const Request& request) {
  const std::span<const Server> servers = view.servers;
  const auto count = static_cast<std::uint32_t>(servers.size());
  std::optional<std::uint32_t> best;
  std::uint64_t best_connections = 0;
  for (std::uint32_t step = 0; step < count; ++step) {
    const std::uint32_t i = (turn_ + step) % count;
    if (!usable(servers[i], i, request)) continue;
    // The load after one more connection, compared without dividing: (a + 1) / weight_a < (b + 1) / weight_b.
    const std::uint64_t connections = servers[i].load->connections.load(std::memory_order_relaxed) + std::uint64_t{1};
    if (!best || connections * servers[*best].weight < best_connections * servers[i].weight) {
      best = i;
      best_connections = connections;
    }
  }
  if (best) turn_ = *best + 1;
  return best;
}

}  // namespace holdfast::policy
