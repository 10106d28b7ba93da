// broker/connection_scan.h: looks through the connections of one worker for those that somebody asks about.
//
// Thread, cost, order, limits: as entry/connection_scan.h, which does it. A client that is on its way to another worker
//         in that moment is not seen.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "broker/connection.h"
#include "entry/connection_scan.h"

namespace holdfast::broker {

struct ScanOrder : entry::ScanOrder {
  std::optional<std::string> client_id;
  std::optional<std::string> kick_client;  // the client that is to be ended; nothing else counts then
};

struct FoundConnection : entry::FoundConnection {
  std::string client_id;
  std::string user;
  wire::mqtt::Version version{};
  Connection::Stage stage{};
};
using ScanResult = entry::ScanResult<FoundConnection>;
using ScanResults = base::Mailbox<ScanResult>;

class ConnectionScan final : public entry::ConnectionScan<Connection, ScanOrder, FoundConnection> {
 public:
  struct Ways {
    std::function<std::string_view(const Connection&)> client_id;  // empty: it has none yet, or no more
    std::function<std::string_view(const Connection&)> user;
    std::function<void(base::Key)> kick;
  };
  ConnectionScan(net::Loop& loop, base::Slab<Connection>& connections, std::uint16_t worker, ScanResults* results,
                 Ways ways);

 private:
  [[nodiscard]] entry::FoundConnection seen(const Connection& connection, const ScanOrder& order) const override;
  [[nodiscard]] bool matches(const Connection& connection, const ScanOrder& order) const override;
  void complete(Connection& connection, FoundConnection& found) const override;
  [[nodiscard]] bool is_kick(const ScanOrder& order) const override;
  [[nodiscard]] bool is_kicked(const Connection& connection, const ScanOrder& order) const override;
  void kick(base::Key key) override { ways_.kick(key); }

  Ways ways_;
};

}  // namespace holdfast::broker
