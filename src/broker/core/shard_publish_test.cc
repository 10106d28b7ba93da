// What becomes of a message: from PUBLISH to those who have subscribed, and back to the acknowledgement.
#include <gtest/gtest.h>

#include "broker/core/shard_testing.h"

namespace holdfast::broker {
namespace {

using namespace shard_testing;

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

}  // namespace
}  // namespace holdfast::broker
