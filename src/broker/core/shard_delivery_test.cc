// What a connection is sent, and when: what expires or is too large, how much may be under way, what comes again,
// queues.
#include <gtest/gtest.h>

#include "broker/core/shard_testing.h"

namespace holdfast::broker {
namespace {

using namespace shard_testing;

class ShardDelivery : public testing::TestWithParam<unsigned> {};
INSTANTIATE_TEST_SUITE_P(On, ShardDelivery, testing::Values(1U, 3U));

//= MQTT5 [MQTT-3.3.2-5] type=test
//= MQTT5 [MQTT-3.3.2-6] type=test
TEST_P(ShardDelivery, AMessageExpiresWhileItWaits) {
  ShardRig rig(GetParam());
  RigClient& a = rig.connected("a", 1, {.clean = false, .expiry_s = 600});
  (void)a.subscribe("t", {.qos = k1});
  a.vanish();
  RigClient& publisher = rig.connected("p");
  publisher.publish("t", "short", {.qos = k1, .properties = with(Property::message_expiry, 10)});
  publisher.publish("t", "long", {.qos = k1, .properties = with(Property::message_expiry, 100)});
  publisher.publish("t", "ever", {.qos = k1});
  publisher.publish("kept", "short", {.retain = true, .properties = with(Property::message_expiry, 10)});
  publisher.publish("kept/2", "long", {.retain = true, .properties = with(Property::message_expiry, 100)});
  rig.pass(milliseconds(10'500));
  a.connect();
  std::vector<Got> got = a.take();
  ASSERT_EQ(got.size(), 2U);
  EXPECT_EQ(brief(got[0]), "t=long q1");
  EXPECT_EQ(got[0].expiry_s, 90U) << "what is left, in whole seconds";
  EXPECT_EQ(got[1].expiry_s, std::nullopt);
  EXPECT_EQ(
      rig.sum([](ShardCounters & c) -> auto& { return c.dropped[static_cast<std::size_t>(DropReason::expired)]; }), 1);
  (void)a.subscribe("kept/#");
  got = a.take();
  ASSERT_EQ(got.size(), 1U);
  EXPECT_EQ(brief(got[0]), "kept/2=long r");
  EXPECT_EQ(got[0].expiry_s, 90U);
  rig.pass(seconds(100));
  EXPECT_EQ(rig.counters(0).retained.value(), 0) << "swept";
}

//= MQTT5 [MQTT-3.1.2-24] type=test
//= MQTT5 [MQTT-3.1.2-25] type=test
TEST_P(ShardDelivery, WhatIsTooLargeForAClientIsNotSentToIt) {
  ShardRig rig(GetParam());
  RigClient& a =
      rig.connected("a", 1, {.change = [](Connect& c) { c.properties.set(Property::maximum_packet_size, 30U); }});
  (void)a.subscribe("t", {.qos = k1});
  RigClient& publisher = rig.connected("p");
  publisher.publish("t", std::string(100, 'x'), {.qos = k1});
  publisher.publish("t", "small", {.qos = k1});
  EXPECT_EQ(a.got(), (Texts{"t=small q1"}));
  EXPECT_EQ(
      rig.sum([](ShardCounters & c) -> auto& { return c.dropped[static_cast<std::size_t>(DropReason::too_large)]; }),
      1);
  rig.shard(a.pipe->shard).kick("a", Reason::administrative_action, EndReason::kicked, rig.now);
  rig.settle();
  EXPECT_EQ(a.goodbye(), Reason::administrative_action);
}

//= MQTT5 [MQTT-3.3.4-9] type=test
//= MQTT5 [MQTT-4.9.0-2] type=test
TEST_P(ShardDelivery, NoMoreIsSentThanTheClientWantsUnacknowledged) {
  ShardRig rig(GetParam());
  RigClient& a = rig.connected("a", 1, {.change = [](Connect& c) { c.properties.set(Property::receive_maximum, 2U); }});
  a.acks = false;
  (void)a.subscribe("t", {.qos = k2});
  RigClient& publisher = rig.connected("p");
  for (int i = 0; i < 4; ++i) publisher.publish("t", std::to_string(i), {.qos = i % 2 == 0 ? k1 : k2});
  publisher.publish("t", "q0");
  std::vector<Got> got = a.take();
  ASSERT_EQ(got.size(), 3U) << "QoS 0 does not count";
  EXPECT_EQ(brief(got[2]), "t=q0");
  a.ack(PacketType::puback, got[0].packet_id);
  EXPECT_EQ(a.got(), (Texts{"t=2 q1"}));
  a.ack(PacketType::pubrec, got[1].packet_id);
  EXPECT_EQ(a.got(), Texts{}) << "it is not over yet";
  a.ack(PacketType::pubcomp, got[1].packet_id);
  EXPECT_EQ(a.got(), (Texts{"t=3 q2"}));
}

//= MQTT5 [MQTT-3.3.4-7] type=test
TEST(ShardDelivery1, WhoSendsMoreThanWeTakeUnacknowledgedIsSentAway) {
  ShardRig rig(1, [](ShardSettings&, ListenerLimits& limits) { limits.awaiting_rel_max = 2; });
  RigClient& a = rig.connected("a");
  a.acks = false;
  for (int i = 0; i < 2; ++i) a.publish("t", "m", {.qos = k2});
  a.publish("t", "m", {.qos = k0});
  EXPECT_TRUE(a.is_connected());
  a.publish("t", "m", {.qos = k1});
  EXPECT_EQ(a.goodbye(), Reason::receive_maximum_exceeded);
}

//= MQTT5 [MQTT-4.3.2-4] type=test
//= MQTT5 [MQTT-4.3.3-6] type=test
TEST_P(ShardDelivery, AcknowledgementsThatMakeNoSense) {
  ShardRig rig(GetParam());
  RigClient& a = rig.connected("a", 1);
  a.acks = false;
  (void)a.subscribe("t", {.qos = k2});
  a.ack(PacketType::puback, 99);
  a.ack(PacketType::pubcomp, 99);
  a.ack(PacketType::pubrec, 99);
  EXPECT_EQ(a.acked(PacketType::pubrel), Reason::packet_identifier_not_found);
  a.ack(PacketType::pubrel, 99);
  EXPECT_EQ(a.acked(PacketType::pubcomp), Reason::packet_identifier_not_found);
  EXPECT_TRUE(a.is_connected());
  rig.connected("p").publish("t", "m", {.qos = k2});
  a.ack(PacketType::puback, a.take()[0].packet_id);
  EXPECT_EQ(a.goodbye(), Reason::protocol_error);
}

//= MQTT5 [MQTT-4.4.0-1] type=test
//= MQTT5 [MQTT-4.4.0-2] type=test
//= MQTT311 [MQTT-4.4.0-1] type=test
TEST_P(ShardDelivery, WhatIsNotAcknowledgedComesAgainInOrder) {
  ShardRig rig(GetParam());
  RigClient& a = rig.connected("a", 1, {.clean = false, .expiry_s = 60});
  a.acks = false;
  (void)a.subscribe("t", {.qos = k2});
  RigClient& publisher = rig.connected("p");
  for (int i = 0; i < 4; ++i) publisher.publish("t", std::to_string(i), {.qos = i % 2 == 0 ? k1 : k2});
  const std::vector<Got> got = a.take();
  ASSERT_EQ(got.size(), 4U);
  a.ack(PacketType::pubrec, got[1].packet_id);
  a.vanish();
  publisher.publish("t", "4", {.qos = k1});
  a.connect();
  std::vector<Got> again = a.take();
  ASSERT_EQ(again.size(), 3U) << "the client knows the other QoS 2 message";
  EXPECT_EQ(brief(again[0]), "t=0 q1 d");
  EXPECT_EQ(brief(again[1]), "t=2 q1 d");
  EXPECT_EQ(brief(again[2]), "t=4 q1");
  EXPECT_EQ(again[0].packet_id, got[0].packet_id);
  EXPECT_EQ(a.count(PacketType::pubrel), 1U);
}

struct Full {
  const char* name;
  WhenFull when;
  Texts got;
  bool ends;
};
const Full kFull[] = {
    {"the oldest goes", WhenFull::drop_oldest, {"t=0 q1", "t=2 q1", "t=3 q1"}, false},
    {"the newest goes", WhenFull::drop_newest, {"t=0 q1", "t=1 q1", "t=2 q1"}, false},
    {"the client goes", WhenFull::disconnect, {"t=0 q1"}, true},
};

TEST_P(ShardDelivery, AQueueThatIsFull) {
  for (const Full& c : kFull) {
    SCOPED_TRACE(c.name);
    ShardRig rig(GetParam(), [&](ShardSettings& settings, ListenerLimits& limits) {
      settings.queue.queue_length_max = 2;
      settings.queue.when_full = c.when;
      limits.inflight_max = 1;
    });
    RigClient& watch = rig.connected("w", 2);
    (void)watch.subscribe("w");
    const wire::mqtt::Will will{.topic = "w", .payload = {}, .qos = k0, .retain = false, .properties = {}};
    RigClient& a = rig.connected("a", 1, {.expiry_s = 60, .will = will});
    a.acks = false;
    (void)a.subscribe("t", {.qos = k1});
    RigClient& publisher = rig.connected("p");
    for (int i = 0; i < 4; ++i) publisher.publish("t", std::to_string(i), {.qos = k1});
    EXPECT_EQ(a.is_connected(), !c.ends);
    EXPECT_EQ(a.goodbye(), c.ends ? std::optional(Reason::quota_exceeded) : std::nullopt);
    EXPECT_EQ(watch.got(), c.ends ? Texts{"w="} : Texts{});
    if (!c.ends) {
      a.acks = true;
      a.ack(PacketType::puback, 1);
    }
    EXPECT_EQ(a.got(), c.got);
    EXPECT_EQ(
        rig.sum([](ShardCounters & n) -> auto& { return n.dropped[static_cast<std::size_t>(DropReason::queue_full)]; }),
        1);
  }
}

// The queue of a connection overflows, and in the same turn another one takes its place: that one may stay.
TEST(ShardDelivery1, ANewConnectionDoesNotPayForTheQueueOfTheOld) {
  ShardRig rig(1, [&](ShardSettings& settings, ListenerLimits& limits) {
    settings.queue.queue_length_max = 1;
    settings.queue.when_full = WhenFull::disconnect;
    limits.inflight_max = 1;
  });
  RigClient& a = rig.connected("a", 0, {.expiry_s = 60});
  a.acks = false;
  (void)a.subscribe("t", {.qos = k1});
  RigClient& publisher = rig.connected("p");
  RigClient& young = rig.client("a");
  rig.by_hand = true;
  for (int i = 0; i < 3; ++i) publisher.publish("t", std::to_string(i), {.qos = k1});
  young.connect({.clean = false, .expiry_s = 60});
  base::Random random(1);
  while (rig.step(random)) {
  }
  rig.settle();
  EXPECT_EQ(a.ended(), EndReason::taken_over);
  EXPECT_TRUE(young.is_connected());
  EXPECT_EQ(young.got(), (Texts{"t=0 q1 d", "t=1 q1"}));
}

TEST_P(ShardDelivery, ASlowConnectionHoldsUpNothingAndLosesOnlyQos0) {
  ShardRig rig(GetParam());
  RigClient& slow = rig.connected("slow", 1);
  RigClient& fast = rig.connected("fast", 1);
  for (RigClient* each : {&slow, &fast}) (void)each->subscribe("t", {.qos = k1});
  rig.give_room(slow, 2);
  RigClient& publisher = rig.connected("p");
  for (int i = 0; i < 5; ++i) publisher.publish("t", std::to_string(i), {.qos = k1});
  publisher.publish("t", "q0");
  EXPECT_EQ(fast.take().size(), 6U);
  EXPECT_EQ(slow.got(), (Texts{"t=0 q1", "t=1 q1"}));
  rig.give_room(slow, 1);
  EXPECT_EQ(slow.got(), (Texts{"t=2 q1"}));
  rig.give_room(slow, -1);
  EXPECT_EQ(slow.got(), (Texts{"t=3 q1", "t=4 q1"}));
  EXPECT_EQ(
      rig.sum([](ShardCounters & n) -> auto& { return n.dropped[static_cast<std::size_t>(DropReason::not_ready)]; }),
      1);
}

}  // namespace
}  // namespace holdfast::broker
