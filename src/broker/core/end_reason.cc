#include "broker/core/end_reason.h"

namespace holdfast::broker {

const char* name(EndReason reason) noexcept {
  switch (reason) {
    case EndReason::none: return "none";
    case EndReason::client_disconnected: return "client_disconnected";
    case EndReason::client_closed: return "client_closed";
    case EndReason::client_reset: return "client_reset";
    case EndReason::keep_alive_timeout: return "keep_alive_timeout";
    case EndReason::connect_timeout: return "connect_timeout";
    case EndReason::no_connect: return "no_connect";
    case EndReason::no_upgrade: return "no_upgrade";
    case EndReason::foreign_origin: return "foreign_origin";
    case EndReason::malformed: return "malformed";
    case EndReason::protocol_error: return "protocol_error";
    case EndReason::receive_maximum: return "receive_maximum";
    case EndReason::not_authorized: return "not_authorized";
    case EndReason::refused: return "refused";
    case EndReason::busy: return "busy";
    case EndReason::taken_over: return "taken_over";
    case EndReason::queue_full: return "queue_full";
    case EndReason::kicked: return "kicked";
    case EndReason::handed_over: return "handed_over";
    case EndReason::proxy_refused: return "proxy_refused";
    case EndReason::probe: return "probe";
    case EndReason::no_memory: return "no_memory";
    case EndReason::stopped: return "stopped";
  }
  return "";
}

}  // namespace holdfast::broker
