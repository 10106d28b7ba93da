// load/settings.h: what one run of the load generator does, and what it counts.
//
// Thread: Settings are values, shared as const while a run lasts. A Tally belongs to the thread that counts; another
//         may read its counters at any time, but its histogram only when that thread has ended.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

#include "base/counter.h"
#include "base/result.h"
#include "base/time.h"
#include "load/histogram.h"
#include "net/address.h"

namespace holdfast::load {

enum class Traffic : std::uint8_t {
  echo,     // round trips on open connections
  bulk,     // a stream one way
  connect,  // new connections: connect, one round trip, close
  hold,     // idle connections
};
enum class Direction : std::uint8_t { up, down };     // bulk: to the target, from the target
enum class Ending : std::uint8_t { orderly, reset };  // connect: FIN both ways, or RST from the client

// A message begins with a stamp of 16 bytes, so it cannot be smaller; it is kept whole in memory, so it is bounded.
inline constexpr std::uint32_t kMessageBytesMin = 16;
inline constexpr std::uint32_t kMessageBytesMax = 1 << 20;

struct Settings {
  Traffic traffic = Traffic::echo;
  net::SocketAddress target;
  std::vector<net::SocketAddress> sources;  // local addresses taken in turn; none: the kernel's choice
  std::uint32_t threads = 1;
  std::uint32_t connections = 50;    // connect: how many are under way at a time
  std::uint32_t message_bytes = 64;  // connect and hold: 0 for no round trip
  std::uint32_t in_flight = 1;       // messages of one connection without an answer
  std::uint64_t rate = 0;            // echo: messages a second in all; 0: as fast as answers come
  std::uint64_t ramp = 1000;         // hold: new connections a second
  Direction direction = Direction::down;
  Ending ending = Ending::orderly;
  base::Duration ping_interval{0};  // hold: 0 for silence
  base::Duration warmup{0};         // traffic that is not measured
  base::Duration duration = std::chrono::seconds{10};
  base::Duration timeout = std::chrono::seconds{5};  // of one dial, of one connect cycle
};

enum class Failure : std::uint8_t {
  refused,
  reset,
  timeout,
  unreachable,
  exhausted,    // descriptors or ports ran out
  ended,        // the peer closed a connection that was in use
  wrong_reply,  // not what was sent
  unanswered,   // sent, but no reply within a second after the end
  unsent,       // due by the rate, but the target did not take it
  rejected,     // the target said no, by a code of its protocol
  other,
};
inline constexpr std::size_t kFailures = static_cast<std::size_t>(Failure::other) + 1;
[[nodiscard]] const char* name(Failure failure) noexcept;
[[nodiscard]] Failure failure_of(const base::Error& error) noexcept;
[[nodiscard]] Failure failure_of(int system_errno) noexcept;  // 0: it ended without an error

struct Tally {
  base::Counter opened;      // connections that were made
  base::Gauge open;          // connections that stand now
  base::Counter operations;  // round trips or whole connections that count for the result
  base::Counter bytes;       // bulk: that count for the result
  base::Counter progress;    // operations, or bytes of bulk, warm-up included
  std::array<base::Counter, kFailures> failures;
  Histogram latency;

  void fail(Failure failure, std::uint64_t count = 1) noexcept {
    failures[static_cast<std::size_t>(failure)].add(count);
  }
};

}  // namespace holdfast::load
