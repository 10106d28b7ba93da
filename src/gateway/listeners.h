// gateway/listeners.h: where connections come in and under which rules. What control publishes and every worker reads.
//
// Thread: everything is immutable once published (base::Snapshot) but ListenerSlot, which is shared and atomic.
// Slots:  a listener has a number for as long as it has connections, found again by name over every change. One that
//         was removed keeps its rules until its last connection has ended.
// Order:  a pool is published before the listeners that name it, and goes after them. Workers look at listeners, then
//         at pools, until both fit (Relays::refresh).
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <vector>

#include "config/settings.h"
#include "entry/admission.h"
#include "entry/listen_socket.h"
#include "gateway/listener_slot.h"
#include "gateway/notice.h"
#include "gateway/pools.h"
#include "gateway/reason.h"
#include "net/socket.h"
#include "policy/rate_limit.h"

namespace holdfast::gateway {

inline constexpr std::uint16_t kNoPool = 0xffff;

// Whether, and how, the connections that came in by a listener are closed: it drains, or the whole node does.
struct ListenerClosing {
  Closing pace = Closing::no;
  policy::AcceptRate rate;  // of this listener, or of all that are node_drained together
  CloseReason reason = CloseReason::listener_drained;
  friend bool operator==(const ListenerClosing&, const ListenerClosing&) = default;
};

// What relays need to know of the listener they came in by.
struct ListenerRules {
  std::uint16_t pool = kNoPool;  // slot in Pools
  config::ProxyIn proxy_protocol = config::ProxyIn::off;
  std::chrono::milliseconds proxy_protocol_timeout{};
  std::chrono::milliseconds handshake_timeout{};
  std::chrono::milliseconds idle_timeout{};  // 0: none
  std::chrono::milliseconds max_age{};       // 0: none
  double max_age_jitter = 0;
  net::TcpOptions tcp;  // for the connection to the server; the client's inherits from the listener
  std::shared_ptr<const entry::Admission> admission;
  std::shared_ptr<ListenerSlot> slot;
  ListenerClosing closing;
};

// A listener that did not change has the same rules in the next version, and a socket is the same object.
struct Listeners {
  std::vector<std::shared_ptr<const ListenerRules>> rules;  // by slot; null where there is no listener
  std::vector<std::shared_ptr<entry::ListenSocket>> sockets;
  Verbosity verbosity = Verbosity::ends;
};

}  // namespace holdfast::gateway
