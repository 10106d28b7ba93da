#include "gateway/connection_log.h"

#include <cmath>
#include <cstring>
#include <utility>

#include "base/log.h"

namespace holdfast::gateway {
namespace {

double milliseconds(std::chrono::microseconds duration) { return static_cast<double>(duration.count()) / 1000; }

std::int64_t number(std::uint64_t value) { return static_cast<std::int64_t>(value); }

}  // namespace

void ConnectionLog::name_listener(std::uint16_t number, const std::string& name) {
  if (listeners_.size() <= number) listeners_.resize(std::size_t{number} + 1);
  listeners_[number] = name;
}

void ConnectionLog::write(const Notice& notice) {
  std::visit([this](const auto& what) { tell(what); }, notice);
}

void ConnectionLog::tell(const ConnectionOpened& opened) const {
  base::log_info("connection opened", {{"id", number(opened.id)},
                                       {"listener", listeners_[opened.listener]},
                                       {"client", opened.client.text()},
                                       {"server", server_name(opened.server)}});
}

void ConnectionLog::tell(const ConnectionEnded& ended) const {
  const bool is_probe = ended.reason == CloseReason::probe;  // balancers check every few seconds
  base::log(is_probe ? base::LogLevel::debug : base::LogLevel::info, "connection ended",
            {{"id", number(ended.id)},
             {"listener", listeners_[ended.listener]},
             {"client", ended.client.text()},
             {"server", server_name(ended.server)},
             {"reason", std::string(name(ended.reason))},
             {"attempts", std::int64_t{ended.attempts}},
             {"connect_ms", milliseconds(ended.connect)},
             {"duration_ms", milliseconds(ended.duration)},
             {"bytes_to_server", number(ended.bytes_from_client)},
             {"bytes_to_client", number(ended.bytes_from_server)}});
}

void ConnectionLog::tell(const AcceptChanged& changed) const {
  const std::int64_t worker = changed.worker;
  if (changed.paused) {
    base::log_warning("accepting paused: descriptors ran short; raise the limit (LimitNOFILE) or lower max_connections",
                      {{"worker", worker}});
  } else {
    base::log_info("accepting goes on", {{"worker", worker}});
  }
}

std::uint64_t ConnectionLog::due(Failures& failures) {
  ++failures.unsaid;
  if (!failures.pause.is_over(base::Clock::now(), kFailurePause)) return 0;
  return std::exchange(failures.unsaid, 0);
}

void ConnectionLog::tell(const ConnectFailed& failed) {
  const std::uint64_t count = due(failures_[failed.server]);
  if (count == 0) return;
  base::log_warning("server not reached", {{"server", server_name(failed.server)},
                                           {"error", std::string(std::strerror(failed.error))},
                                           {"failures", number(count)}});
}

void ConnectionLog::tell(const PortsShort& ports) {
  const std::uint64_t count = due(ports_[ports.server]);
  if (count == 0) return;
  base::log_error(
      "no local port is left to connect to the server from: add pool.source_addresses, or widen "
      "net.ipv4.ip_local_port_range",
      {{"server", server_name(ports.server)}, {"connects", number(count)}});
}

std::string ConnectionLog::server_name(std::uint16_t slot) const {
  if (slot == kNoServer) return "-";
  return servers_[slot].pool + "/" + servers_[slot].server;
}

}  // namespace holdfast::gateway
