// broker/core/mail.h: what the shards of a node tell each other. Values, carried in order from each shard to each
// other.
//
// Order: what one shard sends to another arrives in the order it was sent, and nothing is lost.
// Cost:  a message is shared, not copied: 8 bytes and its count.
#pragma once

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include "base/slab.h"
#include "broker/core/claims.h"
#include "broker/core/message.h"
#include "broker/core/retained_tree.h"
#include "broker/core/share_groups.h"

namespace holdfast::broker {

inline constexpr unsigned kShardsMax = 64;
using ShardMask = std::uint64_t;

// A message that subscribers of the other shard want, or that every shard keeps.
struct Forward {
  MessageRef message;
  Version version;                    // of the retained message
  std::vector<std::uint64_t> groups;  // keys of shared groups of which the receiver is to pick a member
  bool retained = false;              // keep it as the topic's retained message
  bool wanted = false;                // match it against the receiver's own subscriptions
};

// The first subscription to a filter was made at the sender, or the last one has gone.
struct RouteChange {
  std::string filter;
  bool added = false;
};
// Asks for RoutesSeen: everything the sender said before is then in force.
struct RoutesAsk {
  std::uint64_t ticket = 0;
};
struct RoutesSeen {
  std::uint64_t ticket = 0;
};

// How many members the sender has in a shared group.
struct GroupCount {
  std::string group;
  std::string filter;
  ShareGroups::Counts counts;
};

// Somebody has come to a shared group that had nobody, and takes so much of what waits for members that are away.
struct GroupRoom {
  std::uint64_t key = 0;
  std::uint32_t messages = 0;
  std::uint64_t bytes = 0;
};
// More waits than that.
struct GroupRest {
  std::uint64_t key = 0;
};

// To the shard that orders the connects of this client id: who may have it?
struct Claim {
  std::string client_id;
  base::Key link;  // of the connection, at the sender
};
struct Granted {
  std::string client_id;
  base::Key link;
  unsigned holder = 0;
};
// What became of a grant, and that the session has ended at the sender (claims.h).
struct Settled {
  std::string client_id;
  Claims::Outcome outcome{};
};
struct Release {
  std::string client_id;
};

// One subscriber only: asked of, and answered by, the shard that orders this topic.
struct ExclusiveAsk {
  std::string topic;
  base::Key session;  // at the sender
  std::uint64_t ticket = 0;
  std::uint32_t index = 0;  // of its code in SUBACK
};
struct ExclusiveAnswer {
  std::string topic;
  base::Key session;
  std::uint64_t ticket = 0;
  std::uint32_t index = 0;
  bool granted = false;
};
struct ExclusiveRelease {
  std::string topic;
  base::Key session;
};

using Mail = std::variant<Forward, RouteChange, RoutesAsk, RoutesSeen, GroupCount, GroupRoom, GroupRest, Claim, Granted,
                          Settled, Release, ExclusiveAsk, ExclusiveAnswer, ExclusiveRelease>;

}  // namespace holdfast::broker
