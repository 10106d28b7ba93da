// broker/core/shard_settings.h: what all shards of a node know from the start.
//
// Thread: immutable once the shards run.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

#include "broker/core/hooks.h"
#include "broker/core/keyed_hash.h"
#include "broker/core/out_queue.h"
#include "broker/core/retained_tree.h"
#include "broker/core/rewrite.h"
#include "broker/core/share_groups.h"
#include "broker/core/subscription.h"

namespace holdfast::broker {

// Made for every client that connects.
struct AutoSubscription {
  std::string filter;  // %c and %u stand for client id and user name
  SubscriptionOptions options;
};

struct ShardSettings {
  unsigned shards = 1;
  std::uint16_t node = 0;
  std::uint32_t epoch = 1;  // of this start of the node
  std::string node_name;
  HashKey hash_key;               // drawn at the start; the same in all shards
  std::uint64_t random_seed = 1;  // for client ids and choices
  SessionLimits queue;            // inflight_max is the listener's
  RetainedLimits retained;
  std::uint64_t retained_payload_max = ~std::uint64_t{0};
  std::chrono::seconds retained_expiry{0};  // 0: never
  std::uint32_t delayed_max = 0;            // of the node, that wait; 0: $delayed is no topic to publish to
  std::uint64_t delayed_bytes_max = 0;
  std::chrono::seconds delayed_longest{0};
  std::vector<Rewrite> rewrites;
  std::vector<AutoSubscription> auto_subscriptions;
  ShareStrategy share_strategy = ShareStrategy::round_robin;
  bool denied_disconnects = false;  // who publishes what the access rules deny is disconnected, not ignored
  std::vector<HooksMaker> hooks;    // each shard has one of each
};

}  // namespace holdfast::broker
