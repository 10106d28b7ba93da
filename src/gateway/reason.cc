#include "gateway/reason.h"

namespace holdfast::gateway {

const char* name(CloseReason reason) noexcept {
  switch (reason) {
    case CloseReason::client_closed: return "client_closed";
    case CloseReason::server_closed: return "server_closed";
    case CloseReason::client_reset: return "client_reset";
    case CloseReason::server_reset: return "server_reset";
    case CloseReason::idle_timeout: return "idle_timeout";
    case CloseReason::max_age: return "max_age";
    case CloseReason::handshake_timeout: return "handshake_timeout";
    case CloseReason::connect_failed: return "connect_failed";
    case CloseReason::no_source_port: return "no_source_port";
    case CloseReason::no_server: return "no_server";
    case CloseReason::servers_full: return "servers_full";
    case CloseReason::queue_full: return "queue_full";
    case CloseReason::queue_timeout: return "queue_timeout";
    case CloseReason::server_down: return "server_down";
    case CloseReason::server_removed: return "server_removed";
    case CloseReason::server_drained: return "server_drained";
    case CloseReason::listener_drained: return "listener_drained";
    case CloseReason::node_drained: return "node_drained";
    case CloseReason::kicked: return "kicked";
    case CloseReason::refused: return "refused";
    case CloseReason::probe: return "probe";
    case CloseReason::no_memory: return "no_memory";
    case CloseReason::stopped: return "stopped";
  }
  return "unknown";
}

}  // namespace holdfast::gateway
