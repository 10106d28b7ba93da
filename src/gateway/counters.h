// gateway/counters.h: what one worker counts for one listener.
//
// Thread: written by the worker, read by control.
#pragma once

#include <array>
#include <chrono>
#include <cstddef>

#include "base/counter.h"
#include "entry/refuse_reason.h"
#include "gateway/reason.h"

namespace holdfast::gateway {

// How long it took from accept to an established server connection.
class ConnectHistogram {
 public:
  static constexpr std::array<double, 12> kBoundsSeconds = {0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025,
                                                            0.05,   0.1,   0.25,   0.5,   1,    5};

  void record(std::chrono::microseconds taken) noexcept {
    const double seconds = std::chrono::duration<double>(taken).count();
    std::size_t bucket = 0;
    while (bucket < kBoundsSeconds.size() && seconds > kBoundsSeconds[bucket]) ++bucket;
    buckets[bucket].add();
    sum_us.add(static_cast<std::uint64_t>(taken.count()));
  }

  std::array<base::Counter, kBoundsSeconds.size() + 1> buckets;  // each for itself, not cumulative; the last is +Inf
  base::Counter sum_us;
};

struct ListenerCounters {
  base::Counter accepted;
  base::Gauge connections;
  std::array<base::Counter, kCloseReasons> closed;
  std::array<base::Counter, entry::kRefuseReasons> refused;
  std::array<base::Counter, 2> bytes;  // by the End they came from
  ConnectHistogram connect;
};

struct WorkerCounters {
  base::Counter accept_pauses;      // how often accepting was paused because descriptors ran short
  base::Gauge accept_paused;        // 1 while it is
  base::Gauge relay_memory_bytes;   // slab of the relays
  base::Gauge buffer_memory_bytes;  // pool of pending bytes
};

}  // namespace holdfast::gateway
