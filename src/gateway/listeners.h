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
#include <optional>
#include <vector>

#include "config/settings.h"
#include "gateway/admission.h"
#include "gateway/listener_slot.h"
#include "gateway/notice.h"
#include "gateway/pools.h"
#include "gateway/reason.h"
#include "net/address.h"
#include "net/descriptors.h"
#include "net/socket.h"
#include "policy/rate_limit.h"

namespace holdfast::gateway {

inline constexpr std::uint16_t kNoPool = 0xffff;

// One listening socket: of one worker, or of all of them. The descriptor is closed when the last holder lets go: a
// worker does when it has taken what the kernel has queued.
class ListenSocket {
 public:
  // `budget` has given one descriptor for it, and gets it back.
  ListenSocket(net::Fd fd, const net::SocketAddress& address, std::optional<std::uint16_t> worker,
               net::DescriptorBudget& budget)
      : fd_(std::move(fd)), address_(address), worker_(worker), budget_(budget) {}
  ~ListenSocket() { budget_.give(1); }
  ListenSocket(const ListenSocket&) = delete;
  ListenSocket& operator=(const ListenSocket&) = delete;

  [[nodiscard]] int fd() const noexcept { return fd_.get(); }
  [[nodiscard]] const net::SocketAddress& address() const noexcept { return address_; }
  [[nodiscard]] bool is_of(std::uint16_t worker) const noexcept { return !worker_ || *worker_ == worker; }
  [[nodiscard]] bool is_shared() const noexcept { return !worker_; }

  // Written by control before the snapshot is published that has, or no longer has, this socket.
  std::uint16_t listener = 0;
  bool handed_on = false;  // another listener goes on with the same queue: leave it as it is

 private:
  const net::Fd fd_;
  const net::SocketAddress address_;
  const std::optional<std::uint16_t> worker_;
  net::DescriptorBudget& budget_;
};

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
  std::shared_ptr<const Admission> admission;
  std::shared_ptr<ListenerSlot> slot;
  ListenerClosing closing;
};

// A listener that did not change has the same rules in the next version, and a socket is the same object.
struct Listeners {
  std::vector<std::shared_ptr<const ListenerRules>> rules;  // by slot; null where there is no listener
  std::vector<std::shared_ptr<ListenSocket>> sockets;
  Verbosity verbosity = Verbosity::ends;
};

}  // namespace holdfast::gateway
