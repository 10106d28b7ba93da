// Topics above what the listener allows: they are not accepted, and the client stays.
#include <gtest/gtest.h>

#include "broker/core/shard_rig.h"

namespace holdfast::broker {
namespace {

using wire::mqtt::PacketType;
using wire::mqtt::Property;
using wire::mqtt::Reason;
using Texts = std::vector<std::string>;
using Protocol = wire::mqtt::Version;

constexpr Qos k1 = Qos::at_least_once;
constexpr Qos k2 = Qos::exactly_once;

class ShardTopicLimits : public testing::TestWithParam<unsigned> {
 protected:
  [[nodiscard]] static std::int64_t refused(ShardRig& rig, RefusedTopic why) {
    return rig.sum([&](ShardCounters & of) -> auto& { return of.topics_refused[static_cast<std::size_t>(why)]; });
  }
};
INSTANTIATE_TEST_SUITE_P(On, ShardTopicLimits, testing::Values(1U, 3U));

std::string levels(std::size_t count) {
  std::string topic = "l";
  for (std::size_t i = 1; i < count; ++i) topic += "/l";
  return topic;
}

Say with_alias(std::uint16_t alias, Qos qos) {
  Say say{.qos = qos};
  say.properties.set(Property::topic_alias, alias);
  return say;
}

struct TooDeep {
  std::uint32_t limit;
  std::size_t levels;
  bool fits;
};
constexpr TooDeep kTooDeep[] = {
    {3, 3, true},     {3, 4, false},     {3, 128, false},    {3, 129, false},
    {128, 128, true}, {128, 129, false}, {128, 9999, false},
};

// One answer below and above what the trees can hold.
TEST_P(ShardTopicLimits, ATopicTooDeepIsNotAcceptedAndTheConnectionStays) {
  for (const TooDeep& c : kTooDeep) {
    for (const Protocol version : {Protocol::v311, Protocol::v5}) {
      SCOPED_TRACE(testing::Message() << c.levels << " of " << c.limit);
      ShardRig rig(GetParam(), [&](ShardSettings&, ListenerLimits& limits) { limits.topic_levels_max = c.limit; });
      RigClient& watch = rig.connected("watch", 1);
      (void)watch.subscribe("l/#");
      RigClient& a = rig.connected("a", 0, {.version = version});
      const Reason told = !c.fits && version == Protocol::v5 ? Reason::topic_name_invalid : Reason::success;
      a.publish(levels(c.levels), "m");
      a.publish(levels(c.levels), "m", {.qos = k1});
      EXPECT_EQ(a.acked(PacketType::puback), told);
      a.publish(levels(c.levels), "m", {.qos = k2});
      EXPECT_EQ(a.acked(PacketType::pubrec), told);
      EXPECT_TRUE(a.is_connected());
      EXPECT_EQ(watch.take().size(), c.fits ? 3U : 0U);
      EXPECT_EQ(refused(rig, RefusedTopic::too_deep), c.fits ? 0 : 3);
      a.publish("l", "still there");
      EXPECT_EQ(watch.got(), (Texts{"l=still there"}));
      EXPECT_EQ(a.subscribe(levels(c.levels)) == Reason::granted_qos_0, c.fits);
    }
  }
}

// An alias that was given such a topic means nothing else: neither what it meant before, nor a fault.
TEST_P(ShardTopicLimits, AnAliasOfSuchATopicIsNotAcceptedEither) {
  const struct {
    std::string topic;
    RefusedTopic why;
  } kCases[] = {
      {std::string(17, 't'), RefusedTopic::too_long},
      {std::string(60'000, 't'), RefusedTopic::too_long},
      {"a/b/c/d", RefusedTopic::too_deep},
      {levels(8), RefusedTopic::too_deep},
  };
  for (const auto& c : kCases) {
    SCOPED_TRACE(c.topic.size());
    ShardRig rig(GetParam(), [](ShardSettings&, ListenerLimits& limits) {
      limits.topic_alias_max = 1;
      limits.topic_length_max = 16;
      limits.topic_levels_max = 3;
    });
    RigClient& watch = rig.connected("watch", 1);
    (void)watch.subscribe("#");
    RigClient& a = rig.connected("a", 0);
    a.publish("before", "1", with_alias(1, k1));
    for (const std::string& topic : {c.topic, std::string()}) {
      a.publish(topic, "2", with_alias(1, k1));
      EXPECT_EQ(a.acked(PacketType::puback), Reason::topic_name_invalid);
    }
    EXPECT_EQ(refused(rig, c.why), 2);
    a.publish("after", "3", with_alias(1, k1));
    a.publish("", "4", with_alias(1, k1));
    EXPECT_EQ(watch.got(), (Texts{"before=1", "after=3", "after=4"}));
    EXPECT_TRUE(a.is_connected());
  }
}

//= MQTT5 [MQTT-3.3.2-2] type=test
TEST_P(ShardTopicLimits, AWildcardIsAFaultHoweverLongTheTopicIs) {
  ShardRig rig(GetParam(), [](ShardSettings&, ListenerLimits& limits) { limits.topic_length_max = 16; });
  RigClient& a = rig.connected("a", 0);
  a.publish(std::string(100, 't') + "/#", "m", {.qos = k1});
  EXPECT_EQ(a.goodbye(), Reason::topic_name_invalid);
}

struct WillTopic {
  const char* topic;
  bool comes_in;
  bool is_published;
};
constexpr WillTopic kWillTopics[] = {
    {"a/b/c", true, true}, {"a/b/c/d", false, false}, {"0123456789abcdefg", false, false},
    {"old/x", true, true}, {"deep/x", true, false},   {"long/0123456789", true, false},
};

// The same for wills, as they come and as they are rewritten.
TEST_P(ShardTopicLimits, AWillIsMeasuredLikeAMessage) {
  for (const WillTopic& c : kWillTopics) {
    SCOPED_TRACE(c.topic);
    ShardRig rig(GetParam(), [](ShardSettings& settings, ListenerLimits& limits) {
      limits.topic_length_max = 16;
      limits.topic_levels_max = 3;
      settings.rewrites = {{Rewrite::Of::publish, "old/#", "new/$1"},
                           {Rewrite::Of::publish, "deep/#", "a/b/c/$1"},
                           {Rewrite::Of::publish, "long/#", "longer than/$1"}};
    });
    RigClient& watch = rig.connected("watch", 1);
    (void)watch.subscribe("#");
    wire::mqtt::Will will;
    will.topic = c.topic;
    RigClient& a = rig.connected("a", 0, {.will = will});
    EXPECT_EQ(a.connack()->reason, c.comes_in ? Reason::success : Reason::topic_name_invalid);
    if (!c.comes_in) continue;
    a.vanish();
    EXPECT_EQ(watch.take().size(), c.is_published ? 1U : 0U);
    EXPECT_EQ(refused(rig, RefusedTopic::made), c.is_published ? 0 : 1);
    EXPECT_EQ(rig.wills_refused.size(), c.is_published ? 0U : 1U);
    RigClient& publisher = rig.connected("p", 2);
    publisher.publish(c.topic, "m", {.qos = k1});
    EXPECT_EQ(publisher.acked(PacketType::puback), c.is_published ? Reason::success : Reason::topic_name_invalid);
  }
}

TEST_P(ShardTopicLimits, AWillThatIsDeniedIsToldToTheServerAndCounted) {
  ShardRig rig(GetParam());
  rig.may = [](std::string_view, Action, std::string_view topic) { return topic != "secret"; };
  wire::mqtt::Will will;
  will.topic = "secret";
  RigClient& a = rig.connected("a", 1, {.will = will});
  EXPECT_TRUE(a.is_connected());
  ASSERT_EQ(rig.wills_refused.size(), 1U);
  EXPECT_EQ(rig.wills_refused[0], (std::pair<std::string, Reason>("a", Reason::not_authorized)));
  EXPECT_EQ(rig.sum([](ShardCounters & of) -> auto& { return of.messages_denied; }), 1);
  will.topic = "allowed";
  (void)rig.connected("b", 2, {.will = will});
  EXPECT_EQ(rig.wills_refused.size(), 1U);
}

}  // namespace
}  // namespace holdfast::broker
