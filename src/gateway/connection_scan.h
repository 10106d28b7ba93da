// gateway/connection_scan.h: looks through the relays of one worker for those that somebody asks about.
//
// Thread, cost, order, limits: as entry/connection_scan.h, which does it.
#pragma once

#include <functional>
#include <optional>
#include <vector>

#include "entry/connection_scan.h"
#include "gateway/relay.h"

namespace holdfast::gateway {

using entry::ConnectionSort;

struct ScanOrder : entry::ScanOrder {
  std::optional<std::uint16_t> pool;
  std::optional<std::vector<std::uint16_t>> servers;  // one of these
};

struct FoundConnection : entry::FoundConnection {
  base::PeerAddress server_address;  // none while it is not connected
  std::uint32_t connect_us = 0;
  std::uint16_t pool = 0;
  std::uint16_t server = kNoServer;
  Relay::Stage stage = Relay::Stage::waiting;
};
using ScanResult = entry::ScanResult<FoundConnection>;
using ScanResults = base::Mailbox<ScanResult>;

class ConnectionScan final : public entry::ConnectionScan<Relay, ScanOrder, FoundConnection> {
 public:
  struct Ways {
    std::function<std::uint16_t(const Relay&)> pool_of;
    std::function<void(base::Key)> kick;
  };
  ConnectionScan(net::Loop& loop, base::Slab<Relay>& relays, std::uint16_t worker, ScanResults* results, Ways ways);

 private:
  [[nodiscard]] entry::FoundConnection seen(const Relay& relay, const ScanOrder& order) const override;
  [[nodiscard]] bool matches(const Relay& relay, const ScanOrder& order) const override;
  void complete(Relay& relay, FoundConnection& found) const override;
  void kick(base::Key key) override { ways_.kick(key); }

  Ways ways_;
};

}  // namespace holdfast::gateway
