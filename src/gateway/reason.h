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
  handshake_timeout,  // no server was reached within listener.handshake_timeout
  connect_failed,     // every server that was tried refused, or did not answer within pool.connect_timeout
  no_server,          // the pool has no server that takes connections
  no_memory,
  stopped,  // the process stops
};
inline constexpr std::size_t kCloseReasons = 10;

// Why a connection was not served at all.
enum class RefuseReason : std::uint8_t {
  max_connections,  // of the listener
};
inline constexpr std::size_t kRefuseReasons = 1;

[[nodiscard]] const char* name(CloseReason reason) noexcept;
[[nodiscard]] const char* name(RefuseReason reason) noexcept;

}  // namespace holdfast::gateway
