// Retained messages, which every shard keeps: which is the last, and how many.
#include <gtest/gtest.h>

#include "broker/core/shard_testing.h"

namespace holdfast::broker {
namespace {

using namespace shard_testing;

class ShardRetained : public testing::TestWithParam<unsigned> {};
INSTANTIATE_TEST_SUITE_P(On, ShardRetained, testing::Values(1U, 3U));

//= MQTT5 [MQTT-3.3.1-5] type=test
//= MQTT5 [MQTT-3.3.1-6] type=test
//= MQTT5 [MQTT-3.3.1-7] type=test
//= MQTT5 [MQTT-3.3.1-8] type=test
//= MQTT311 [MQTT-3.3.1-6] type=test
//= MQTT311 [MQTT-3.3.1-10] type=test
TEST_P(ShardRetained, TheLastRetainedMessageOfATopicIsKeptOnEveryShard) {
  ShardRig rig(GetParam());
  RigClient& a = rig.connected("a", 0);
  RigClient& b = rig.connected("b", 1);
  a.publish("t", "1", {.retain = true});
  b.publish("t", "2", {.qos = k1, .retain = true});
  a.publish("t", "not retained");
  for (unsigned shard = 0; shard < 3; ++shard) {
    RigClient& late =
        rig.connected("late" + std::to_string(shard), shard, {.version = shard == 0 ? k311 : Protocol::v5});
    (void)late.subscribe("+", {.qos = k2});
    EXPECT_EQ(late.got(), (Texts{"t=2 q1 r"}));
    (void)late.unsubscribe("+");
  }
  b.publish("t", "", {.retain = true});
  rig.pass(seconds(1));
  for (unsigned shard = 0; shard < rig.shards(); ++shard) EXPECT_EQ(rig.counters(shard).retained.value(), 0);
}

// Both shards write the topic within one instant, the second because of the first: it is the newer one.
TEST_P(ShardRetained, ARetainedMessageThatAnswersAnotherIsTheNewer) {
  ShardRig rig(GetParam());
  RigClient& first = rig.connected("first", rig.shards() - 1);
  for (int i = 0; i < 3; ++i) first.publish("t", "question", {.retain = true});
  RigClient& second = rig.connected("second", 0);
  second.publish("t", "answer", {.retain = true});
  for (unsigned shard = 0; shard < rig.shards(); ++shard) {
    RigClient& late = rig.connected("late" + std::to_string(shard), shard);
    (void)late.subscribe("t");
    EXPECT_EQ(late.got(), (Texts{"t=answer r"}));
  }
}

TEST_P(ShardRetained, RetainedMessagesHaveLimitsAndAnEnd) {
  ShardRig rig(GetParam(), [](ShardSettings& settings, ListenerLimits&) {
    settings.retained.messages_max = 2;
    settings.retained_expiry = seconds(60);
  });
  RigClient& a = rig.connected("a", 1);
  for (const char* topic : {"a", "b", "c"}) a.publish(topic, "m", {.retain = true});
  rig.pass(seconds(1));
  EXPECT_EQ(rig.counters(0).retained.value(), 2);
  EXPECT_EQ(rig.counters(0).retained_refused.value(), 1U);
  RigClient& late = rig.connected("late", 2);
  (void)late.subscribe("#");
  EXPECT_EQ(late.got(), (Texts{"a=m r", "b=m r"}));
  rig.pass(seconds(60));
  EXPECT_EQ(rig.counters(0).retained.value(), 0);
}

}  // namespace
}  // namespace holdfast::broker
