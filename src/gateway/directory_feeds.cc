// What feeds a pool's roster: probes and the lists of discovery. The rest of Directory is in directory.cc.
#include "gateway/directory.h"
#include "health/spread.h"
#include "wire/proxy.h"

namespace holdfast::gateway {

Directory::Entry::Entry(Directory& owner, std::uint16_t pool_slot, const config::Pool& settings)
    : directory(owner),
      slot(pool_slot),
      load(owner.workers_),
      roster(settings, owner.slots_, load, *this, base::Clock::now()) {}

void Directory::Entry::joined(std::uint16_t server, const base::Endpoint& address) {
  directory.slots_[server].pool_slot = slot;
  if (address.kind == base::Endpoint::Kind::host_name) {
    directory.names_.insert_or_assign(server, Name{.pool = slot, .address = address, .lookup = {}});
    if (directory.begun_) directory.begin_lookup(server);
    return;
  }
  if (prober) directory.watch(*this, server, address, {});
}

void Directory::Entry::moved(std::uint16_t server, const base::Endpoint& address) {
  left(server);
  joined(server, address);
  if (prober && !roster.is_asked(server)) prober->forget(server);
}

void Directory::Entry::left(std::uint16_t server) {
  directory.names_.erase(server);
  if (prober) prober->forget(server);
}

void Directory::Entry::paused(std::uint16_t server) {
  if (prober) prober->forget(server);
}

void Directory::Entry::resumed(std::uint16_t server, const net::SocketAddress& at) {
  if (prober) directory.watch_anew(*this, server, at);
}

void Directory::Entry::doubted(std::uint16_t server, const net::SocketAddress& at) {
  if (prober) directory.watch_anew(*this, server, at);
}

void Directory::begin_probing(Entry& entry) {
  const auto& health = entry.settings().health;
  if (!health) return;
  entry.prober = std::make_unique<health::Prober>(
      runtime_, std::make_shared<const config::Health>(*health),
      [this, &entry](std::uint32_t slot, const health::Outcome& outcome) {
        const auto next = entry.roster.probed(static_cast<std::uint16_t>(slot), outcome, base::Clock::now());
        publish_soon();
        return next;
      },
      [this, &entry](std::uint32_t slot, const health::Outcome& outcome) {
        agent_asked(entry, static_cast<std::uint16_t>(slot), outcome);
      });
  const auto interval = config::milliseconds(health->interval);
  std::uint32_t number = 0;
  for (const Roster::Asked& asked : entry.roster.asked()) {
    const auto address = base::parse_endpoint(asked.at.text());
    if (address) watch(entry, asked.slot, *address, health::spread(number++, interval));
  }
}

void Directory::agent_asked(Entry& entry, std::uint16_t slot, const health::Outcome& outcome) {
  if (!outcome.agent) {
    if (outcome.asked) entry.roster.agent_silent(slot, outcome.reason);
    return;
  }
  entry.roster.agent_said(slot, *outcome.agent, base::Clock::now());
  publish_soon();
}

// Results and times of the probes stay, only what they ask changes.
void Directory::change_probing(Entry& entry, const config::Pool& before) {
  const config::Pool& pool = entry.settings();
  if (!pool.health) return entry.prober.reset();
  if (!entry.prober) return begin_probing(entry);
  if (pool.health == before.health && pool.proxy_protocol == before.proxy_protocol) return;
  entry.prober->set_settings(std::make_shared<const config::Health>(*pool.health));
  for (const Roster::Asked& asked : entry.roster.asked()) {
    const auto address = base::parse_endpoint(asked.at.text());
    if (address) entry.prober->change(asked.slot, target(pool, *address));
  }
}

void Directory::watch(Entry& entry, std::uint16_t slot, const base::Endpoint& address,
                      std::chrono::milliseconds first_after) {
  entry.prober->watch(slot, target(entry.settings(), address), first_after);
}

void Directory::watch_anew(Entry& entry, std::uint16_t slot, const net::SocketAddress& at) {
  const auto address = base::parse_endpoint(at.text());
  if (!address) return;
  entry.prober->forget(slot);
  watch(entry, slot, *address, {});
}

health::Target Directory::target(const config::Pool& pool, const base::Endpoint& address) {
  // Another port is another service, which does not expect what clients of this one send.
  const bool elsewhere = pool.health && (pool.health->port != 0 || pool.health->address);
  const config::ProxyOut proxy = elsewhere ? config::ProxyOut::off : pool.proxy_protocol;
  std::array<std::byte, wire::kProxyV1BytesMax> header;
  std::size_t bytes = 0;
  if (proxy == config::ProxyOut::v1) bytes = wire::write_proxy_local(wire::ProxyVersion::v1, header);
  if (proxy == config::ProxyOut::v2) bytes = wire::write_proxy_local(wire::ProxyVersion::v2, header);
  return {address, std::string(reinterpret_cast<const char*>(header.data()), bytes)};
}

void Directory::make_source(Entry& entry) {
  const config::Pool& pool = entry.settings();
  entry.source = std::make_unique<discovery::FileSource>(
      runtime_, pool.name, *pool.discovery, keep_ / "discovery" / (pool.name + ".json"),
      [this, &entry](const discovery::Endpoints& list) {
        entry.has_list = true;
        entry.roster.set_servers(Roster::Origin::discovered, list.servers, base::Clock::now());
        publish_soon();
      });
}

// Another source: the list of the one before stays in use until this one has a good list.
void Directory::change_source(Entry& entry, const std::optional<config::Discovery>& before) {
  const auto& wanted = entry.settings().discovery;
  if (wanted == before && (entry.source != nullptr) == wanted.has_value()) return;
  entry.source.reset();
  if (!wanted) {
    entry.has_list = false;
    return;
  }
  make_source(entry);
  using Copy = discovery::FileSource::Copy;
  if (begun_) entry.source->follow(entry.has_list ? Copy::leave : Copy::use);
}

}  // namespace holdfast::gateway
