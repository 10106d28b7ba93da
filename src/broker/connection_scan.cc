#include "broker/connection_scan.h"

#include <utility>

namespace holdfast::broker {

ConnectionScan::ConnectionScan(net::Loop& loop, base::Slab<Connection>& connections, std::uint16_t worker,
                               ScanResults* results, Ways ways)
    : entry::ConnectionScan<Connection, ScanOrder, FoundConnection>(loop, connections, worker, results),
      ways_(std::move(ways)) {}

entry::FoundConnection ConnectionScan::seen(const Connection& connection, const ScanOrder& order) const {
  return {.id = connection.id,
          .client = connection.client,
          .accepted = order.asked - base::Tick::at(order.asked).since(connection.accepted),
          .last_activity = connection.heard,
          .bytes = {connection.bytes_received, connection.bytes_sent},
          .listener = connection.listener};
}

bool ConnectionScan::matches(const Connection& connection, const ScanOrder& order) const {
  return !order.client_id || ways_.client_id(connection) == *order.client_id;
}

void ConnectionScan::complete(Connection& connection, FoundConnection& found) const {
  found.client_id = ways_.client_id(connection);
  found.user = ways_.user(connection);
  found.version = connection.version;
  found.stage = connection.stage;
}

bool ConnectionScan::is_kick(const ScanOrder& order) const { return order.kick || order.kick_client; }

bool ConnectionScan::is_kicked(const Connection& connection, const ScanOrder& order) const {
  if (order.kick) return connection.id == *order.kick;
  return connection.stage == Connection::Stage::open && ways_.client_id(connection) == *order.kick_client;
}

}  // namespace holdfast::broker
