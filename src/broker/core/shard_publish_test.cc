// What becomes of a message: from PUBLISH to those who have subscribed, and back to the acknowledgement.
#include <gtest/gtest.h>

#include "broker/core/shard_rig.h"

namespace holdfast::broker {
namespace {

using wire::mqtt::Connect;
using wire::mqtt::PacketType;
using wire::mqtt::Properties;
using wire::mqtt::Property;
using wire::mqtt::Reason;
using Protocol = wire::mqtt::Version;
using Texts = std::vector<std::string>;
using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr Protocol k311 = Protocol::v311;
constexpr Qos k0 = Qos::at_most_once;
constexpr Qos k1 = Qos::at_least_once;
constexpr Qos k2 = Qos::exactly_once;

Properties with(Property property, std::uint32_t value) {
  Properties properties;
  properties.set(property, value);
  return properties;
}

class ShardPublish : public testing::TestWithParam<unsigned> {};
INSTANTIATE_TEST_SUITE_P(On, ShardPublish, testing::Values(1U, 3U));

struct QosCase {
  Qos published;
  Qos granted;
  const char* got;
};
const QosCase kQos[] = {
    {k0, k0, "t=m"},    {k0, k2, "t=m"}, {k1, k0, "t=m"},    {k1, k1, "t=m q1"},
    {k1, k2, "t=m q1"}, {k2, k0, "t=m"}, {k2, k1, "t=m q1"}, {k2, k2, "t=m q2"},
};

//= MQTT5 [MQTT-4.3.1-1] type=test
//= MQTT5 [MQTT-4.3.2-1] type=test
//= MQTT5 [MQTT-4.3.3-1] type=test
//= MQTT5 [MQTT-3.8.4-8] type=test
//= MQTT311 [MQTT-3.8.4-6] type=test
TEST_P(ShardPublish, EachGetsItWithTheLowerOfBothQos) {
  for (const QosCase& c : kQos) {
    for (const Protocol version : {k311, Protocol::v5}) {
      ShardRig rig(GetParam());
      RigClient& subscriber = rig.connected("s", 0, {.version = version});
      EXPECT_EQ(subscriber.subscribe("t", {.qos = c.granted}), static_cast<Reason>(c.granted));
      RigClient& publisher = rig.connected("p", 1, {.version = version});
      publisher.publish("t", "m", {.qos = c.published});
      EXPECT_EQ(subscriber.got(), Texts{c.got});
      EXPECT_EQ(publisher.count(PacketType::puback), c.published == k1 ? 1U : 0U);
      EXPECT_EQ(publisher.count(PacketType::pubrec), c.published == k2 ? 1U : 0U);
      EXPECT_EQ(publisher.count(PacketType::pubcomp), c.published == k2 ? 1U : 0U);
      const auto sent = static_cast<std::size_t>(std::min(c.published, c.granted));
      EXPECT_EQ(rig.sum([&](ShardCounters & n) -> auto& { return n.messages_sent[sent]; }), 1);
      EXPECT_EQ(subscriber.nonsense + publisher.nonsense, "");
    }
  }
}

//= MQTT5 [MQTT-4.3.3-10] type=test
//= MQTT5 [MQTT-4.3.3-12] type=test
//= MQTT311 [MQTT-4.3.3-2] type=test
TEST_P(ShardPublish, AQos2MessageSaidTwiceComesOnce) {
  ShardRig rig(GetParam());
  RigClient& subscriber = rig.connected("s", 1);
  (void)subscriber.subscribe("t", {.qos = k2});
  RigClient& publisher = rig.connected("p", 0, {.clean = false, .expiry_s = 60});
  publisher.acks = false;
  const std::uint16_t id = publisher.publish("t", "1", {.qos = k2});
  publisher.publish("t", "1", {.qos = k2, .dup = true, .packet_id = id});
  publisher.vanish();
  publisher.connect();
  publisher.publish("t", "1", {.qos = k2, .dup = true, .packet_id = id});
  EXPECT_EQ(subscriber.got(), (Texts{"t=1 q2"}));
  publisher.ack(PacketType::pubrel, id);
  publisher.publish("t", "2", {.qos = k2, .packet_id = id});
  EXPECT_EQ(subscriber.got(), (Texts{"t=2 q2"}));
}

//= MQTT5 [MQTT-3.5.2-1] type=test
TEST_P(ShardPublish, AcknowledgementsSayWhetherAnybodyWantedIt) {
  ShardRig rig(GetParam());
  RigClient& publisher = rig.connected("p");
  publisher.publish("t", "m", {.qos = k1});
  EXPECT_EQ(publisher.acked(PacketType::puback), Reason::no_matching_subscribers);
  (void)rig.connected("s", 1).subscribe("t");
  publisher.publish("t", "m", {.qos = k1});
  EXPECT_EQ(publisher.acked(PacketType::puback), Reason::success);
  publisher.publish("t", "m", {.qos = k2});
  EXPECT_EQ(publisher.acked(PacketType::pubrec), Reason::success);
  EXPECT_EQ(rig.counters(0).messages_unmatched.value(), 1U);
}

//= MQTT5 [MQTT-3.3.4-2] type=test
//= MQTT5 [MQTT-3.3.4-3] type=test
//= MQTT5 [MQTT-3.3.4-4] type=test
//= MQTT311 [MQTT-3.3.5-1] type=test
TEST_P(ShardPublish, SubscriptionsThatOverlapGiveOneCopy) {
  ShardRig rig(GetParam());
  RigClient& subscriber = rig.connected("s", 1);
  (void)subscriber.subscribe("a/b", {.qos = k0, .identifier = 3});
  (void)subscriber.subscribe("a/+", {.qos = k2, .identifier = 1});
  (void)subscriber.subscribe("a/#", {.qos = k1, .identifier = 268'435'455});
  (void)subscriber.subscribe("#", {.qos = k1});
  RigClient& old = rig.connected("o", 2, {.version = k311});
  (void)old.subscribe("a/b", {.qos = k0});
  (void)old.subscribe("a/#", {.qos = k1});
  rig.connected("p").publish("a/b", "m", {.qos = k2});
  EXPECT_EQ(subscriber.got(), (Texts{"a/b=m q2 #1,3,268435455"}));
  EXPECT_EQ(old.got(), (Texts{"a/b=m q1"}));
}

//= MQTT5 [MQTT-3.8.3-3] type=test
TEST_P(ShardPublish, NoLocalKeepsOnesOwnMessagesBack) {
  ShardRig rig(GetParam());
  RigClient& a = rig.connected("a", 0, {.clean = false, .expiry_s = 60});
  (void)a.subscribe("t", {.no_local = true});
  (void)a.subscribe("u", {.no_local = true});
  (void)a.subscribe("u/#");
  RigClient& b = rig.connected("b", 1);
  (void)b.subscribe("t");
  a.publish("t", "a");
  b.publish("t", "b");
  EXPECT_EQ(a.got(), (Texts{"t=b"}));
  EXPECT_EQ(b.got(), (Texts{"t=a", "t=b"}));
  a.publish("u", "a");
  EXPECT_EQ(a.got(), (Texts{"u=a"})) << "another subscription wants it";
  a.publish("t", "kept", {.retain = true});
  (void)a.subscribe("t", {.no_local = true});
  EXPECT_EQ(a.got(), Texts{}) << "its own retained message is its own";
  (void)a.subscribe("t");
  EXPECT_EQ(a.got(), (Texts{"t=kept r"}));
}

//= MQTT5 [MQTT-3.3.1-12] type=test
//= MQTT5 [MQTT-3.3.1-13] type=test
//= MQTT311 [MQTT-3.3.1-9] type=test
TEST_P(ShardPublish, TheRetainFlagStaysOnlyForThoseWhoAskedForIt) {
  ShardRig rig(GetParam());
  RigClient& as_published = rig.connected("s", 1);
  (void)as_published.subscribe("t", {.retain_as_published = true});
  RigClient& usual = rig.connected("u", 2);
  (void)usual.subscribe("t");
  RigClient& old = rig.connected("o", 0, {.version = k311});
  (void)old.subscribe("t");
  RigClient& publisher = rig.connected("p", 0);
  publisher.publish("t", "1", {.retain = true});
  publisher.publish("t", "2");
  EXPECT_EQ(as_published.got(), (Texts{"t=1 r", "t=2"}));
  EXPECT_EQ(usual.got(), (Texts{"t=1", "t=2"}));
  EXPECT_EQ(old.got(), (Texts{"t=1", "t=2"}));
}

//= MQTT5 [MQTT-4.6.0-5] type=test
//= MQTT5 [MQTT-4.6.0-6] type=test
//= MQTT311 [MQTT-4.6.0-6] type=test
TEST_P(ShardPublish, MessagesOfOnePublisherComeInOrder) {
  ShardRig rig(GetParam());
  RigClient& subscriber = rig.connected("s", 1);
  (void)subscriber.subscribe("t/#", {.qos = k2});
  RigClient& publisher = rig.connected("p", 0);
  Texts wanted;
  for (int i = 0; i < 200; ++i) {
    const bool retain = i % 7 == 0;
    publisher.publish("t/" + std::to_string(i % 3), std::to_string(i), {.qos = i % 2 == 0 ? k1 : k2, .retain = retain});
    wanted.push_back("t/" + std::to_string(i % 3) + "=" + std::to_string(i) + (i % 2 == 0 ? " q1" : " q2"));
  }
  EXPECT_EQ(subscriber.got(), wanted);
}

//= MQTT5 [MQTT-3.3.2-4] type=test
//= MQTT5 [MQTT-3.3.2-15] type=test
//= MQTT5 [MQTT-3.3.2-16] type=test
//= MQTT5 [MQTT-3.3.2-17] type=test
//= MQTT5 [MQTT-3.3.2-18] type=test
//= MQTT5 [MQTT-3.3.2-20] type=test
TEST_P(ShardPublish, PropertiesGoWithTheMessage) {
  ShardRig rig(GetParam());
  RigClient& subscriber = rig.connected("s", 1);
  (void)subscriber.subscribe("t");
  RigClient& old = rig.connected("o", 1, {.version = k311});
  (void)old.subscribe("t");
  wire::mqtt::Bytes user;
  (void)wire::mqtt::append_user_property(user, "k", "v");
  Properties properties;
  properties.set_user_properties(user);
  properties.set(Property::content_type, std::string_view("text"));
  properties.set(Property::response_topic, std::string_view("r"));
  rig.connected("p").publish("t", "m", {.properties = properties});
  const std::vector<Got> got = subscriber.take();
  ASSERT_EQ(got.size(), 1U);
  EXPECT_EQ(got[0].content_type, "text");
  EXPECT_EQ(got[0].response_topic, "r");
  EXPECT_EQ(got[0].user_property, "k=v");
  EXPECT_EQ(old.got(), (Texts{"t=m"}));
}

// --- what may not be published ---

struct Refused {
  const char* name;
  const char* topic;
  Say how;
  std::optional<Reason> acked;    // v5: PUBACK says so
  std::optional<Reason> goodbye;  // or the connection ends
};
const Refused kRefused[] = {
    {"a wildcard", "a/+", {.qos = k1}, {}, Reason::topic_name_invalid},
    {"a QoS above the listener's", "t", {.qos = k2}, {}, Reason::qos_not_supported},
    {"retained where that is not done", "t", {.qos = k0, .retain = true}, {}, Reason::retain_not_supported},
    {"an alias beyond the maximum",
     "t",
     {.properties = with(Property::topic_alias, 3)},
     {},
     Reason::topic_alias_invalid},
    {"an alias that means nothing", "", {.properties = with(Property::topic_alias, 2)}, {}, Reason::protocol_error},
    {"too many levels", "1/2/3/4/5", {.qos = k1}, Reason::topic_name_invalid, {}},
    {"too long", "01234567890123456789x", {.qos = k1}, Reason::topic_name_invalid, {}},
    {"the server's own", "$SYS/x", {.qos = k1}, Reason::not_authorized, {}},
    {"denied", "secret", {.qos = k1}, Reason::not_authorized, {}},
    {"denied as what it is rewritten to", "alias", {.qos = k1}, Reason::not_authorized, {}},
    {"rewritten to what is no topic", "bad", {.qos = k1}, Reason::topic_name_invalid, {}},
    {"rewritten to the server's own", "sys", {.qos = k1}, Reason::not_authorized, {}},
    {"delayed by what is no number", "$delayed/x/t", {.qos = k1}, Reason::topic_name_invalid, {}},
    {"delayed, without a topic", "$delayed/1/", {.qos = k1}, Reason::topic_name_invalid, {}},
    {"delayed, denied", "$delayed/1/secret", {.qos = k1}, Reason::not_authorized, {}},
    {"delayed, the server's own", "$delayed/1/$SYS/x", {.qos = k1}, Reason::not_authorized, {}},
    {"delayed for too long", "$delayed/99/t", {.qos = k1}, Reason::quota_exceeded, {}},
};

//= MQTT5 [MQTT-3.2.2-11] type=test
//= MQTT5 [MQTT-3.2.2-14] type=test
//= MQTT5 [MQTT-3.3.2-2] type=test
//= MQTT5 [MQTT-3.3.2-9] type=test
//= MQTT311 [MQTT-3.3.2-2] type=test
//= MQTT311 [MQTT-3.3.5-2] type=test
TEST_P(ShardPublish, WhatMayNotBePublishedIsNot) {
  for (const Refused& c : kRefused) {
    for (const Protocol version : {k311, Protocol::v5}) {
      for (const bool disconnects : {false, true}) {
        if (version == k311 && c.how.properties.present != 0) continue;
        SCOPED_TRACE(c.name);
        ShardRig rig(GetParam(), [&](ShardSettings& settings, ListenerLimits& limits) {
          limits.qos_max = k1;
          limits.retain_available = false;
          limits.topic_alias_max = 2;
          limits.topic_levels_max = 4;
          limits.topic_length_max = 20;
          settings.delayed_max = 10;
          settings.delayed_bytes_max = 10'000;
          settings.delayed_longest = seconds(10);
          settings.denied_disconnects = disconnects;
          settings.rewrites = {{Rewrite::Of::all, "alias", "secret"},
                               {Rewrite::Of::all, "bad", "x/+"},
                               {Rewrite::Of::all, "sys", "$SYS/y"}};
        });
        rig.may = [](std::string_view, Action, std::string_view topic) { return topic != "secret"; };
        RigClient& watch = rig.connected("w", 1);
        watch.subscribe_all({"#", "$SYS/#", "$delayed/#"}, {});
        RigClient& a = rig.connected("a", 0, {.version = version});
        a.publish(c.topic, "m", c.how);
        rig.pass(seconds(20));
        EXPECT_EQ(watch.got(), Texts{});
        const bool is_denied = c.acked == Reason::not_authorized;
        const bool stays = !c.goodbye && !(is_denied && disconnects);
        EXPECT_EQ(a.is_connected(), stays);
        if (c.acked) {
          EXPECT_EQ(a.acked(PacketType::puback), version == k311 ? Reason::success : *c.acked);
        }
        if (!stays && version == Protocol::v5) {
          EXPECT_EQ(a.goodbye(), c.goodbye ? *c.goodbye : Reason::not_authorized);
        }
      }
    }
  }
}

//= MQTT311 [MQTT-3.3.5-1] type=test
TEST(ShardPublish1, ADeniedQos0MessageIsIgnoredOrEndsTheConnection) {
  for (const bool disconnects : {false, true}) {
    ShardRig rig(1, [&](ShardSettings& settings, ListenerLimits&) { settings.denied_disconnects = disconnects; });
    rig.may = [](std::string_view id, Action action, std::string_view) {
      return id != "a" || action != Action::publish;
    };
    RigClient& a = rig.connected("a");
    a.publish("t", "m");
    EXPECT_EQ(a.is_connected(), !disconnects);
    EXPECT_EQ(a.goodbye(), disconnects ? std::optional(Reason::not_authorized) : std::nullopt);
    EXPECT_EQ(a.ended(), disconnects ? std::optional(EndReason::not_authorized) : std::nullopt);
    EXPECT_EQ(rig.counters(0).messages_denied.value(), 1U);
  }
}

// --- topics that mean others ---

TEST_P(ShardPublish, RewriteRulesHoldForPublishersAndSubscribers) {
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

TEST_P(ShardPublish, AMountpointStandsBeforeEveryTopicAndNobodySeesIt) {
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

TEST_P(ShardPublish, BehindAMountpointALongOrDeepTopicIsNone) {
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
TEST_P(ShardPublish, ASessionDoesNotGoWithAnotherMountpoint) {
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
TEST_P(ShardPublish, AliasesOfAClientMeanTheTopicTheyWereGiven) {
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
TEST_P(ShardPublish, AClientThatTakesAliasesIsSpared) {
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

// --- limits of the connection ---

//= MQTT5 [MQTT-3.3.2-5] type=test
//= MQTT5 [MQTT-3.3.2-6] type=test
TEST_P(ShardPublish, AMessageExpiresWhileItWaits) {
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
TEST_P(ShardPublish, WhatIsTooLargeForAClientIsNotSentToIt) {
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
TEST_P(ShardPublish, NoMoreIsSentThanTheClientWantsUnacknowledged) {
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
TEST(ShardPublish1, WhoSendsMoreThanWeTakeUnacknowledgedIsSentAway) {
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
TEST_P(ShardPublish, AcknowledgementsThatMakeNoSense) {
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
TEST_P(ShardPublish, WhatIsNotAcknowledgedComesAgainInOrder) {
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

TEST_P(ShardPublish, AQueueThatIsFull) {
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
TEST(ShardPublish1, ANewConnectionDoesNotPayForTheQueueOfTheOld) {
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

TEST_P(ShardPublish, ASlowConnectionHoldsUpNothingAndLosesOnlyQos0) {
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

// --- $delayed, and the broker's own ---

TEST_P(ShardPublish, ADelayedMessageComesWhenItsTimeHasCome) {
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

TEST(ShardPublish1, DelayedIsNoTopicWhereItIsOff) {
  ShardRig rig(1);
  RigClient& a = rig.connected("a");
  a.publish("$delayed/5/t", "m", {.qos = k1});
  EXPECT_EQ(a.acked(PacketType::puback), Reason::quota_exceeded);
}

//= MQTT5 [MQTT-4.7.2-1] type=test
TEST_P(ShardPublish, TheBrokersOwnMessagesGoToWhoNamesThem) {
  ShardRig rig(GetParam());
  RigClient& all = rig.connected("all", 1);
  (void)all.subscribe("#");
  (void)all.subscribe("+/x");
  RigClient& own = rig.connected("own", 2);
  (void)own.subscribe("$SYS/#");
  rig.shard(0).publish({.id = {}, .topic = "$SYS/x", .payload = std::as_bytes(std::span("v", 1))}, rig.now);
  rig.settle();
  EXPECT_EQ(all.got(), Texts{});
  EXPECT_EQ(own.got(), (Texts{"$SYS/x=v"}));
}

// --- retained messages ---

//= MQTT5 [MQTT-3.3.1-5] type=test
//= MQTT5 [MQTT-3.3.1-6] type=test
//= MQTT5 [MQTT-3.3.1-7] type=test
//= MQTT5 [MQTT-3.3.1-8] type=test
//= MQTT311 [MQTT-3.3.1-6] type=test
//= MQTT311 [MQTT-3.3.1-10] type=test
TEST_P(ShardPublish, TheLastRetainedMessageOfATopicIsKeptOnEveryShard) {
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
TEST_P(ShardPublish, ARetainedMessageThatAnswersAnotherIsTheNewer) {
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

TEST_P(ShardPublish, RetainedMessagesHaveLimitsAndAnEnd) {
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
