// What a client can make grow ends somewhere.
#include <gtest/gtest.h>

#include "broker/core/shard_rig.h"

namespace holdfast::broker {
namespace {

using wire::mqtt::PacketType;
using wire::mqtt::Reason;
using Protocol = wire::mqtt::Version;

class ShardBounds : public testing::TestWithParam<unsigned> {};
INSTANTIATE_TEST_SUITE_P(On, ShardBounds, testing::Values(1U, 3U));

TEST_P(ShardBounds, WhoNeverReleasesItsMessagesIsSentAway) {
  for (const Protocol version : {Protocol::v31, Protocol::v311, Protocol::v5}) {
    ShardRig rig(GetParam(), [](ShardSettings&, ListenerLimits& limits) { limits.awaiting_rel_max = 3; });
    RigClient& a = rig.connected("a", 1, {.version = version});
    a.acks = false;
    for (std::uint16_t id = 1; id <= 3; ++id) a.publish("x", "1", {.qos = Qos::exactly_once, .packet_id = id});
    a.publish("x", "1", {.qos = Qos::exactly_once, .packet_id = 4});
    EXPECT_EQ(a.ended(), EndReason::receive_maximum);
    EXPECT_EQ(a.goodbye(), version == Protocol::v5 ? std::optional(Reason::receive_maximum_exceeded) : std::nullopt);
  }
}

TEST_P(ShardBounds, WhatIsReleasedOrSentAgainCountsNoMore) {
  ShardRig rig(GetParam(), [](ShardSettings&, ListenerLimits& limits) { limits.awaiting_rel_max = 3; });
  const Hello hello{.version = Protocol::v311, .clean = false};
  RigClient& a = rig.connected("a", 1, hello);
  a.acks = false;
  for (std::uint16_t id = 1; id <= 3; ++id) a.publish("x", "1", {.qos = Qos::exactly_once, .packet_id = id});
  a.publish("x", "1", {.qos = Qos::exactly_once, .dup = true, .packet_id = 2});
  a.publish("x", "1", {.qos = Qos::at_least_once, .packet_id = 9});
  EXPECT_TRUE(a.is_connected());
  a.vanish();
  a.connect(hello);
  a.publish("x", "1", {.qos = Qos::exactly_once, .dup = true, .packet_id = 3});
  a.ack(PacketType::pubrel, 1);
  a.publish("x", "1", {.qos = Qos::exactly_once, .packet_id = 4});
  EXPECT_TRUE(a.is_connected());
  a.publish("x", "1", {.qos = Qos::exactly_once, .packet_id = 5});
  EXPECT_EQ(a.ended(), EndReason::receive_maximum);
}

struct Refused {
  const char* topic;
  RefusedTopic reason;
};
const Refused kRefused[] = {
    {"0123456789abcdef0123", RefusedTopic::too_long},
    {"a/b/c/d", RefusedTopic::too_deep},
    {"$delayed/x/a", RefusedTopic::delayed},
    {"$delayed/5/", RefusedTopic::delayed},
    {"bad/a", RefusedTopic::made},
};

TEST_P(ShardBounds, ATopicThatIsNotAcceptedIsCountedByItsReason) {
  for (const Refused& c : kRefused) {
    SCOPED_TRACE(c.topic);
    ShardRig rig(GetParam(), [](ShardSettings& settings, ListenerLimits& limits) {
      limits.topic_length_max = 16;
      limits.topic_levels_max = 3;
      settings.delayed_max = 10;
      settings.delayed_bytes_max = 1000;
      settings.delayed_longest = std::chrono::seconds(10);
      settings.rewrites = {{.from = "bad/+", .to = "bad/+/$1"}};
    });
    std::uint64_t expected = 0;
    const auto count = [&] {
      return rig.sum([&](ShardCounters & c2) -> auto& {
        return c2.topics_refused[static_cast<std::size_t>(c.reason)];
      });
    };
    for (const Protocol version : {Protocol::v311, Protocol::v5}) {
      RigClient& a = rig.connected("a", 1, {.version = version});
      a.publish(c.topic, "1");
      EXPECT_EQ(count(), static_cast<std::int64_t>(++expected));
      a.publish(c.topic, "1", {.qos = Qos::at_least_once});
      EXPECT_EQ(count(), static_cast<std::int64_t>(++expected));
      EXPECT_EQ(a.acked(PacketType::puback), version == Protocol::v5 ? Reason::topic_name_invalid : Reason::success);
      EXPECT_TRUE(a.is_connected());
    }
  }
}

// However many shards there are, and whichever of them have the messages.
TEST_P(ShardBounds, DelayedMessagesAreLimitedOnTheNode) {
  for (const bool by_bytes : {false, true}) {
    ShardRig rig(GetParam(), [&](ShardSettings& settings, ListenerLimits&) {
      settings.delayed_max = by_bytes ? 100 : 3;
      settings.delayed_bytes_max = by_bytes ? 3'500 : 1'000'000;
      settings.delayed_longest = std::chrono::seconds(10);
    });
    const std::string payload(1000, 'x');
    RigClient& watch = rig.connected("watch", 2);
    (void)watch.subscribe("t");
    for (unsigned i = 0; i < 4; ++i) {
      RigClient& each = rig.connected("p" + std::to_string(i), i);
      each.publish("$delayed/5/t", payload, {.qos = Qos::at_least_once});
      EXPECT_EQ(each.acked(PacketType::puback), i < 3 ? Reason::success : Reason::quota_exceeded);
    }
    rig.pass(std::chrono::seconds(5));
    EXPECT_EQ(watch.take().size(), 3U);
    RigClient& again = rig.connected("again", 1);
    again.publish("$delayed/5/t", payload, {.qos = Qos::at_least_once});
    EXPECT_EQ(again.acked(PacketType::puback), Reason::success) << "their room is there again";
  }
}

}  // namespace
}  // namespace holdfast::broker
