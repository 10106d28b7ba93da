#include "gateway/directory.h"

#include <algorithm>
#include <stdexcept>

#include "base/log.h"
#include "control/resolve.h"

namespace holdfast::gateway {
namespace {

constexpr std::size_t kServersMax = 65'534;  // a slot is 16 bits in the record of a relay, and one value means none

policy::Kind kind_of(config::Policy policy) {
  switch (policy) {
    case config::Policy::round_robin: return policy::Kind::round_robin;
    default: break;
  }
  return policy::Kind::least_connections;
}

// What the policy sees: a server that has no address yet takes no connections.
void make_view(Pool& pool, ServerSlots& slots) {
  pool.seen.clear();
  for (const Server& server : pool.servers) {
    pool.seen.push_back({.weight = server.addresses.empty() ? 0 : server.weight, .load = &slots[server.slot].load});
  }
}

std::vector<net::SocketAddress> with_port(const control::Addresses& found, std::uint16_t port) {
  std::vector<net::SocketAddress> addresses;
  for (const boost::asio::ip::address& each : found) {
    const auto kind = each.is_v6() ? base::Endpoint::Kind::ipv6 : base::Endpoint::Kind::ipv4;
    const auto address = net::SocketAddress::from(base::Endpoint{kind, each.to_string(), port});
    if (address) addresses.push_back(*address);
  }
  std::ranges::sort(addresses, {}, &net::SocketAddress::text);  // so that a turned round answer is no change
  return addresses;
}

bool same(const std::vector<net::SocketAddress>& a, const std::vector<net::SocketAddress>& b) {
  return std::ranges::equal(a, b, {}, &net::SocketAddress::text, &net::SocketAddress::text);
}

}  // namespace

Directory::Directory(control::Runtime& runtime, const std::vector<config::Pool>& pools)
    : runtime_(runtime),
      snapshot_(build(pools)),
      threads_(runtime, {.threads = 8, .waiting_calls_max = 65'536}),
      lookups_(names_.size()) {
  for (std::size_t i = 0; i < pools.size(); ++i) {
    if (std::ranges::none_of(names_, [i](const Name& name) { return name.pool == i; })) continue;
    tickers_.push_back(std::make_unique<control::Ticker>(runtime, config::milliseconds(pools[i].resolve_interval),
                                                         [this, i] { look_up_names_of(i); }));
  }
}

std::shared_ptr<const Pools> Directory::build(const std::vector<config::Pool>& configured) {
  auto pools = std::make_shared<Pools>();
  for (const config::Pool& from : configured) {
    Pool pool{from.name, kind_of(from.policy), config::milliseconds(from.connect_timeout), from.retries, {}, {}};
    for (const config::Server& server : from.servers) {
      if (slots_.size() == kServersMax) throw std::runtime_error("more than 65534 servers in all pools together");
      const auto slot = static_cast<std::uint16_t>(slots_.size());
      slots_.emplace_back(from.name, server.name);
      const auto address = net::SocketAddress::from(server.address);
      pool.servers.push_back({slot, server.name, server.weight, {}});
      if (address) pool.servers.back().addresses.push_back(*address);
      if (!address) names_.push_back({pools->pools.size(), pool.servers.size() - 1, server.address});
    }
    make_view(pool, slots_);
    pools->pools.push_back(std::move(pool));
  }
  return pools;
}

void Directory::resolve_all(std::function<void()> on_done) {
  if (names_.empty()) return on_done();
  on_first_lookups_done_ = std::move(on_done);
  first_lookups_left_ = names_.size();
  for (std::size_t i = 0; i < names_.size(); ++i) lookups_[i] = runtime_.spawn("look up a host name", look_up(i));
}

void Directory::look_up_names_of(std::size_t pool) {
  ++rounds_;
  for (std::size_t turn = 0; turn < names_.size(); ++turn) {
    const std::size_t i = (turn + rounds_) % names_.size();  // names that hang must not always be the first
    if (names_[i].pool != pool || !lookups_[i].done()) continue;
    lookups_[i] = runtime_.spawn("look up a host name", look_up(i));
  }
}

control::Task<> Directory::look_up(std::size_t index) {
  const auto found = co_await control::resolve(threads_, names_[index].address.host, kLookupTimeout);
  Name& name = names_[index];
  if (found) {
    take(name, with_port(*found, name.address.port));
  } else if (!name.failed) {
    base::log_warning("host name not resolved; it keeps the addresses it had",
                      {{"name", name.address.host}, {"error", found.error().text()}});
  }
  name.failed = !found;
  looked_up();
}

void Directory::take(const Name& name, std::vector<net::SocketAddress> addresses) {
  const auto now = snapshot_.newest();
  if (same(now->pools[name.pool].servers[name.server].addresses, addresses)) return;
  auto next = std::make_shared<Pools>(*now);
  Pool& pool = next->pools[name.pool];
  pool.servers[name.server].addresses = std::move(addresses);
  make_view(pool, slots_);
  base::log_info("host name resolved",
                 {{"name", name.address.host},
                  {"server", pool.name + "/" + pool.servers[name.server].name},
                  {"addresses", static_cast<std::int64_t>(pool.servers[name.server].addresses.size())}});
  snapshot_.publish(std::move(next));
}

void Directory::looked_up() {
  if (first_lookups_left_ == 0 || --first_lookups_left_ > 0) return;
  on_first_lookups_done_();
}

}  // namespace holdfast::gateway
