// gateway/notice.h: what a worker tells control. Values in a mailbox; the worker never formats or writes a log line.
#pragma once

#include <cerrno>
#include <chrono>
#include <cstdint>
#include <variant>

#include "base/mailbox.h"
#include "base/peer_address.h"
#include "gateway/reason.h"

namespace holdfast::gateway {

struct ConnectionOpened {
  std::uint64_t id = 0;
  base::PeerAddress client;
  std::uint16_t listener = 0;
  std::uint16_t server = 0;
};

struct ConnectionEnded {
  std::uint64_t id = 0;
  base::PeerAddress client;
  std::uint16_t listener = 0;
  std::uint16_t server = 0;  // kNoServer when none was reached
  CloseReason reason{};
  std::uint8_t attempts = 0;             // connects to servers, the last one included
  std::chrono::microseconds connect{};   // from accept to the server's answer
  std::chrono::microseconds duration{};  // from accept to the end
  std::uint64_t bytes_from_client = 0;
  std::uint64_t bytes_from_server = 0;
};

// Accepting stopped because descriptors ran short (paused), or goes on.
struct AcceptChanged {
  std::uint16_t worker = 0;
  bool paused = false;
};

// A server could not be reached; another may have been.
struct ConnectFailed {
  std::uint16_t server = 0;
  int error = 0;  // errno; ETIMEDOUT for connect_timeout
};

// In place of an errno: no source address of the pool can be used.
inline constexpr int kNoSource = -1;

// Whether the error of a connect says something about this machine only, and nothing about the server.
[[nodiscard]] constexpr bool is_our_fault(int error) noexcept {
  return error == ENOMEM || error == ENOBUFS || error == EMFILE || error == ENFILE || error == EADDRNOTAVAIL ||
         error == kNoSource;
}

// A server has closed a connection soon after it was made, without having sent a byte.
struct ClosedEarly {
  std::uint16_t server = 0;
};

// A server has ended many connections at once that it had served.
struct ConnectionsLost {
  std::uint16_t server = 0;
};

// No local port was left to connect to a server from.
struct PortsShort {
  std::uint16_t server = 0;
};

// A source address of the pool was found to be none of this machine.
struct SourceUnusable {
  std::uint16_t server = 0;
  std::uint8_t source = 0;  // index in pool.source_addresses
};

using Notice = std::variant<std::monostate, ConnectionOpened, ConnectionEnded, AcceptChanged, ConnectFailed,
                            ClosedEarly, ConnectionsLost, PortsShort, SourceUnusable>;
using Notices = base::Mailbox<Notice>;

// Which notices are wanted: what nobody reads is not sent.
enum class Verbosity : std::uint8_t { faults, ends, opens_and_ends };

}  // namespace holdfast::gateway
