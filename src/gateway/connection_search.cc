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

double seconds(base::Duration duration) { return std::max(0.0, std::chrono::duration<double>(duration).count()); }

// The slot of that name: the first number that is given when nobody has it.
template <typename Names, typename NameOf>
std::uint16_t slot_named(const Names& names, const std::string& name, NameOf name_of) {
  const auto at = std::ranges::find_if(names, [&](const auto& each) { return name_of(each) == name; });
  return static_cast<std::uint16_t>(at - names.begin());
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
      wakeup_(runtime, [this] { results_.take([this](ScanResult result) { take(std::move(result)); }); }),
      results_(kResultsMax, wakeup_) {}

std::shared_ptr<ScanOrder> ConnectionSearches::order_of(const ConnectionQuery& query) const {
  auto order = std::make_shared<ScanOrder>();
  const auto pools = world_.pools.newest();
  if (query.listener) order->listener = slot_named(world_.listener_names(), *query.listener, std::identity());
  if (query.pool) order->pool = slot_named(pools->pools, *query.pool, name_of_pool);
  if (query.server) order->servers = servers_named(*pools, query);
  order->address = query.address;
  order->min_age = query.min_age.value_or(std::chrono::milliseconds(0));
  order->min_idle = query.min_idle.value_or(std::chrono::milliseconds(0));
  order->min_bytes = query.min_bytes.value_or(0);
  order->sort = query.sort;
  order->room = std::min(query.limit, ConnectionQuery::kLimitMax) + 1;  // one more tells that there is a next page
  if (query.sort == ConnectionSort::id) order->after = query.after.value_or(0);
  order->asker = query.asker;
  return order;
}

void ConnectionSearches::find(const ConnectionQuery& query, std::function<void(ConnectionPage)> answer) {
  if (under_way_.size() >= kUnderWayMax) return answer(ConnectionPage{.connections = {}, .next = {}, .busy = true});
  const std::uint32_t limit = std::min(query.limit, ConnectionQuery::kLimitMax);
  begin(order_of(query), limit, [this, answer = std::move(answer)](const Search& search) {
    if (search.order->is_wanted()) answer(page_of(search));
  });
}

void ConnectionSearches::kick(std::uint64_t id, std::function<void(bool)> answer) {
  Kick kick{id, std::move(answer)};
  if (under_way_.size() >= kUnderWayMax) return kicks_.push_back(std::move(kick));
  begin_kick(std::move(kick));
}

void ConnectionSearches::begin_kick(Kick kick) {
  auto order = std::make_shared<ScanOrder>();
  order->kick = kick.id;
  begin(std::move(order), 0, [answer = std::move(kick.answer)](const Search& search) { answer(search.matched > 0); });
}

void ConnectionSearches::begin(std::shared_ptr<ScanOrder> order, std::uint32_t limit,
                               std::function<void(const Search&)> answer) {
  order->number = ++last_number_;
  order->asked = base::Clock::now();
  Search& search = under_way_[order->number];
  search.order = std::move(order);
  search.limit = limit;
  search.answer = std::move(answer);
  search.outstanding = world_.send(search.order);
}

void ConnectionSearches::take(ScanResult result) {
  const auto place = under_way_.find(result.number);
  Search& search = place->second;
  search.matched += result.matched;
  search.found.insert(search.found.end(), result.best.begin(), result.best.end());
  std::ranges::sort(search.found, std::less<>());
  if (search.found.size() > search.order->room) search.found.resize(search.order->room);
  if (--search.outstanding > 0) return;
  const Search done = std::move(search);
  under_way_.erase(place);
  if (!kicks_.empty()) {
    Kick next = std::move(kicks_.front());
    kicks_.pop_front();
    begin_kick(std::move(next));
  }
  done.answer(done);
}

ConnectionPage ConnectionSearches::page_of(const Search& search) const {
  const auto pools = world_.pools.newest();
  const auto listeners = world_.listener_names();
  const base::Time now = base::Clock::now();
  const std::size_t count = std::min<std::size_t>(search.found.size(), search.limit);
  ConnectionPage page;
  page.matched = search.matched;
  for (std::size_t i = 0; i < count; ++i) {
    const FoundConnection& found = search.found[i];
    ConnectionInfo& info = page.connections.emplace_back(info_of(found, *pools, now));
    if (found.listener < listeners.size()) info.listener = listeners[found.listener];
  }
  const bool more = search.found.size() > count && search.order->sort == ConnectionSort::id;
  if (more && count > 0) page.next = search.found[count - 1].id;
  return page;
}

ConnectionInfo ConnectionSearches::info_of(const FoundConnection& found, const Pools& pools, base::Time now) const {
  const Pool* pool = found.pool < pools.pools.size() ? pools.pools[found.pool].get() : nullptr;
  ConnectionInfo info;
  info.id = found.id;
  info.client = found.client.text();
  if (pool != nullptr) info.pool = pool->name;
  if (found.server != kNoServer) {
    info.server = world_.servers[found.server].server;
    if (found.server_address.family != base::PeerAddress::Family::none) {
      info.server_address = server_address(found, pool);
    }
  }
  info.stage = stage_name(found.stage);
  info.age_seconds = seconds(now - found.accepted);
  info.idle_seconds = seconds(base::Tick::at(now).since(found.last_activity));
  info.bytes_from_client = found.bytes[0];
  info.bytes_from_server = found.bytes[1];
  if (found.stage >= Relay::Stage::relaying) info.connect_seconds = found.connect_us / 1e6;
  info.worker = found.worker;
  return info;
}

}  // namespace holdfast::gateway
