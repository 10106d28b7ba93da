#include "entry/bind_planner.h"

#include <algorithm>
#include <map>
#include <stdexcept>
#include <string_view>
#include <utility>

namespace holdfast::entry {
namespace {

// Whether one address takes clients of the other.
bool overlap(const net::SocketAddress& a, const net::SocketAddress& b) {
  if (a.is_unix() || b.is_unix()) return a.is_unix() && b.is_unix() && a.path() == b.path();
  const auto is_any = [](const base::PeerAddress& peer) { return peer.bytes == base::PeerAddress{}.bytes; };
  const base::PeerAddress one = a.peer();
  const base::PeerAddress two = b.peer();
  if (a.family() != b.family() || one.port != two.port || one.port == 0) return false;
  return one.bytes == two.bytes || is_any(one) || is_any(two);
}

}  // namespace

BindPlanner::BindPlanner(std::vector<Holder> holders, std::span<const config::Entrance* const> wanted,
                         const Binder& binder)
    : holders_(std::move(holders)), binder_(binder) {
  find_leaving(wanted);
}

void BindPlanner::find_leaving(std::span<const config::Entrance* const> wanted) {
  std::map<std::string_view, std::vector<base::Endpoint>> stay;
  for (const config::Entrance* entrance : wanted) stay[entrance->name] = entrance->bind;
  for (const auto& [name, listening] : holders_) {
    std::vector<base::Endpoint>& endpoints = stay[name];
    for (const Bind& bind : listening->binds()) {
      const auto stays = std::ranges::find(endpoints, bind.endpoint);
      if (stays == endpoints.end()) {
        leaving_.push_back({name, &bind});
      } else {
        endpoints.erase(stays);
      }
    }
  }
}

std::vector<PlannedBind> BindPlanner::plan(const config::Entrance& entrance) {
  std::vector<PlannedBind> binds;
  for (const base::Endpoint& endpoint : entrance.bind) {
    binds.push_back(plan_bind(entrance, endpoint));
    planned_.push_back({entrance.name, binds.back().bind.address});
  }
  return binds;
}

const Bind* BindPlanner::find_own(const config::Entrance& entrance, const base::Endpoint& endpoint) {
  const auto own = std::ranges::find(holders_, entrance.name, &Holder::name);
  if (own == holders_.end()) return nullptr;
  for (const Bind& bind : own->listening->binds()) {
    if (bind.endpoint != endpoint || std::ranges::find(kept_, &bind) != kept_.end()) continue;
    kept_.push_back(&bind);
    return &bind;
  }
  return nullptr;
}

PlannedBind BindPlanner::plan_bind(const config::Entrance& entrance, const base::Endpoint& endpoint) {
  if (const Bind* own = find_own(entrance, endpoint)) {
    Bind more{.endpoint = endpoint, .address = own->address};
    more.sockets = binder_.for_more_workers(entrance, *own);
    return {.how = PlannedBind::How::kept, .bind = std::move(more)};
  }
  for (Leaving& offered : leaving_) {
    if (offered.is_taken || offered.bind->address.text() != endpoint.text()) continue;  // never for a port 0
    offered.is_taken = true;
    Bind bind = binder_.hand_on(entrance, endpoint, *offered.bind);
    return {.how = PlannedBind::How::handed_on, .bind = std::move(bind), .from = std::string(offered.of)};
  }
  return open(entrance, endpoint);
}

// Sockets that are only bound do not see each other: that two listeners want the same is looked for here.
PlannedBind BindPlanner::open(const config::Entrance& entrance, const base::Endpoint& endpoint) {
  Bind opened = binder_.open(entrance, endpoint, leaving_addresses());
  for (const Planned& other : planned_) {
    if (!overlap(other.address, opened.address)) continue;
    throw std::runtime_error("listener " + entrance.name + ": " + endpoint.text() +
                             ": bind: Address already in use by listener " + std::string(other.by));
  }
  return {.how = PlannedBind::How::opened, .bind = std::move(opened)};
}

// What will be closed, and what was but workers still hold.
std::vector<net::SocketAddress> BindPlanner::leaving_addresses() const {
  std::vector<net::SocketAddress> addresses;
  for (const Leaving& each : leaving_) addresses.push_back(each.bind->address);
  for (const Holder& holder : holders_) {
    for (const auto& socket : holder.listening->given_up()) addresses.push_back(socket->address());
  }
  return addresses;
}

}  // namespace holdfast::entry
