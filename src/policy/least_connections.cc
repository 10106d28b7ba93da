#include "policy/least_connections.h"

namespace holdfast::policy {

void LeastConnections::changed(const View& view) {
  if (view.servers.size() > kExactMax) draw_.changed(view);
}

std::optional<std::uint32_t> LeastConnections::choose(const View& view, const Request& request) {
  if (view.servers.empty()) return std::nullopt;
  if (view.servers.size() > kExactMax) {
    if (const auto chosen = choose_of_sample(view, request)) return chosen;
  }
  return choose_exactly(view, request);
}

void LeastConnections::look(const View& view, const Request& request, std::uint32_t begin, std::uint32_t end,
                            Found& found) {
  for (std::uint32_t i = begin; i < end; ++i) {
    const Server& server = view.servers[i];
    if (!usable(server, i, request)) continue;
    (passes_share(server, request, draw_.random()) ? found.open : found.gated).offer(i, server);
  }
}

std::optional<std::uint32_t> LeastConnections::choose_exactly(const View& view, const Request& request) {
  const auto count = static_cast<std::uint32_t>(view.servers.size());
  turn_ %= count;
  Found found;
  look(view, request, turn_, count, found);
  look(view, request, 0, turn_, found);
  const auto best = found.best();
  if (best) turn_ = *best + 1;
  return best;
}

// Drawn by weight, so that a heavy server is in nearly every sample. A server in slow start counts only as the first of
// a sample, which it is as often as its weight says, and chance takes off what is still above its share.
std::optional<std::uint32_t> LeastConnections::choose_of_sample(const View& view, const Request& request) {
  if (draw_.table().empty()) return std::nullopt;
  Found found;
  for (int draws = 0; draws < kSample; ++draws) {
    const std::uint32_t i = draw_.draw_any();
    const Server& server = view.servers[i];
    if (!usable(server, i, request)) continue;
    bool open = server.share >= kWholeShare || request.pass == Pass::any;
    if (!open && draws == 0) {
      const std::uint64_t most = server.share * draw_.table().weight_sum() / server.weight;
      open = draw_.random().below(kWholeShare) < most;
    }
    (open ? found.open : found.gated).offer(i, server);
  }
  return found.best();
}

}  // namespace holdfast::policy
