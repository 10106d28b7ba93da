// entry/refuse_reason.h: why a client was not served at all, by name, as metrics have it.
#pragma once

#include <cstddef>
#include <cstdint>

namespace holdfast::entry {

enum class RefuseReason : std::uint8_t {
  max_connections,              // of the listener
  process_max_connections,      // node.max_connections
  max_connections_per_address,  // of the listener
  accept_rate,                  // of the listener
  accept_rate_per_address,      // of the listener
  denied,                       // listener.deny has the client
  not_allowed,                  // listener.allow does not have the client
  proxy_missing,                // no PROXY header, which is required
  proxy_untrusted,              // a PROXY header from a peer that listener.proxy_protocol_from does not have
  proxy_malformed,              // a broken PROXY header
  proxy_timeout,                // no whole PROXY header within listener.proxy_protocol_timeout
};
inline constexpr std::size_t kRefuseReasons = 11;

[[nodiscard]] const char* name(RefuseReason reason) noexcept;

}  // namespace holdfast::entry
