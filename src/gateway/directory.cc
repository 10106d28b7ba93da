#include "gateway/directory.h"

#include <algorithm>
#include <cstring>

#include "base/log.h"
#include "control/resolve.h"
#include "health/spread.h"
#include "wire/proxy.h"

namespace holdfast::gateway {
namespace {

constexpr std::chrono::milliseconds kTick{100};

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

DiscoveryStatus status_of(const discovery::FileSource& source) {
  static constexpr const char* kAlarms[] = {"none", "unreadable", "empty", "shrink"};
  const discovery::SourceStatus from = source.status();
  const auto now = std::chrono::system_clock::now();
  const auto seconds_since = [now](std::chrono::system_clock::time_point then) {
    return then.time_since_epoch().count() == 0 ? -1.0 : std::chrono::duration<double>(now - then).count();
  };
  return {.source = from.source,
          .version = from.version,
          .error = from.error,
          .alarm = kAlarms[static_cast<std::size_t>(from.alarm)],
          .age_seconds = seconds_since(from.applied_at),
          .checked_seconds = seconds_since(from.checked_at),
          .from_disk_copy = from.from_disk_copy,
          .changes_total = from.changes_total,
          .errors_total = from.errors_total};
}

}  // namespace

Directory::Entry::Entry(Directory& owner, std::size_t pool_number, const config::Pool& settings, std::size_t workers)
    : directory(owner),
      number(pool_number),
      load(workers),
      roster(settings, owner.slots_, load, *this, base::Clock::now()) {}

void Directory::Entry::joined(std::uint16_t slot, const base::Endpoint& address) {
  if (address.kind == base::Endpoint::Kind::host_name) {
    directory.names_.insert_or_assign(slot, Name{.pool = number, .address = address, .lookup = {}});
    if (directory.begun_) directory.begin_lookup(slot);
    return;
  }
  if (prober) directory.watch(*this, slot, address, {});
}

void Directory::Entry::moved(std::uint16_t slot, const base::Endpoint& address) {
  left(slot);
  joined(slot, address);
}

void Directory::Entry::left(std::uint16_t slot) {
  directory.names_.erase(slot);
  if (prober) prober->forget(slot);
}

void Directory::Entry::doubted(std::uint16_t slot, const net::SocketAddress& at) {
  const auto address = base::parse_endpoint(at.text());
  if (!prober || !address) return;
  prober->forget(slot);
  directory.watch(*this, slot, *address, {});
}

Directory::Directory(control::Runtime& runtime, const std::vector<config::Pool>& pools, std::size_t workers,
                     const std::filesystem::path& keep)
    : runtime_(runtime),
      snapshot_(std::make_shared<const Pools>()),
      threads_(runtime, {.threads = 8, .waiting_calls_max = 65'536}) {
  const base::Time now = base::Clock::now();
  for (const config::Pool& pool : pools) {
    Entry& entry = entries_.emplace_back(*this, entries_.size(), pool, workers);
    entry.roster.set_servers(Roster::Origin::configured, pool.servers, now);
    if (!pool.discovery) continue;
    entry.source = std::make_unique<discovery::FileSource>(
        runtime, pool.name, *pool.discovery, keep / "discovery" / (pool.name + ".json"),
        [this, &entry](const discovery::Endpoints& list) {
          entry.roster.set_servers(Roster::Origin::discovered, list.servers, base::Clock::now());
          publish_soon();
        });
  }
  publish();
}

Directory::~Directory() { *alive_ = false; }

void Directory::open(std::function<void()> on_done) {
  on_open_ = std::move(on_done);
  for (Entry& entry : entries_) {
    if (entry.source) entry.source->start();
  }
  begun_ = true;
  for (auto& [slot, name] : names_) begin_lookup(slot);
  ticker_ = std::make_unique<control::Ticker>(runtime_, kTick, [this] { tick(); });
  open_when_looked_up();
}

// Everything that is there at the beginning has had its chance: from here on, whoever comes is new.
void Directory::open_when_looked_up() {
  const bool awaited = std::ranges::any_of(names_, [](const auto& name) { return !name.second.tried; });
  if (open_ || awaited) return;
  open_ = true;
  publish();  // what has been found in this very turn is probed as well
  for (Entry& entry : entries_) {
    entry.roster.opened();
    begin_probing(entry);
    const auto interval = config::milliseconds(entry.roster.settings().resolve_interval);
    const std::size_t pool = entry.number;
    entry.resolver = std::make_unique<control::Ticker>(runtime_, interval, [this, pool] { look_up_names_of(pool); });
  }
  on_open_();
}

void Directory::begin_probing(Entry& entry) {
  const auto& health = entry.roster.settings().health;
  if (!health) return;
  entry.prober = std::make_unique<health::Prober>(
      runtime_, std::make_shared<const config::Health>(*health),
      [this, &entry](std::uint32_t slot, const health::Outcome& outcome) {
        const auto next = entry.roster.probed(static_cast<std::uint16_t>(slot), outcome, base::Clock::now());
        publish_soon();
        return next;
      },
      [this, &entry](std::uint32_t slot, const health::Outcome& outcome) {
        if (!outcome.agent) {
          if (outcome.asked) entry.roster.agent_silent(static_cast<std::uint16_t>(slot), outcome.reason);
          return;
        }
        entry.roster.agent_said(static_cast<std::uint16_t>(slot), *outcome.agent, base::Clock::now());
        publish_soon();
      });
  const auto interval = config::milliseconds(health->interval);
  std::uint32_t number = 0;
  const auto pool = snapshot_.newest()->pools[entry.number];
  for (const Tier& tier : pool->tiers) {
    for (const std::uint32_t member : tier.members) {  // those that have left since are in none
      const Server& server = pool->servers[member];
      if (server.addresses.empty()) continue;
      const auto address = base::parse_endpoint(server.addresses.front().text());
      if (address) watch(entry, server.slot, *address, health::spread(number++, interval));
    }
  }
}

void Directory::watch(Entry& entry, std::uint16_t slot, const base::Endpoint& address,
                      std::chrono::milliseconds first_after) {
  entry.prober->watch(slot, target(entry, address), first_after);
}

health::Target Directory::target(const Entry& entry, const base::Endpoint& address) const {
  const config::Pool& pool = entry.roster.settings();
  // Another port is another service, which does not expect what clients of this one send.
  const bool elsewhere = pool.health->port != 0 || pool.health->address;
  const config::ProxyOut proxy = elsewhere ? config::ProxyOut::off : pool.proxy_protocol;
  std::array<std::byte, wire::kProxyV1BytesMax> header;
  std::size_t bytes = 0;
  if (proxy == config::ProxyOut::v1) bytes = wire::write_proxy_local(wire::ProxyVersion::v1, header);
  if (proxy == config::ProxyOut::v2) bytes = wire::write_proxy_local(wire::ProxyVersion::v2, header);
  return {address, std::string(reinterpret_cast<const char*>(header.data()), bytes)};
}

void Directory::look_up_names_of(std::size_t pool) {
  // Names that hang must not always be the first.
  std::vector<std::uint16_t> slots;
  for (const auto& [slot, name] : names_) {
    if (name.pool == pool && name.lookup.done()) slots.push_back(slot);
  }
  if (slots.empty()) return;
  std::ranges::rotate(slots, slots.begin() + static_cast<std::ptrdiff_t>(++rounds_ % slots.size()));
  for (const std::uint16_t slot : slots) begin_lookup(slot);
}

void Directory::begin_lookup(std::uint16_t slot) {
  names_.at(slot).lookup = runtime_.spawn("look up a host name", look_up(slot));
}

control::Task<> Directory::look_up(std::uint16_t slot) {
  const base::Endpoint address = names_.at(slot).address;
  const auto found = co_await control::resolve(threads_, address.host, kLookupTimeout);
  Name& name = names_.at(slot);
  if (found) {
    name.known = true;
    resolved(entries_[name.pool], slot, with_port(*found, address.port));
  } else if (!name.failed) {
    base::log_warning(name.known ? "host name not resolved; its server keeps the addresses it had"
                                 : "host name not resolved; its server gets no connections until it is",
                      {{"name", address.host},
                       {"server", slots_[slot].pool + "/" + slots_[slot].server},
                       {"error", found.error().text()}});
  }
  name.failed = !found;
  name.tried = true;
  open_when_looked_up();
}

void Directory::resolved(Entry& entry, std::uint16_t slot, std::vector<net::SocketAddress> addresses) {
  const auto first = base::parse_endpoint(addresses.front().text());
  const auto count = static_cast<std::int64_t>(addresses.size());
  if (!entry.roster.set_addresses(slot, std::move(addresses), base::Clock::now())) return;
  base::log_info("host name resolved", {{"name", names_.at(slot).address.host},
                                        {"server", slots_[slot].pool + "/" + slots_[slot].server},
                                        {"addresses", count}});
  if (entry.prober && first) {
    entry.prober->forget(slot);
    watch(entry, slot, *first, {});
  }
  publish_soon();
}

Directory::Entry* Directory::owner_of(std::uint16_t slot) {
  const auto found =
      std::ranges::find(entries_, slots_[slot].pool, [](const Entry& entry) { return entry.roster.settings().name; });
  return found == entries_.end() ? nullptr : &*found;
}

void Directory::take(const Notice& notice) {
  const base::Time now = base::Clock::now();
  if (const auto* failed = std::get_if<ConnectFailed>(&notice)) {
    Entry* entry = is_our_fault(failed->error) ? nullptr : owner_of(failed->server);
    if (entry != nullptr) entry->roster.connect_failed(failed->server, std::strerror(failed->error), now);
  } else if (const auto* early = std::get_if<ClosedEarly>(&notice)) {
    Entry* entry = owner_of(early->server);
    if (entry != nullptr) entry->roster.closed_early(early->server, now);
  } else if (const auto* unusable = std::get_if<SourceUnusable>(&notice)) {
    Entry* entry = owner_of(unusable->server);
    if (entry != nullptr) entry->roster.source_unusable(unusable->source, now);
  } else {
    return;
  }
  publish_soon();
}

void Directory::tick() {
  const base::Time now = base::Clock::now();
  for (Entry& entry : entries_) entry.roster.tick(now);
  open_when_looked_up();  // the last name that was awaited may have left the list
  publish_soon();
}

void Directory::publish_soon() {
  const bool changed = std::ranges::any_of(entries_, [](const Entry& entry) { return entry.roster.is_changed(); });
  if (publishing_ || !changed) return;
  publishing_ = true;
  runtime_.post([this, alive = alive_] {
    if (!*alive) return;
    publishing_ = false;
    publish();
  });
}

void Directory::publish() {
  auto next = std::make_shared<Pools>(*snapshot_.newest());
  next->pools.resize(entries_.size());
  const base::Time now = base::Clock::now();
  for (Entry& entry : entries_) {
    if (entry.roster.is_changed() || !next->pools[entry.number]) next->pools[entry.number] = entry.roster.build(now);
  }
  snapshot_.publish(std::move(next));
  for (base::Waker* reader : readers_) reader->wake();
}

std::vector<PoolStatus> Directory::status() const {
  std::vector<PoolStatus> all;
  for (const Entry& entry : entries_) {
    PoolStatus& status = all.emplace_back();
    status.name = entry.roster.settings().name;
    status.policy = entry.roster.policy_name();
    status.connections = entry.load.connections.load(std::memory_order_relaxed);
    status.waiting = entry.load.waiting.load(std::memory_order_relaxed);
    status.panic = entry.roster.in_panic();
    if (entry.prober) {
      status.probes_total = entry.prober->probes_total();
      status.probe_failures_total = entry.prober->failures_total();
      const health::ProbeHistogram& durations = entry.prober->durations();
      status.probe_buckets.assign(durations.buckets.begin(), durations.buckets.end());
      status.probe_seconds_sum = durations.seconds_sum;
    }
    if (entry.source) status.discovery = status_of(*entry.source);
    status.servers = entry.roster.status(base::Clock::now());
  }
  return all;
}

}  // namespace holdfast::gateway
