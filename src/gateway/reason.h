// gateway/reason.h: every way a connection can end, by name. One reason each, in the log line and in the metrics.
#pragma once

#include <cstddef>
#include <cstdint>

namespace holdfast::gateway {

// Why a connection that was accepted has ended.
enum class CloseReason : std::uint8_t {
  client_closed,      // orderly, the client first
  server_closed,      // orderly, the server first
  client_reset,       // the client's connection broke
  server_reset,       // the server's connection broke
  idle_timeout,       // no byte either way for listener.idle_timeout
  max_age,            // it was older than listener.max_age
  handshake_timeout,  // no server was reached within listener.handshake_timeout
  connect_failed,     // every server that was tried refused, or did not answer within pool.connect_timeout
  no_source_port,     // no local port was left to connect from
  no_server,          // every server of the pool is down
  servers_full,       // every server is at a limit, and pool.queue is 0
  queue_full,         // as many wait as pool.queue allows
  queue_timeout,      // it has waited for pool.queue_timeout
  server_down,        // its server went down, and pool.on_down says close
  server_removed,     // its server was removed, and pool.on_remove says drain or close
  server_drained,     // its server is drained by command
  listener_drained,   // its listener is drained by command
  node_drained,       // the whole node is drained
  kicked,             // it was ended by command, it alone
  refused,            // let in to say who it is, and then refused; entry::RefuseReason says why
  probe,              // a balancer's check: closed without a byte, or after a PROXY header that names nobody else
  no_memory,
  stopped,  // the process stops
};
inline constexpr std::size_t kCloseReasons = 23;

[[nodiscard]] const char* name(CloseReason reason) noexcept;

}  // namespace holdfast::gateway
