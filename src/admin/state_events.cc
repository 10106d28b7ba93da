#include "admin/state_events.h"

#include <boost/json.hpp>
#include <functional>
#include <map>

#include "admin/node_json.h"
#include "base/utf8.h"

namespace holdfast::admin {
namespace {

namespace json = boost::json;
using gateway::DrainStatus;
using gateway::ListenerStatus;
using gateway::ServerStatus;
using MaybeDrain = std::optional<DrainStatus>;

template <typename Key, typename Thing>
using ByName = std::map<Key, const Thing*>;
using ServerKey = std::pair<std::string, std::string>;

// "UP 2/3" and "UP" are one state: how far checks have come is no event.
std::string state_word(const ServerStatus& server) { return server.state.substr(0, server.state.find(' ')); }

json::object named(const ServerStatus& server) { return {{"pool", server.pool}, {"server", server.name}}; }
json::object named(const ListenerStatus& listener) { return {{"listener", listener.name}}; }

class Differences {
 public:
  std::vector<Event> take() { return std::move(events_); }

  // Goes over what was there before, what is there now, or both.
  template <typename Key, typename Thing>
  void compare(const ByName<Key, Thing>& before, const ByName<Key, Thing>& now) {
    for (const auto& [key, old] : before) {
      if (!now.contains(key)) removed(*old);
    }
    for (const auto& [key, thing] : now) {
      const auto old = before.find(key);
      if (old == before.end()) added(*thing);
      drained("", named(*thing), old != before.end() ? old->second->draining : std::nullopt, thing->draining);
      if (old != before.end()) changed(*old->second, *thing);
    }
  }

  void drained(const char* subject, json::object data, const MaybeDrain& before, const MaybeDrain& now) {
    if (!before && !now) return;
    const bool moved = before && now && (before->remaining != now->remaining || before->closed != now->closed);
    if (before && now && !moved) return;
    data["subject"] = *subject != '\0' ? subject : data.contains("server") ? "server" : "listener";
    data["phase"] = !before ? "started" : now ? "progress" : "ended";
    const json::value drain = drain_json(now ? now : before);
    for (const auto& member : drain.as_object()) data[member.key()] = member.value();
    add("drain", std::move(data));
  }

 private:
  void add(const char* type, json::object data) { events_.push_back({type, std::move(data)}); }

  void added(const ServerStatus& server) {
    json::object data = named(server);
    data["address"] = server.address;
    data["origin"] = server.origin;
    add("server_added", std::move(data));
  }
  void removed(const ServerStatus& server) {
    json::object data = named(server);
    data["address"] = server.address;
    add("server_removed", std::move(data));
  }
  void changed(const ServerStatus& before, const ServerStatus& now) {
    if (state_word(before) != state_word(now)) new_state(before, now);
    change(now, "mode", before.mode, now.mode);
    change(now, "weight", before.weight, now.weight);
    change(now, "max_connections", before.max_connections, now.max_connections);
    change(now, "address", before.address, now.address);
    change(now, "backup", before.backup, now.backup);
    change(now, "leaving", before.leaving, now.leaving);
  }
  void new_state(const ServerStatus& before, const ServerStatus& now) {
    json::object data = named(now);
    data["from"] = state_word(before);
    data["to"] = state_word(now);
    data["cause"] = base::to_utf8(now.cause);
    data["connections"] = now.connections;
    add("server_state", std::move(data));
  }
  template <typename T>
  void change(const ServerStatus& server, const char* key, const T& before, const T& now) {
    if (before == now) return;
    json::object data = named(server);
    data["key"] = key;
    data["from"] = json::value_from(before);
    data["to"] = json::value_from(now);
    add("server_changed", std::move(data));
  }

  void listener(const ListenerStatus& listener, const char* phase) {
    json::object data = named(listener);
    data["phase"] = phase;
    data["addresses"] = json::array(listener.addresses.begin(), listener.addresses.end());
    add("listener", std::move(data));
  }
  void added(const ListenerStatus& now) { listener(now, "added"); }
  void removed(const ListenerStatus& before) { listener(before, "removed"); }
  // Drained: the last connection of one that accepts no more has ended.
  void changed(const ListenerStatus& before, const ListenerStatus& now) {
    const auto empty = [](const ListenerStatus& each) {
      return each.state == "draining" && each.addresses.empty() && each.connections == 0;
    };
    if (empty(now) && !empty(before)) listener(now, "drained");
  }

  std::vector<Event> events_;
};

ByName<std::string, ListenerStatus> listeners_of(const gateway::Status& status) {
  ByName<std::string, ListenerStatus> all;
  for (const ListenerStatus& listener : status.listeners) all[listener.name] = &listener;
  return all;
}

ByName<ServerKey, ServerStatus> servers_of(const gateway::Status& status) {
  ByName<ServerKey, ServerStatus> all;
  for (const gateway::PoolStatus& pool : status.pools) {
    for (const ServerStatus& server : pool.servers) all[{server.pool, server.name}] = &server;
  }
  return all;
}

MaybeDrain progress(const std::optional<NodeDrain>& drain) {
  return drain ? MaybeDrain(drain->progress) : std::nullopt;
}

}  // namespace

std::vector<Event> events_between(const Scene& before, const Scene& now) {
  Differences differences;
  differences.drained("node", {}, progress(before.drain), progress(now.drain));
  differences.compare(listeners_of(before.gateway), listeners_of(now.gateway));
  differences.compare(servers_of(before.gateway), servers_of(now.gateway));
  return differences.take();
}

}  // namespace holdfast::admin
