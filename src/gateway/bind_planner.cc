#include "gateway/bind_planner.h"

#include <algorithm>
#include <map>
#include <stdexcept>
#include <string_view>

namespace holdfast::gateway {
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

BindPlanner::BindPlanner(ListenerSlots& listeners, std::span<const config::Listener> wanted,
                         const entry::Binder& binder)
    : listeners_(listeners), binder_(binder) {
  find_leaving(wanted);
}

void BindPlanner::find_leaving(std::span<const config::Listener> wanted) {
  std::map<std::string_view, std::vector<base::Endpoint>> stay;
  for (const config::Listener& listener : wanted) stay[listener.name] = listener.bind;
  listeners_.for_each([&](KnownListener& listener) {
    std::vector<base::Endpoint>& endpoints = stay[listener.name()];
    for (const entry::Bind& bind : listener.binds) {
      const auto stays = std::ranges::find(endpoints, bind.endpoint);
      if (stays == endpoints.end()) {
        leaving_.push_back({&listener, &bind});
      } else {
        endpoints.erase(stays);
      }
    }
  });
}

void BindPlanner::plan(const config::Listener& settings) {
  planned_.push_back({.settings = settings, .position = planned_.size()});
  for (const base::Endpoint& endpoint : settings.bind) {
    planned_.back().binds.push_back(plan_bind(settings, endpoint));
  }
}

void BindPlanner::plan_closed(const config::Listener& settings) {
  planned_.push_back({.settings = settings, .position = planned_.size()});
}

const entry::Bind* BindPlanner::find_own(const config::Listener& settings, const base::Endpoint& endpoint) {
  KnownListener* known = listeners_.find(settings.name);
  if (known == nullptr) return nullptr;
  for (const entry::Bind& bind : known->binds) {
    if (bind.endpoint != endpoint || std::ranges::find(kept_, &bind) != kept_.end()) continue;
    kept_.push_back(&bind);
    return &bind;
  }
  return nullptr;
}

PlannedBind BindPlanner::plan_bind(const config::Listener& settings, const base::Endpoint& endpoint) {
  if (const entry::Bind* own = find_own(settings, endpoint)) {
    entry::Bind more{.endpoint = endpoint, .address = own->address};
    more.sockets = binder_.for_more_workers(settings, *own);
    return {.how = PlannedBind::How::kept, .bind = std::move(more)};
  }
  for (Leaving& offered : leaving_) {
    if (offered.is_taken || offered.bind->address.text() != endpoint.text()) continue;  // never for a port 0
    offered.is_taken = true;
    entry::Bind bind = binder_.hand_on(settings, endpoint, *offered.bind);
    return {.how = PlannedBind::How::handed_on, .bind = std::move(bind), .from = offered.of->name()};
  }
  return open(settings, endpoint);
}

// Sockets that are only bound do not see each other: that two listeners want the same is looked for here.
PlannedBind BindPlanner::open(const config::Listener& settings, const base::Endpoint& endpoint) {
  entry::Bind opened = binder_.open(settings, endpoint, leaving_addresses());
  for (const PlannedListener& other : planned_) {
    for (const PlannedBind& planned : other.binds) {
      if (!overlap(planned.bind.address, opened.address)) continue;
      throw std::runtime_error("listener " + settings.name + ": " + endpoint.text() +
                               ": bind: Address already in use by listener " + other.settings.name);
    }
  }
  return {.how = PlannedBind::How::opened, .bind = std::move(opened)};
}

// What will be closed, and what was but workers still hold.
std::vector<net::SocketAddress> BindPlanner::leaving_addresses() {
  std::vector<net::SocketAddress> addresses;
  for (const Leaving& each : leaving_) addresses.push_back(each.bind->address);
  listeners_.for_each([&addresses](KnownListener& listener) {
    for (const auto& each : listener.given_up) {
      if (const auto socket = each.lock()) addresses.push_back(socket->address());
    }
  });
  return addresses;
}

}  // namespace holdfast::gateway
