// gateway/connection_log.h: what workers noticed, as log lines. One line for each connection that ends.
//
// Thread: control.
// Limits: failing servers are told of at most once in kFailurePause each; the line says how many
// failures it stands for.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "base/log_pause.h"
#include "gateway/notice.h"
#include "gateway/pools.h"

namespace holdfast::gateway {

class ConnectionLog {
 public:
  static constexpr std::chrono::seconds kFailurePause{5};

  explicit ConnectionLog(const ServerSlots& servers) : servers_(servers) {}

  // Which name a listener's number stands for, until it stands for another.
  void name_listener(std::uint16_t number, const std::string& name);

  void write(const Notice& notice);

 private:
  struct Failures {
    base::LogPause pause;
    std::uint64_t unsaid = 0;
  };
  // How many this line stands for; none when it is too early for another.
  [[nodiscard]] static std::uint64_t due(Failures& failures);

  void tell(const ConnectionOpened& opened) const;
  void tell(const ConnectionEnded& ended) const;
  void tell(const AcceptChanged& changed) const;
  void tell(const ConnectFailed& failed);
  void tell(const PortsShort& ports);
  void tell(const SourceUnusable& /*source*/) const {}  // the roster does
  void tell(const ClosedEarly& /*closed*/) const {}     // the line of its end says it
  void tell(const ConnectionsLost& /*lost*/) const {}   // so do the lines of theirs
  void tell(std::monostate /*nothing*/) const {}
  [[nodiscard]] std::string server_name(std::uint16_t slot) const;

  std::vector<std::string> listeners_;
  const ServerSlots& servers_;
  std::map<std::uint16_t, Failures> failures_;  // by server
  std::map<std::uint16_t, Failures> ports_;
};

}  // namespace holdfast::gateway
