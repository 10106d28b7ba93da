#include "config/references.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "config/broker_references.h"
#include "config/endpoint_kinds.h"
#include "config/process_references.h"
#include "config/suggest.h"
#include "config/unheeded.h"

namespace holdfast::config {
namespace {

// `pools` is sorted.
void check_pool(const Listener& listener, const Value& written, const std::vector<std::string_view>& pools,
                Faults& faults) {
  if (listener.pool.empty() || std::ranges::binary_search(pools, listener.pool)) return;
  const auto meant = closest(listener.pool, pools);
  const std::string hint = meant           ? fmt::format("did you mean {}?", quoted(pools[*meant]))
                           : pools.empty() ? "the file has no [[pool]]"
                                           : "add a [[pool]] of that name";
  faults.add(written.find("pool")->position, fmt::format("no pool is called {}; {}", quoted(listener.pool), hint));
}

// Who has which address, by same_place().
class Places {
 public:
  explicit Places(Faults& faults) : faults_(faults) {}

  void take(const base::Endpoint& endpoint, Position position, std::string owner) {
    const bool any_port = endpoint.kind != base::Endpoint::Kind::unix_path && endpoint.port == 0;
    if (any_port) return;
    const auto [first, is_new] = owners_.try_emplace(same_place(endpoint), std::move(owner));
    if (is_new) return;
    faults_.add(position, fmt::format("{} is already taken by {}; use another address or port", quoted(endpoint.text()),
                                      first->second));
  }

