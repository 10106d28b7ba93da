// Clients of one listener live behind its mountpoint, beside clients of another that see the whole tree.
#include <gtest/gtest.h>

#include "broker/core/shard_rig.h"

namespace holdfast::broker {
namespace {

using wire::mqtt::Reason;
using Texts = std::vector<std::string>;

constexpr Qos k1 = Qos::at_least_once;

// Clients in `t/`, and one that is not, wherever their shards are.
class ShardMountpoint : public testing::TestWithParam<unsigned> {
 protected:
  ShardRig rig{GetParam(), [](ShardSettings&, ListenerLimits& limits) { limits.mountpoint = "t/"; }};
  RigClient& inside = rig.connected("inside", 0);
  RigClient& outside = connect_outside();

 private:
  RigClient& connect_outside() {
    rig.other_limits["outside"] = {};
    return rig.connected("outside", 2);
  }
};
INSTANTIATE_TEST_SUITE_P(On, ShardMountpoint, testing::Values(1U, 3U));

TEST_P(ShardMountpoint, WhatIsNotBehindItIsNoTopicOfItsClients) {
  for (const char* filter : {"#", "$share/g/#"}) {
    SCOPED_TRACE(filter);
    EXPECT_EQ(inside.subscribe(filter, {.qos = k1}), Reason::granted_qos_1);
    outside.publish("t", "of the mountpoint's own name", {.qos = k1, .retain = true});
    outside.publish("tt", "elsewhere", {.qos = k1});
    outside.publish("t/", "an empty level", {.qos = k1});
    outside.publish("t/x", "inside", {.qos = k1});
    EXPECT_EQ(inside.got(), (Texts{"x=inside q1"}));
    EXPECT_EQ(inside.unsubscribe(filter), Reason::success);
  }
  EXPECT_EQ(inside.subscribe("#"), Reason::granted_qos_0);
  EXPECT_EQ(inside.got(), Texts{}) << "retained";
  EXPECT_TRUE(inside.nonsense.empty()) << inside.nonsense;
  (void)outside.subscribe("t/#");
  EXPECT_EQ(outside.got(), (Texts{"t=of the mountpoint's own name r"})) << "who is not behind it is not concerned";
}

// The first level behind the mountpoint is the first one to the client.
//= MQTT5 [MQTT-4.7.2-1] type=test
//= MQTT311 [MQTT-4.7.2-1] type=test
TEST_P(ShardMountpoint, AWildcardInFrontDoesNotStandForADollar) {
  RigClient& publisher = rig.connected("p", 1);
  for (const char* topic : {"$foo/bar", "a/bar", "a/$bar"}) publisher.publish(topic, "m", {.qos = k1, .retain = true});
  const struct {
    const char* filter;
    std::vector<std::string> wants;
  } kCases[] = {
      {"#", {"a/$bar=m", "a/bar=m"}}, {"+/bar", {"a/bar=m"}},       {"$foo/#", {"$foo/bar=m"}},
      {"$foo/+", {"$foo/bar=m"}},     {"$foo/bar", {"$foo/bar=m"}}, {"a/+", {"a/$bar=m", "a/bar=m"}},
  };
  const auto sorted = [](std::vector<std::string> texts) {
    std::ranges::sort(texts);
    return texts;
  };
  for (const auto& c : kCases) {
    SCOPED_TRACE(c.filter);
    Texts retained;
    for (const std::string& each : c.wants) retained.push_back(each + " r");
    (void)inside.subscribe(c.filter);
    EXPECT_EQ(sorted(inside.got()), sorted(retained));
    RigClient& member = rig.connected("member", 2);
    (void)member.subscribe(std::string("$share/g/") + c.filter);
    for (const char* topic : {"$foo/bar", "a/bar", "a/$bar"}) publisher.publish(topic, "m");
    EXPECT_EQ(sorted(inside.got()), sorted(c.wants));
    EXPECT_EQ(sorted(member.got()), sorted(c.wants)) << "as a member";
    (void)inside.unsubscribe(c.filter);
    member.disconnect();
  }
  (void)outside.subscribe("t/#");
  EXPECT_EQ(outside.take().size(), 3U) << "to who is not behind it, `t` is the first level";
}

// `$share/g/#` in `t/` and `$share/g/t/#` outside come to the same filter, and not to the same group.
TEST_P(ShardMountpoint, GroupsOfTwoMountpointsAreTwo) {
  RigClient& second = rig.connected("second", 1);
  (void)inside.subscribe("$share/g/#");
  (void)second.subscribe("$share/g/#");
  (void)outside.subscribe("$share/g/t/#");
  for (int i = 0; i < 4; ++i) inside.publish("x", "m");
  outside.publish("t", "m");
  EXPECT_EQ(inside.take().size() + second.take().size(), 4U);
  EXPECT_EQ(outside.got(), (Texts{"t/x=m", "t/x=m", "t/x=m", "t/x=m", "t=m"}));
  EXPECT_EQ(inside.unsubscribe("$share/g/#"), Reason::success);
  EXPECT_EQ(second.unsubscribe("$share/g/#"), Reason::success);
  inside.publish("x", "m");
  EXPECT_EQ(inside.take().size() + second.take().size(), 0U);
  EXPECT_EQ(outside.take().size(), 1U);
}

}  // namespace
}  // namespace holdfast::broker
