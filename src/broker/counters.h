// broker/counters.h: what one worker counts, for itself and for each listener.
//
// Thread: written by the worker, read by control.
#pragma once

#include <array>

#include "base/counter.h"
#include "broker/core/end_reason.h"
#include "broker/core/shard_counters.h"
#include "entry/refuse_reason.h"
#include "wire/mqtt/reason.h"

namespace holdfast::broker {

// Codes of CONNACK that say no, from 0x80 on.
inline constexpr std::size_t kRefusals = 0x23;
[[nodiscard]] constexpr std::size_t refusal_index(wire::mqtt::Reason reason) noexcept {
  return static_cast<std::size_t>(reason) - 0x80;
}

struct ListenerCounters {
  base::Counter accepted;
  base::Gauge connections;
  std::array<base::Counter, kRefusals> connects_refused;  // CONNACK said no, or would have: by its code
  std::array<base::Counter, kEndReasons> closed;
  std::array<base::Counter, entry::kRefuseReasons> refused;
  base::Counter bytes_received;
  base::Counter bytes_sent;
};

struct WorkerCounters : ShardCounters {
  base::Counter accept_pauses;
  base::Gauge accept_paused;
  base::Gauge connection_memory_bytes;
  base::Gauge buffer_memory_bytes;
  base::Counter paced;  // how often a client was made to wait because it sends more than it may
};

}  // namespace holdfast::broker
