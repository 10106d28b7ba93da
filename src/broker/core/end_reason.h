// broker/core/end_reason.h: every way a client's connection can end, by name. One reason each, in log and metrics.
#pragma once

#include <cstddef>
#include <cstdint>

namespace holdfast::broker {

enum class EndReason : std::uint8_t {
  none,
  client_disconnected,  // it said DISCONNECT
  client_closed,        // it closed without a word
  client_reset,         // its connection broke
  keep_alive_timeout,   // it has said nothing for too long
  connect_timeout,      // no CONNECT within connect_timeout
  no_connect,           // its first packet was another
  no_upgrade,           // its HTTP request did not begin a WebSocket of ours
  foreign_origin,       // it is a page of an origin that is not in allow_origins
  malformed,            // bytes that are no packet
  protocol_error,       // a packet that may not come now, or not so
  receive_maximum,      // more of its messages were unfinished than awaiting_rel_max
  not_authorized,       // it did what the ACL denies, and auth.acl.when_denied says disconnect
  refused,              // CONNACK said no, or it could not show again who it is
  busy,                 // nobody had time to find out who it is
  taken_over,           // another connection has come with its client id
  queue_full,           // it did not take what waits for it, and when_full says disconnect
  kicked,               // by command
  handed_over,          // it goes on on another worker; not counted as an end
  proxy_refused,        // let in to say who it is, and then refused
  probe,                // a balancer's check
  no_memory,
  stopped,  // the process stops
};
inline constexpr std::size_t kEndReasons = 22;

[[nodiscard]] const char* name(EndReason reason) noexcept;

}  // namespace holdfast::broker
