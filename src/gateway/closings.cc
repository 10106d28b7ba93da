#include "gateway/closings.h"

#include <algorithm>
#include <utility>

namespace holdfast::gateway {

Closings::Closings(net::Loop& loop, ServerSlots& servers, base::Slab<Relay>& relays,
                   std::function<void(base::Key, CloseReason)> close)
    : loop_(loop), servers_(servers), relays_(relays), close_(std::move(close)), timers_(*this, loop.tick()) {
  loop.add_timers(timers_);
}

std::vector<Closings::Server> Closings::closing_in(const Pools& pools) {
  std::vector<Server> closing;
  for (const auto& pool : pools.pools) {
    for (const gateway::Server& server : pool->servers) {
      if (server.closing == Closing::no) continue;
      closing.push_back({server.slot, server.closing, server.closing_reason, pool->drain_rate, {}});
    }
  }
  return closing;
}

void Closings::changed(const Pools& pools) {
  std::vector<Server> closing = closing_in(pools);
  for (Server& server : closing) {
    const auto known = std::ranges::find(closing_, server.slot, &Server::slot);
    if (known != closing_.end() && known->pace == server.pace) {
      server.connections = std::move(known->connections);
    } else {
      fill(server);
    }
  }
  closing_ = std::move(closing);
  on_deadline(0);
}

void Closings::fill(Server& server) {
  std::vector<std::pair<std::uint32_t, base::Key>> found;
  const base::Tick now = loop_.tick();
  relays_.for_each([&](base::Key key, const Relay& relay) {
    if (relay.server != server.slot || relay.stage < Relay::Stage::relaying) return;
    found.emplace_back(static_cast<std::uint32_t>(now.since(relay.last_activity).count()), key);
  });
  std::ranges::sort(found, {}, [](const auto& each) { return each.first; });
  for (const auto& [idle, key] : found) server.connections.push_back(key);
}

void Closings::connected(base::Key key, std::uint16_t slot) {
  const auto server = std::ranges::find(closing_, slot, &Server::slot);
  if (server == closing_.end()) return;
  server->connections.insert(server->connections.begin(), key);  // the least idle of all
  timers_.arm(0, base::Tick{loop_.tick().count + 1});
}

void Closings::close_some(Server& server) {
  policy::RateLimit& pace = servers_[server.slot].closes;
  while (!server.connections.empty()) {
    const base::Key key = server.connections.back();
    const bool lives = relays_.find(key) != nullptr;
    if (lives && server.pace == Closing::paced && !pace.try_take(loop_.now(), server.rate)) return;
    server.connections.pop_back();
    if (lives) close_(key, server.reason);
  }
}

void Closings::on_deadline(std::uint32_t /*index*/) {
  bool more = false;
  for (Server& server : closing_) {
    close_some(server);
    more |= !server.connections.empty();
  }
  if (more) {
    timers_.arm(0, base::Tick{loop_.tick().count + 1});
  } else {
    timers_.cancel(0);
  }
}

}  // namespace holdfast::gateway
