#include "gateway/reason.h"

namespace holdfast::gateway {

const char* name(CloseReason reason) noexcept {
  switch (reason) {
    case CloseReason::client_closed: return "client_closed";
    case CloseReason::server_closed: return "server_closed";
    case CloseReason::client_reset: return "client_reset";
    case CloseReason::server_reset: return "server_reset";
    case CloseReason::idle_timeout: return "idle_timeout";
    case CloseReason::handshake_timeout: return "handshake_timeout";
    case CloseReason::connect_failed: return "connect_failed";
    case CloseReason::no_server: return "no_server";
    case CloseReason::no_memory: return "no_memory";
    case CloseReason::stopped: return "stopped";
  }
  return "unknown";
}

const char* name(RefuseReason reason) noexcept {
  switch (reason) {
    case RefuseReason::max_connections: return "max_connections";
  }
  return "unknown";
}

}  // namespace holdfast::gateway
