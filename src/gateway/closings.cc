#include "gateway/closings.h"

#include <algorithm>
#include <unordered_map>
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
  std::vector<Server*> begin;
  for (Server& server : closing) {
    const auto known = std::ranges::find(closing_, server.slot, &Server::slot);
    if (known != closing_.end() && known->pace == server.pace) {
      server.connections = std::move(known->connections);
    } else {
      begin.push_back(&server);
    }
  }
  if (!begin.empty()) fill(begin);
  closing_ = std::move(closing);
  on_deadline(0);
}

// However many servers begin at once, all relays are looked at once.
void Closings::fill(std::span<Server* const> begin) {
  std::unordered_map<std::uint16_t, Server*> of_slot;
  for (Server* server : begin) of_slot.emplace(server->slot, server);
  relays_.for_each([&](base::Key key, const Relay& relay) {
    if (relay.server == kNoServer || relay.stage < Relay::Stage::relaying) return;
    const auto server = of_slot.find(relay.server);
    if (server != of_slot.end()) server->second->connections.push_back(key);
  });
  const base::Tick now = loop_.tick();
  const auto idle = [&](base::Key key) { return now.since(relays_[key.index].last_activity); };
  for (Server* server : begin) std::ranges::sort(server->connections, {}, idle);
}

void Closings::connected(base::Key key, std::uint16_t slot) {
  const auto server = std::ranges::find(closing_, slot, &Server::slot);
  if (server == closing_.end()) return;
  server->connections.insert(server->connections.begin(), key);  // the least idle of all
  timers_.arm(0, base::Tick{loop_.tick().count + 1});
}

void Closings::close_some(Server& server, std::size_t& budget) {
  policy::RateLimit& pace = servers_[server.slot].closes;
  while (budget > 0 && !server.connections.empty()) {
    const base::Key key = server.connections.back();
    const bool lives = relays_.find(key) != nullptr;
    if (lives && server.pace == Closing::paced && !pace.try_take(loop_.now(), server.rate)) return;
    server.connections.pop_back();
    if (!lives) continue;
    close_(key, server.reason);
    --budget;
  }
}

void Closings::on_deadline(std::uint32_t /*index*/) {
  bool more = false;
  std::size_t budget = kTurnMax;
  for (Server& server : closing_) {
    close_some(server, budget);
    more |= !server.connections.empty();
  }
  if (more) {
    timers_.arm(0, base::Tick{loop_.tick().count + 1});
  } else {
    timers_.cancel(0);
  }
}

}  // namespace holdfast::gateway
