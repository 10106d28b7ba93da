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

}  // namespace
}  // namespace holdfast::broker
