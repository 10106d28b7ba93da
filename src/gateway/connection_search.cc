#include "gateway/connection_search.h"

#include <algorithm>
#include <utility>

namespace holdfast::gateway {
namespace {

const char* stage_name(Relay::Stage stage) {
  switch (stage) {
    case Relay::Stage::greeting:
    case Relay::Stage::checking: return "greeting";
    case Relay::Stage::waiting: return "waiting";
    case Relay::Stage::connecting: return "connecting";
    case Relay::Stage::relaying: return "relaying";
    case Relay::Stage::lingering:
    case Relay::Stage::parting: break;
  }
  return "closing";
}

std::string name_of_pool(const std::shared_ptr<const Pool>& pool) { return pool == nullptr ? "" : pool->name; }

std::vector<std::uint16_t> servers_named(const Pools& pools, const ConnectionQuery& query) {
  std::vector<std::uint16_t> slots;
  for (const auto& pool : pools.pools) {
    if (pool == nullptr || (query.pool && pool->name != *query.pool)) continue;
    for (const Server& server : pool->servers) {
      if (server.name == *query.server) slots.push_back(server.slot);
    }
  }
  return slots;
}

// Of a unix socket the kernel says no more than that it is one; the pool knows its path.
std::string server_address(const FoundConnection& found, const Pool* pool) {
  if (found.server_address.family != base::PeerAddress::Family::unix_socket || pool == nullptr) {
    return found.server_address.text();
  }
  const auto server = std::ranges::find(pool->servers, found.server, &Server::slot);
  const bool known = server != pool->servers.end() && !server->addresses.empty();
  return known ? server->addresses.front().text() : found.server_address.text();
}

}  // namespace

ConnectionSearches::ConnectionSearches(control::Runtime& runtime, World world)
    : world_(std::move(world)),
      searches_(runtime,
                {.send = world_.send,
                 .listener_names = world_.listener_names,
                 .describe = [this](const FoundConnection& found, base::Time now) { return info_of(found, now); }}) {}

std::shared_ptr<ScanOrder> ConnectionSearches::order_of(const ConnectionQuery& query) const {
  auto order = std::make_shared<ScanOrder>();
  fill(*order, query, world_.listener_names());
  const auto pools = world_.pools.newest();
  if (query.pool) order->pool = entry::slot_named(pools->pools, *query.pool, name_of_pool);
  if (query.server) order->servers = servers_named(*pools, query);
  return order;
}

// None of them has a client id that is known here.
void ConnectionSearches::find(const ConnectionQuery& query, std::function<void(ConnectionPage)> answer) {
  if (query.client_id) return answer({});
  searches_.find(query, order_of(query), std::move(answer));
}

void ConnectionSearches::kick(std::uint64_t id, std::function<void(bool)> answer) {
  auto order = std::make_shared<ScanOrder>();
  order->kick = id;
  searches_.kick(std::move(order), std::move(answer));
}

ConnectionInfo ConnectionSearches::info_of(const FoundConnection& found, base::Time now) const {
  const auto pools = world_.pools.newest();
  const Pool* pool = found.pool < pools->pools.size() ? pools->pools[found.pool].get() : nullptr;
  ConnectionInfo info = entry::info_of(found, now);
  if (pool != nullptr) info.pool = pool->name;
  if (found.server != kNoServer) {
    info.server = world_.servers[found.server].server;
    if (found.server_address.family != base::PeerAddress::Family::none) {
      info.server_address = server_address(found, pool);
    }
  }
  info.stage = stage_name(found.stage);
  if (found.stage >= Relay::Stage::relaying) info.connect_seconds = found.connect_us / 1e6;
  return info;
}

}  // namespace holdfast::gateway