 private:
  Faults& faults_;
  std::map<std::string, std::string> owners_;
};

void take_admin(const Settings& settings, const Value& root, Places& places) {
  if (const auto socket = admin_socket(settings.node)) places.take(*socket, {}, "the admin socket in node.run_dir");
  const Value* admin = root.find("admin");
  const Value* listen = admin != nullptr ? admin->find("listen") : nullptr;
  const Position position = listen != nullptr ? listen->position : Position{};
  if (settings.admin.listen) places.take(*settings.admin.listen, position, "admin.listen");
}

// From the text, so that one bad address does not hide what is wrong with the others.
void take_binds(const Value& listener, Places& places) {
  const Value* bind = listener.find("bind");
  const List* list = bind != nullptr ? bind->as<List>() : nullptr;
  if (list == nullptr) return;
  for (const Value& item : *list) {
    const auto* text = item.as<std::string>();
    const auto endpoint = text != nullptr ? base::parse_endpoint(*text) : base::Error{};
    const std::string owner = fmt::format("`bind` at line {}", item.position.line);
    if (endpoint && endpoint->kind != base::Endpoint::Kind::host_name) places.take(*endpoint, item.position, owner);
  }
}

bool has_items(const Value& value) { return value.as<List>() != nullptr && !value.as<List>()->empty(); }

// Any array will do, because a mistyped [[pool.server]] has a fault of its own.
void check_servers(const Pool& pool, const Value& written, Faults& faults) {
  const Members& members = *written.as<Members>();
  const bool some = std::ranges::any_of(members, [](const Member& member) { return has_items(member.value); });
  if (some || written.find("discovery") != nullptr || pool.name.empty()) return;
  faults.add(written.position, fmt::format("[[pool]] {} has no servers; at least one [[pool.server]] or a "
                                           "[pool.discovery] is needed",
                                           quoted(pool.name)));
}

void check_queue(const Pool& pool, const Value& written, Faults& faults) {
  const Value* when = written.find("when_all_down");
  const Value* queue = written.find("queue");
  const bool has_no_queue =
      queue == nullptr || (queue->as<std::int64_t>() != nullptr && *queue->as<std::int64_t>() == 0);
  if (pool.when_all_down != WhenAllDown::queue || !has_no_queue || when == nullptr) return;
  faults.add(when->position, R"(`when_all_down` is "queue", but `queue` is 0; say how many connections may wait)");
}

// The servers of a pool by their place; of several in one place the first.
using ServerPlaces = std::map<std::string, std::size_t>;

ServerPlaces server_places(const Pool& pool) {
  ServerPlaces places;
  for (std::size_t i = 0; i < pool.servers.size(); ++i) places.emplace(same_place(pool.servers[i].address), i);
  return places;
}

// Under which places a listener can be reached by this machine.
std::vector<std::string> reached_at(const base::Endpoint& bind) {
  using Kind = base::Endpoint::Kind;
  std::vector<std::string> places{same_place(bind)};
  if (bind.host == "::") places.push_back(same_place({Kind::ipv6, "::1", bind.port}));
  if (bind.host == "0.0.0.0") places.push_back(same_place({Kind::ipv4, "127.0.0.1", bind.port}));
  return places;
}

// A client of a listener that is its own server would be relayed round and round until nothing is left.
void check_own_server(const Listener& listener, const Pool& pool, const ServerPlaces& places, const Value& written,
                      Faults& faults) {
  const Value* servers = written.find("server");
  const List* list = servers != nullptr ? servers->as<List>() : nullptr;
  for (const base::Endpoint& bind : listener.bind) {
    for (const std::string& place : reached_at(bind)) {
      const auto found = places.find(place);
      if (found == places.end() || list == nullptr || found->second >= list->size()) continue;
      const Value* address = (*list)[found->second].find("address");
      const base::Endpoint& to = pool.servers[found->second].address;
      if (address == nullptr || to.host.empty()) continue;
      faults.add(address->position, fmt::format("{} is where listener {} itself listens, so it would connect to itself",
                                                quoted(to.text()), quoted(listener.name)));
    }
  }
}

// Host names are known later; see gateway/roster.
void check_sources(const Pool& pool, const Value& written, Faults& faults) {
  using Kind = base::Endpoint::Kind;
  const Value* servers = written.find("server");
  const List* list = servers != nullptr ? servers->as<List>() : nullptr;
  for (std::size_t i = 0; list != nullptr && i < list->size() && i < pool.servers.size(); ++i) {
    const base::Endpoint& to = pool.servers[i].address;
    const bool is_ip = to.kind == Kind::ipv4 || to.kind == Kind::ipv6;
    const bool fits =
        std::ranges::any_of(pool.source_addresses, [&](const auto& from) { return from.kind == to.kind; });
    const Value* address = (*list)[i].find("address");
    if (pool.source_addresses.empty() || !is_ip || to.host.empty() || fits || address == nullptr) continue;
    faults.add(address->position,
               fmt::format("{} cannot be reached from any of `source_addresses`: none of them is an {} address",
                           quoted(to.text()), to.kind == Kind::ipv4 ? "IPv4" : "IPv6"));
  }
}

void check_steps(const Health& health, const Value& written, Faults& faults) {
  const bool script = health.type == HealthType::script;
  if (script && health.steps.empty()) {
    faults.add(written.position, R"(a health check of type "script" needs at least one [[pool.health.step]])");
  }
  const Value* steps = written.find("step");
  const List* list = steps != nullptr ? steps->as<List>() : nullptr;
  for (std::size_t i = 0; list != nullptr && i < list->size() && i < health.steps.size(); ++i) {
    const Members* members = (*list)[i].as<Members>();
    if (members == nullptr || members->size() == 1) continue;
    faults.add((*list)[i].position, fmt::format("[[pool.health.step]] must have one of `send`, `send_hex`, `expect`, "
                                                "`expect_hex`; found {} keys",
                                                members->size()));
  }
}

void check_passive(const Passive& passive, const Value& written, Faults& faults) {
  const Value* most = written.find("eject_max");
  if (passive.eject_max >= passive.eject) return;
  faults.add(most != nullptr ? most->position : written.position,
             fmt::format("`eject_max` must not be shorter than `eject`, which is {}", base::to_text(passive.eject)));
}

void check_discovery(const Discovery& discovery, const Value& written, Faults& faults) {
  const Value* path = written.find("path");
  const std::string_view name = discovery.path;
  if (path == nullptr || name.empty() || name.ends_with(".json") || name.ends_with(".toml")) return;
  faults.add(path->position, fmt::format("`path` must end in .json or .toml; found {}", quoted(name)));
}

void check_pool_section(const Pool& pool, const Value& written, Faults& faults) {
  check_servers(pool, written, faults);
  check_unheeded(pool, written, faults);
  check_queue(pool, written, faults);
  check_sources(pool, written, faults);
  const Value* health = written.find("health");
  if (pool.health && health != nullptr) check_steps(*pool.health, *health, faults);
  const Value* passive = written.find("passive");
  if (pool.passive && passive != nullptr) check_passive(*pool.passive, *passive, faults);
  const Value* discovery = written.find("discovery");
  if (pool.discovery && discovery != nullptr) check_discovery(*pool.discovery, *discovery, faults);
}

void check_there_is_a_listener(const Settings& settings, const Value& root, Faults& faults) {
  const bool some = !settings.listeners.empty() || !settings.broker.listeners.empty();
  if (some || may_mean_a_listener(root)) return;
  const Value* listeners = root.find("listener");
  faults.add(listeners != nullptr ? listeners->position : root.position,
             "the file has no [[listener]] and no [[broker.listener]]; at least one is needed");
}

}  // namespace

void check_references(const Settings& settings, const Value& root, Faults& faults) {
  std::vector<std::string_view> pools;
  for (const Pool& pool : settings.pools) pools.push_back(pool.name);
  std::ranges::sort(pools);
  check_there_is_a_listener(settings, root, faults);
  check_process(settings, root, faults);
  check_broker(settings, root, faults);
  Places places(faults);
  take_admin(settings, root, places);
  for (std::size_t i = 0; i < settings.listeners.size(); ++i) {
    const Value& written = (*root.find("listener")->as<List>())[i];
    check_pool(settings.listeners[i], written, pools, faults);
    check_unheeded(settings.listeners[i], written, faults);
    take_binds(written, places);
  }
  const Value* broker = root.find("broker");
  for (std::size_t i = 0; i < settings.broker.listeners.size(); ++i) {
    take_binds((*broker->find("listener")->as<List>())[i], places);
  }
  const Value* written_pools = root.find("pool");
  std::map<std::string_view, std::pair<std::size_t, ServerPlaces>> servers;  // of pools, by name
  for (std::size_t i = 0; i < settings.pools.size(); ++i) {
    check_pool_section(settings.pools[i], (*written_pools->as<List>())[i], faults);
    servers.try_emplace(settings.pools[i].name, i, server_places(settings.pools[i]));
  }
  for (const Listener& listener : settings.listeners) {
    const auto found = servers.find(listener.pool);
    if (found == servers.end()) continue;
    const auto& [number, of_servers] = found->second;
    check_own_server(listener, settings.pools[number], of_servers, (*written_pools->as<List>())[number], faults);
  }
}

}  // namespace holdfast::config
