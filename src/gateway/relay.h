// gateway/relay.h: the record of one relayed connection. Flat: no pointers, all of it can be written down.
//
// Thread: the worker that accepted it.
// Memory: 192 bytes in its slab, and nothing else while it is idle. See docs/MEMORY.md; a test holds the budget.
// All that another process would need to go on with it (addresses, times, byte counts, unsent bytes, which side has
// ended) is here and nowhere else, and the rest (descriptors, indexes, the timer's links) can be learned anew: a
// versioned record can be written from it between any two turns of the loop, when every byte that was
// read is either written or in `pending`.
#pragma once

#include <array>
#include <cstdint>

#include "base/peer_address.h"
#include "base/slab.h"
#include "base/time.h"
#include "gateway/reason.h"
#include "gateway/server_slots.h"
#include "net/buffer_pool.h"
#include "net/timer_wheel.h"
#include "net/transport.h"

namespace holdfast::gateway {

// The two ends of a relay, and the part of a net::Token that names them.
enum class End : std::uint8_t { client = 0, server = 1 };
inline constexpr End kEnds[] = {End::client, End::server};
[[nodiscard]] constexpr End other(End end) noexcept { return end == End::client ? End::server : End::client; }

// One leg: the connection with one end. Its two directions end for themselves:
//   from it: (not) readable, then hangup when the end is near, then ended;
//   to it:   open, then told_end once the other leg has ended and nothing waits for it, or gone when it takes nothing.
//            When we end the relay, told_end as soon as it has what was under way, or cut when that was not all.
// `broken` says that the kernel has ended both; what was received before may still be there to read.
struct Leg {
  net::Transport transport;
  net::BufferChain pending;   // what this end has not taken yet; at most kPendingMax
  bool readable : 1 = false;  // reading may yield something; unset once it says "again"
  bool hangup : 1 = false;    // the end of its stream is near: read on until it comes
  bool ended : 1 = false;     // its stream has ended, and everything before was read
  bool told_end : 1 = false;  // it was told that no more will come
  bool broken : 1 = false;    // the kernel has given the connection up in both directions
  bool gone : 1 = false;      // it takes nothing any more: what is meant for it is thrown away
  bool cut : 1 = false;       // parting: it was given a part only, and is reset once it has taken that
};

// What is left to do for a relay that is ended orderly, by the End that it came from or is for. It has no
// defaults, because it shares its place.
struct Parting {
  std::array<std::uint32_t, 2> unread;   // bytes of this end that are still to be delivered
  std::array<std::uint32_t, 2> untaken;  // that this end had not acknowledged when it was last looked at
};

struct Relay {
  enum class Stage : std::uint8_t {
    greeting,    // the client is to say who it is, by a PROXY header
    checking,    // that header names nobody else: a balancer's check, or its own connection
    waiting,     // in the pool's queue
    connecting,  // to a server; nothing but that header is read from the client yet
    relaying,
    lingering,  // one end is gone; the other is still being given what the first had sent
    parting,    // ended by us: both ends are still being given what was under way
  };
  static constexpr std::size_t kTriedMax = 8;
  static constexpr std::uint32_t kNobody = ~0U;
  static constexpr std::uint8_t kNoSource = 0xff;

  std::array<Leg, 2> legs;
  net::TimerWheel::Node timer;
  base::Tick last_activity;              // relaying: the last byte; other stages: when they began
  std::array<std::uint64_t, 2> bytes{};  // by the end they came from
  base::Time accepted;
  std::uint64_t id = 0;
  base::PeerAddress client;          // who it is: its PROXY header may say something else than its socket
  base::PeerAddress destination;     // whom it wanted to reach, if its PROXY header has said so
  std::uint32_t behind = kNobody;    // waiting: the next in line, by index in the slab
  std::uint32_t ahead = kNobody;     // waiting: the one before it
  std::uint32_t connect_us = 0;      // from accept to connected; 0 while connecting
  std::uint16_t listener = 0;        // slot in Listeners
  std::uint16_t pool = 0xffff;       // slot in Pools, once it has been admitted: its listener may change
  std::uint16_t server = kNoServer;  // slot in ServerSlots
  union {
    std::array<std::uint16_t, kTriedMax> tried{};  // before relaying: slots of the servers that failed last, a ring
    Parting parting;                               // while it is parting
  };
  std::uint16_t ephemeral_port = 0;  // the server's, when the kernel may also connect from it; else 0
  std::uint8_t attempts = 0;
  std::uint8_t source = kNoSource;  // which source address of the pool its server connection has
  Stage stage : 3 = Stage::connecting;
  bool resuming : 1 = false;                  // Loop::resume was asked for
  bool no_port : 1 = false;                   // the last attempt found no local port
  bool placed : 1 = false;                    // it has a place among those of its address
  CloseReason reason = CloseReason::stopped;  // why it is ending, once an end has gone

  // Before relaying: its number in the order of the queue, 0 while it has never waited. Kept where the server's bytes
  // are counted later.
  [[nodiscard]] std::uint64_t& ticket() noexcept { return bytes[1]; }
  // The same: the tick at which it joined the queue for the first time.
  [[nodiscard]] std::uint64_t& joined() noexcept { return bytes[0]; }
  [[nodiscard]] Leg& leg(End end) noexcept { return legs[static_cast<std::size_t>(end)]; }
};
static_assert(base::Slab<Relay>::entry_bytes() <= 200, "docs/MEMORY.md: the budget of an idle relay");

}  // namespace holdfast::gateway
