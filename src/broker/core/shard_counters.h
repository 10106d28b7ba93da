// broker/core/shard_counters.h: what one shard counts.
//
// Thread: written by the shard's worker, read by control.
#pragma once

#include <array>
#include <cstdint>

#include "base/counter.h"
#include "broker/core/outlet.h"

namespace holdfast::broker {

inline constexpr std::size_t kDropReasons = 7;

// Why a PUBLISH, or a will, that follows the standard went to nobody.
enum class RefusedTopic : std::uint8_t {
  too_long,  // above topic_length_max
  too_deep,  // above topic_levels_max
  delayed,   // $delayed, and then no seconds or no topic
  made,      // what the rewrite rules or the mountpoint have made of it is no topic, or above the same limits
};
inline constexpr std::size_t kRefusedTopics = 4;
[[nodiscard]] const char* name(RefusedTopic reason) noexcept;

struct ShardCounters {
  // Packets and messages.
  std::array<base::Counter, 16> packets_received;            // by packet type
  std::array<base::Counter, 3> messages_received;            // PUBLISH of clients, by QoS
  std::array<base::Counter, 3> messages_sent;                // to clients, by the QoS they were sent with
  base::Counter messages_unmatched;                          // nobody wanted them
  std::array<base::Counter, kRefusedTopics> topics_refused;  // PUBLISH of clients, by RefusedTopic
  base::Counter messages_denied;                             // the access rules said no
  base::Counter messages_forwarded;                          // to other shards
  base::Counter messages_retained;                           // stored as retained
  base::Counter retained_refused;                            // beyond a limit
  base::Counter delayed_refused;
  std::array<base::Counter, kDropReasons> dropped;  // copies for one client, by DropReason
  base::Counter no_member;                          // a shared group had nobody to take it

  // Life.
  base::Counter connects;  // CONNACK said yes
  base::Counter resumed;   // of these, with a session that was there
  base::Counter taken_over;
  base::Counter sessions_expired;
  base::Counter subscribes;
  base::Counter unsubscribes;
  base::Counter wills;

  // How much there is.
  base::Gauge clients;
  base::Gauge sessions;
  base::Gauge subscriptions;
  base::Gauge shared_subscriptions;
  base::Gauge retained;
  base::Gauge retained_bytes;
  base::Gauge delayed;
  base::Gauge routes;
  base::Gauge routes_wide;
};

}  // namespace holdfast::broker
