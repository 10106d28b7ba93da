// Topics that stand for others, or for a time: rewrite rules, mountpoints, aliases, $delayed.
#include <gtest/gtest.h>

#include "broker/core/shard_testing.h"

namespace holdfast::broker {
namespace {

using namespace shard_testing;

class ShardTopics : public testing::TestWithParam<unsigned> {};
INSTANTIATE_TEST_SUITE_P(On, ShardTopics, testing::Values(1U, 3U));

// --- topics that mean others ---

TEST_P(ShardTopics, RewriteRulesHoldForPublishersAndSubscribers) {
  ShardRig rig(GetParam(), [](ShardSettings& settings, ListenerLimits&) {
    settings.rewrites = {{Rewrite::Of::all, "y/+/z/#", "y/z/$2"},
                         {Rewrite::Of::publish, "in/#", "from/%c/%u/$1"},
                         {Rewrite::Of::subscribe, "mine", "from/%c/+/#"}};
  });
  RigClient& a = rig.connected("a", 1, {.user = "me"});
  EXPECT_EQ(a.subscribe("y/+/z/1"), Reason::granted_qos_0);
  EXPECT_EQ(a.subscribe("mine"), Reason::granted_qos_0);
  a.publish("y/x/z/1", "1");
  a.publish("in/x/y", "2");
  EXPECT_EQ(a.got(), (Texts{"y/z/1=1", "from/a/me/x/y=2"}));
  EXPECT_EQ(a.unsubscribe("mine"), Reason::success);
  EXPECT_EQ(a.unsubscribe("mine"), Reason::no_subscription_existed);
  a.publish("in/x/y", "3");
  EXPECT_EQ(a.got(), Texts{});
  EXPECT_EQ(a.subscribe("$share/g/mine"), Reason::granted_qos_0);
  a.publish("in/x/y", "4");
  EXPECT_EQ(a.got(), (Texts{"from/a/me/x/y=4"}));
}

TEST_P(ShardTopics, AMountpointStandsBeforeEveryTopicAndNobodySeesIt) {
  ShardRig rig(GetParam(), [](ShardSettings&, ListenerLimits& limits) { limits.mountpoint = "of/%u/"; });
  RigClient& one = rig.connected("a1", 0, {.user = "u1"});
  RigClient& same = rig.connected("b1", 1, {.user = "u1"});
  RigClient& other = rig.connected("c2", 2, {.user = "u2"});
  for (RigClient* each : {&one, &same, &other}) {
    EXPECT_EQ(each->subscribe("#"), Reason::granted_qos_0);
    EXPECT_EQ(each->subscribe("$share/g/s/+"), Reason::granted_qos_0);
  }
  one.publish("t", "1");
  EXPECT_EQ(one.got(), (Texts{"t=1"}));
  EXPECT_EQ(same.got(), (Texts{"t=1"}));
  EXPECT_EQ(other.got(), Texts{});
  (void)one.unsubscribe("#");
  (void)same.unsubscribe("#");
  same.publish("s/1", "2");
  EXPECT_EQ(one.take().size() + same.take().size(), 1U);
  EXPECT_EQ(other.got(), Texts{});
  one.publish("kept", "3", {.retain = true});
  (void)same.subscribe("#");
  (void)other.subscribe("#");
  EXPECT_EQ(same.got(), (Texts{"kept=3 r"}));
  EXPECT_EQ(other.got(), Texts{});
}

TEST_P(ShardTopics, BehindAMountpointALongOrDeepTopicIsNone) {
  ShardRig rig(GetParam(), [](ShardSettings&, ListenerLimits& limits) { limits.mountpoint = "a/b/"; });
  RigClient& a = rig.connected("a", 1);
  const std::string longest(65'533, 't');
  const std::string deepest = std::string(127, '/');
  for (const std::string& topic : {longest, deepest}) {
    a.publish(topic, "m", {.qos = k1, .retain = true});
    EXPECT_EQ(a.acked(PacketType::puback), Reason::topic_name_invalid);
    EXPECT_EQ(a.subscribe(topic), Reason::topic_filter_invalid);
  }
  EXPECT_EQ(a.subscribe("$exclusive/" + deepest), Reason::topic_filter_invalid);
  EXPECT_EQ(a.subscribe("$share/g/" + deepest), Reason::topic_filter_invalid);
  EXPECT_TRUE(a.is_connected());
}

// A session belongs to its topics: behind another mountpoint these are others.
TEST_P(ShardTopics, ASessionDoesNotGoWithAnotherMountpoint) {
  ShardRig rig(GetParam(), [](ShardSettings&, ListenerLimits& limits) { limits.mountpoint = "of/%u/"; });
  RigClient& a = rig.connected("a", 0, {.clean = false, .expiry_s = 60, .user = "u1"});
  (void)a.subscribe("t", {.qos = k1});
  RigClient& b = rig.connected("b", 1, {.user = "u1"});
  a.vanish();
  b.publish("t", "secret", {.qos = k1});
  a.connect({.clean = false, .expiry_s = 60, .user = "u2"});
  EXPECT_FALSE(a.session_present());
  b.publish("t", "secret");
  EXPECT_EQ(a.got(), Texts{});
  EXPECT_EQ(a.unsubscribe("t"), Reason::no_subscription_existed);
  a.disconnect(Reason::success, 0);
  rig.connected("c", a.pipe->shard, {.user = "u2"});
  b.publish("t", "more");
}

// --- topic aliases ---

//= MQTT5 [MQTT-3.3.2-7] type=test
//= MQTT5 [MQTT-3.3.2-12] type=test
TEST_P(ShardTopics, AliasesOfAClientMeanTheTopicTheyWereGiven) {
  ShardRig rig(GetParam(), [](ShardSettings&, ListenerLimits& limits) { limits.topic_alias_max = 2; });
  RigClient& subscriber = rig.connected("s", 1);
  (void)subscriber.subscribe("#");
  RigClient& a = rig.connected("a", 0, {.expiry_s = 60});
  a.publish("one", "1", {.properties = with(Property::topic_alias, 1)});
  a.publish("two", "2", {.properties = with(Property::topic_alias, 2)});
  a.publish("", "3", {.properties = with(Property::topic_alias, 1)});
  a.publish("new", "4", {.properties = with(Property::topic_alias, 1)});
  a.publish("", "5", {.properties = with(Property::topic_alias, 1)});
  a.publish("", "6", {.properties = with(Property::topic_alias, 2)});
  EXPECT_EQ(subscriber.got(), (Texts{"one=1", "two=2", "one=3", "new=4", "new=5", "two=6"}));
  a.vanish();
  a.connect({.clean = false});
  a.publish("", "7", {.properties = with(Property::topic_alias, 1)});
  EXPECT_EQ(a.goodbye(), Reason::protocol_error) << "they end with the connection";
}

//= MQTT5 [MQTT-3.3.2-8] type=test
//= MQTT5 [MQTT-3.3.2-11] type=test
TEST_P(ShardTopics, AClientThatTakesAliasesIsSpared) {
  ShardRig rig(GetParam(), [](ShardSettings&, ListenerLimits& limits) {
    limits.topic_alias_max = 5;
    limits.mountpoint = "somewhere/";
  });
  RigClient& takes =
      rig.connected("t", 0, {.change = [](Connect& c) { c.properties.set(Property::topic_alias_maximum, 3U); }});
  (void)takes.subscribe("#");
  RigClient& does_not = rig.connected("n", 0);
  (void)does_not.subscribe("#");
  RigClient& publisher = rig.connected("p", 1);
  for (int i = 0; i < 10; ++i) publisher.publish("a/rather/long/topic", std::to_string(i));
  std::size_t empty = 0;
  for (const Got& got : takes.take()) {
    EXPECT_EQ(got.topic, "a/rather/long/topic");
    EXPECT_LE(got.alias, 3);
    empty += got.topic_was_empty ? 1U : 0U;
  }
  EXPECT_EQ(empty, 8U) << "named the second time, known from the third on";
  for (const Got& got : does_not.take()) EXPECT_EQ(got.alias, 0);
  EXPECT_EQ(takes.nonsense, "");
}

// --- $delayed ---

TEST_P(ShardTopics, ADelayedMessageComesWhenItsTimeHasCome) {
  ShardRig rig(GetParam(), [](ShardSettings& settings, ListenerLimits&) {
    settings.delayed_max = 3;
    settings.delayed_bytes_max = 10'000;
    settings.delayed_longest = seconds(100);
  });
  RigClient& a = rig.connected("a", 1);
  (void)a.subscribe("#", {.qos = k1});
  RigClient& publisher = rig.connected("p");
  publisher.publish("$delayed/5/t", "later", {.qos = k1, .retain = true});
  EXPECT_EQ(publisher.acked(PacketType::puback), Reason::success);
  publisher.publish("$delayed/2/t", "soon", {.qos = k1});
  publisher.publish("$delayed/0/t", "now");
  EXPECT_EQ(a.got(), (Texts{"t=now"}));
  publisher.publish("$delayed/4/t", "third", {.qos = k1});
  EXPECT_EQ(rig.counters(0).delayed.value(), 3);
  publisher.publish("$delayed/1/t", "too many", {.qos = k1});
  EXPECT_EQ(publisher.acked(PacketType::puback), Reason::quota_exceeded);
  publisher.disconnect();
  rig.pass(milliseconds(1'999));
  EXPECT_EQ(a.got(), Texts{});
  rig.pass(milliseconds(1));
  EXPECT_EQ(a.got(), (Texts{"t=soon q1"}));
  rig.pass(seconds(3));
  EXPECT_EQ(a.got(), (Texts{"t=third q1", "t=later q1"}));
  EXPECT_EQ(rig.counters(0).delayed.value(), 0);
  RigClient& late = rig.connected("late", 2);
  (void)late.subscribe("t");
  EXPECT_EQ(late.got(), (Texts{"t=later r"}));
}

TEST(ShardTopics1, DelayedIsNoTopicWhereItIsOff) {
  ShardRig rig(1);
  RigClient& a = rig.connected("a");
  a.publish("$delayed/5/t", "m", {.qos = k1});
  EXPECT_EQ(a.acked(PacketType::puback), Reason::quota_exceeded);
}

}  // namespace
}  // namespace holdfast::broker
