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

bool Closings::Group::has(const Relay& relay) const {
  return std::ranges::find(slots, of == Of::server ? relay.server : relay.listener) != slots.end();
}

void Closings::add_servers(const Pools& pools, std::vector<Group>& groups) {
  for (const auto& pool : pools.pools) {
    if (pool == nullptr) continue;
    for (const Server& server : pool->servers) {
      if (server.closing == Closing::no) continue;
      policy::RateLimit* limit = &servers_[server.slot].closes;
      groups.push_back(
          {Group::Of::server, {server.slot}, server.closing, server.closing_reason, server.closing_rate, limit, {}});
    }
  }
}

void Closings::add_listeners(std::span<const ListenerToClose> listeners, std::vector<Group>& groups) {
  for (const ListenerToClose& from : listeners) {
    const auto of = from.reason == CloseReason::node_drained ? Group::Of::node : Group::Of::listener;
    const auto node = std::ranges::find(groups, Group::Of::node, &Group::of);
    if (of == Group::Of::node && node != groups.end()) {
      node->slots.push_back(from.listener);
    } else {
      groups.push_back({of, {from.listener}, from.pace, from.reason, from.rate, from.limit, {}});
    }
  }
}

void Closings::changed(const Pools& pools, std::span<const ListenerToClose> listeners) {
  std::vector<Group> groups;
  add_servers(pools, groups);
  add_listeners(listeners, groups);
  std::vector<Group*> begin;
  for (Group& group : groups) {
    const auto known = std::ranges::find_if(groups_, [&](const Group& each) { return each.is_same(group); });
    if (known != groups_.end()) {
      group.connections = std::move(known->connections);
    } else {
      begin.push_back(&group);
    }
  }
  if (!begin.empty()) fill(begin);
  groups_ = std::move(groups);
  on_deadline(0);
}

// However many begin at once, all relays are looked at once. One that has no server yet is only ended when its listener
// is closed at once; otherwise its turn comes when it is connected.
void Closings::fill(std::span<Group* const> begin) {
  std::unordered_map<std::uint16_t, Group*> of_server;
  std::unordered_map<std::uint16_t, Group*> of_listener;
  for (Group* group : begin) {
    auto& slots = group->of == Group::Of::server ? of_server : of_listener;
    for (const std::uint16_t slot : group->slots) slots.emplace(slot, group);
  }
  relays_.for_each([&](base::Key key, const Relay& relay) {
    if (relay.stage > Relay::Stage::relaying) return;
    const bool relaying = relay.stage == Relay::Stage::relaying;
    const auto server = of_server.find(relay.server);
    if (relaying && server != of_server.end()) server->second->connections.push_back(key);
    const auto listener = of_listener.find(relay.listener);
    if (listener == of_listener.end() || (!relaying && listener->second->pace != Closing::at_once)) return;
    listener->second->connections.push_back(key);
  });
  const base::Tick now = loop_.tick();
  const auto idle = [&](base::Key key) { return now.since(relays_[key.index].last_activity); };
  for (Group* group : begin) std::ranges::sort(group->connections, {}, idle);
}

void Closings::connected(base::Key key) {
  for (Group& group : groups_) {
    if (!group.has(relays_[key.index])) continue;
    group.connections.insert(group.connections.begin(), key);  // the least idle of all
    timers_.arm(0, base::Tick{loop_.tick().count + 1});
  }
}

void Closings::close_some(Group& group, std::size_t& budget) {
  while (budget > 0 && !group.connections.empty()) {
    const base::Key key = group.connections.back();
    const Relay* relay = relays_.find(key);
    const bool lives = relay != nullptr && relay->stage <= Relay::Stage::relaying;
    if (lives && group.pace == Closing::paced && !group.limit->try_take(loop_.now(), group.rate)) return;
    group.connections.pop_back();
    if (!lives) continue;
    close_(key, group.reason);
    --budget;
  }
}

void Closings::on_deadline(std::uint32_t /*index*/) {
  bool more = false;
  std::size_t budget = kTurnMax;
  for (Group& group : groups_) {
    close_some(group, budget);
    more |= !group.connections.empty();
  }
  if (more) {
    timers_.arm(0, base::Tick{loop_.tick().count + 1});
  } else {
    timers_.cancel(0);
  }
}

}  // namespace holdfast::gateway
