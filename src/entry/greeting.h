// entry/greeting.h: who a client is, when a balancer before us says so with a PROXY header.
//
// The header is looked at without being taken (MSG_PEEK) until it is whole, so nothing has to be kept for a client that
// sends it bit by bit, and what follows it stays where the next one to read will look for it.
//
// A balancer's checks end here, and without a word in the log: they close, or reset (HAProxy), before a header or
// behind one that names nobody else.
//
// Thread: the owner loop's thread. A Greeting is made for one look at a client and kept by nobody: the connection keeps
//         which of two stages it is in, and the one deadline of each:
//           greeting   hear() at each event, late() when listener.proxy_protocol_timeout is over
//           checking   hear_more() at each event, unchecked() when kCheckTime is over
// Cost:   one system call a look, one more to take the header, and two behind one that names nobody else.
// Limits: wire::kProxyBytesMax; a longer header is malformed.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <span>

#include "base/peer_address.h"
#include "base/time.h"
#include "entry/admission.h"
#include "entry/house.h"
#include "entry/refuse_reason.h"
#include "net/transport.h"
#include "wire/proxy.h"

namespace holdfast::entry {

// How long a balancer's own connection is waited for to say something, or to end. Servers that speak first are reached
// by it this much later.
inline constexpr std::chrono::milliseconds kCheckTime{100};

// What a connection knows of a client that is still to say who it is.
struct Newcomer {
  net::Transport& transport;
  base::PeerAddress& client;       // at first who is at the other end of the socket; then who it says it is
  base::PeerAddress& destination;  // whom it wanted to reach, if its header says so
  bool hangup = false;             // net::Ready has said so
  bool broken = false;             // the same
};

struct Verdict {
  enum class What : std::uint8_t {
    wait,     // for the next event, or the deadline
    check,    // its header names nobody else: the stage `checking` begins, and with it kCheckTime
    let_in,   // it is who Newcomer::client says
    refused,  // for `reason`
    probe,    // a balancer's check, which has ended as they do
    reset,    // its connection broke
  };
  What what = What::wait;
  RefuseReason reason{};
  Placed placed = Placed::no;  // of who is let in: as Admission::recognise() says
};

class Greeting {
 public:
  // `scratch`: where what it says is looked at, at least wire::kProxyBytesMax; of no meaning afterwards.
  Greeting(const Newcomer& newcomer, const Door& door, base::Time now, std::span<std::byte> scratch)
      : newcomer_(newcomer), door_(door), now_(now), scratch_(scratch.first(wire::kProxyBytesMax)) {}

  // Something has come, or the end.
  [[nodiscard]] Verdict hear();
  // It has not said who it is in time.
  [[nodiscard]] Verdict late();
  // The same of one that is checked: it has said something, or ended.
  [[nodiscard]] Verdict hear_more();
  // It has done neither in time: a client as any other.
  [[nodiscard]] Verdict unchecked() { return let_in(); }

 private:
  [[nodiscard]] Verdict read(std::span<const std::byte> input);
  [[nodiscard]] Verdict take(const wire::ProxyRead& read);
  [[nodiscard]] Verdict cut(std::span<const std::byte> input);
  [[nodiscard]] bool names_nobody(const wire::ProxyHeader& header) const;
  [[nodiscard]] bool may_be_without_header(std::span<const std::byte> input) const;
  [[nodiscard]] Verdict let_in();

  const Newcomer newcomer_;
  const Door door_;
  const base::Time now_;
  const std::span<std::byte> scratch_;
};

}  // namespace holdfast::entry
