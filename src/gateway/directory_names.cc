// Host names of servers, resolved again and again. The rest of Directory is in directory.cc.
#include <algorithm>

#include "base/log.h"
#include "control/resolve.h"
#include "gateway/directory.h"

namespace holdfast::gateway {
namespace {

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

}  // namespace

void Directory::begin_resolving(Entry& entry) {
  const auto interval = config::milliseconds(entry.settings().resolve_interval);
  const std::uint16_t pool = entry.slot;
  entry.resolver = std::make_unique<control::Ticker>(runtime_, interval, [this, pool] { look_up_names_of(pool); });
}

void Directory::look_up_names_of(std::uint16_t pool) {
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
    resolved(*entries_[name.pool], slot, with_port(*found, address.port));
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
  const net::SocketAddress first = addresses.front();
  const auto count = static_cast<std::int64_t>(addresses.size());
  if (!entry.roster.set_addresses(slot, std::move(addresses), base::Clock::now())) return;
  base::log_info("host name resolved", {{"name", names_.at(slot).address.host},
                                        {"server", slots_[slot].pool + "/" + slots_[slot].server},
                                        {"addresses", count}});
  if (entry.prober && entry.roster.is_asked(slot)) watch_anew(entry, slot, first);
  publish_soon();
}

}  // namespace holdfast::gateway
