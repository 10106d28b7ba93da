#include "gateway/connection_scan.h"

#include <algorithm>
#include <utility>

#include "net/address.h"

namespace holdfast::gateway {
namespace {

// Before it is relayed, a relay keeps something else there.
std::uint64_t bytes_of(const Relay& relay, End end) {
  return relay.stage < Relay::Stage::relaying ? 0 : relay.bytes[static_cast<std::size_t>(end)];
}

}  // namespace

ConnectionScan::ConnectionScan(net::Loop& loop, base::Slab<Relay>& relays, std::uint16_t worker, ScanResults* results,
                               Ways ways)
    : entry::ConnectionScan<Relay, ScanOrder, FoundConnection>(loop, relays, worker, results), ways_(std::move(ways)) {}

entry::FoundConnection ConnectionScan::seen(const Relay& relay, const ScanOrder& /*order*/) const {
  return {.id = relay.id,
          .client = relay.client,
          .accepted = relay.accepted,
          .last_activity = relay.last_activity,
          .bytes = {bytes_of(relay, End::client), bytes_of(relay, End::server)},
          .listener = relay.listener};
}

bool ConnectionScan::matches(const Relay& relay, const ScanOrder& order) const {
  if (order.pool && ways_.pool_of(relay) != *order.pool) return false;
  return !order.servers || std::ranges::find(*order.servers, relay.server) != order.servers->end();
}

void ConnectionScan::complete(Relay& relay, FoundConnection& found) const {
  found.connect_us = relay.connect_us;
  found.pool = ways_.pool_of(relay);
  found.server = relay.server;
  found.stage = relay.stage;
  const net::Transport& server = relay.leg(End::server).transport;
  const auto address = net::SocketAddress::remote_of(server.fd());
  if (address) found.server_address = address->peer();
}

}  // namespace holdfast::gateway
