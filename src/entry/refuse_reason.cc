#include "entry/refuse_reason.h"

namespace holdfast::entry {

const char* name(RefuseReason reason) noexcept {
  switch (reason) {
    case RefuseReason::max_connections: return "max_connections";
    case RefuseReason::process_max_connections: return "process_max_connections";
    case RefuseReason::max_connections_per_address: return "max_connections_per_address";
    case RefuseReason::accept_rate: return "accept_rate";
    case RefuseReason::accept_rate_per_address: return "accept_rate_per_address";
    case RefuseReason::denied: return "denied";
    case RefuseReason::not_allowed: return "not_allowed";
    case RefuseReason::proxy_missing: return "proxy_missing";
    case RefuseReason::proxy_untrusted: return "proxy_untrusted";
    case RefuseReason::proxy_malformed: return "proxy_malformed";
    case RefuseReason::proxy_timeout: return "proxy_timeout";
  }
  return "unknown";
}

}  // namespace holdfast::entry
