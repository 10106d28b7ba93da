// SUBSCRIBE and UNSUBSCRIBE, from the filter to the acknowledgement and the retained messages that follow.
#include <gtest/gtest.h>

#include "broker/core/shard_testing.h"

namespace holdfast::broker {
namespace {

using namespace shard_testing;

class ShardSubscribe : public testing::TestWithParam<unsigned> {};
INSTANTIATE_TEST_SUITE_P(On, ShardSubscribe, testing::Values(1U, 3U));

struct Asked {
  const char* filter;
  Reason code;
};
const Asked kAsked[] = {
    {"a/b", Reason::granted_qos_1},
    {"$share/g/a/b", Reason::shared_subscriptions_not_supported},
    {"a/+", Reason::wildcard_subscriptions_not_supported},
    {"a/#/b", Reason::topic_filter_invalid},
    {"a+", Reason::topic_filter_invalid},
    {"$share/g", Reason::topic_filter_invalid},
    {"$share//a", Reason::topic_filter_invalid},
    {"$share/g+/a", Reason::topic_filter_invalid},
    {"$exclusive/a/+", Reason::wildcard_subscriptions_not_supported},
    {"$exclusive/", Reason::topic_filter_invalid},
    {"1/2/3/4/5", Reason::topic_filter_invalid},
    {"01234567890123456789x", Reason::topic_filter_invalid},
    {"secret", Reason::not_authorized},
    {"$exclusive/secret", Reason::not_authorized},
    {"b", Reason::granted_qos_1},
    {"c", Reason::quota_exceeded},
    {"b", Reason::granted_qos_1},
};

//= MQTT5 [MQTT-3.2.2-10] type=test
//= MQTT5 [MQTT-3.2.2-16] type=test
//= MQTT5 [MQTT-3.8.4-1] type=test
//= MQTT5 [MQTT-3.8.4-5] type=test
//= MQTT5 [MQTT-3.8.4-6] type=test
//= MQTT5 [MQTT-3.8.4-7] type=test
//= MQTT5 [MQTT-3.9.3-1] type=test
//= MQTT311 [MQTT-3.8.4-5] type=test
TEST_P(ShardSubscribe, EachFilterHasItsCode) {
  ShardRig rig(GetParam(), [](ShardSettings&, ListenerLimits& limits) {
    limits.qos_max = k1;
    limits.wildcard_available = false;
    limits.shared_available = false;
    limits.topic_levels_max = 4;
    limits.topic_length_max = 20;
    limits.subscriptions_max = 2;
  });
  rig.may = [](std::string_view, Action, std::string_view topic) { return topic != "secret"; };
  std::vector<std::string_view> filters;
  std::vector<Reason> codes;
  std::vector<Reason> old_codes;
  for (const Asked& each : kAsked) {
    filters.emplace_back(each.filter);
    codes.push_back(each.code);
    old_codes.push_back(wire::mqtt::is_failure(each.code) ? Reason::unspecified_error : each.code);
  }
  RigClient& a = rig.connected("a", 1);
  a.subscribe_all(filters, {.qos = k2});
  EXPECT_EQ(a.codes(), codes);
  RigClient& old = rig.connected("old", 2, {.version = k311});
  old.subscribe_all(filters, {.qos = k2});
  EXPECT_EQ(old.codes(), old_codes);
}

//= MQTT5 [MQTT-3.8.3-4] type=test
TEST(ShardSubscribe1, NoLocalOnASharedSubscriptionIsAFault) {
  ShardRig rig(1);
  RigClient& a = rig.connected("a");
  a.subscribe_all({"x", "$share/g/x"}, {.no_local = true});
  EXPECT_EQ(a.goodbye(), Reason::protocol_error);
}

TEST(ShardSubscribe1, WhatIsDeniedIsRefusedAndNoMore) {
  for (const bool disconnects : {false, true}) {  // that is for who publishes what it may not
    ShardRig rig(1, [&](ShardSettings& settings, ListenerLimits&) {
      settings.denied_disconnects = disconnects;
      settings.auto_subscriptions = {{.filter = "secret", .options = {}}};
    });
    rig.may = [](std::string_view, Action, std::string_view topic) { return topic != "secret"; };
    RigClient& a = rig.connected("a");
    a.subscribe_all({"x", "secret"}, {});
    EXPECT_EQ(a.codes(), (std::vector{Reason::granted_qos_0, Reason::not_authorized}));
    EXPECT_TRUE(a.is_connected());
  }
}

//= MQTT5 [MQTT-3.10.4-1] type=test
//= MQTT5 [MQTT-3.10.4-2] type=test
//= MQTT5 [MQTT-3.10.4-4] type=test
//= MQTT5 [MQTT-3.11.3-1] type=test
//= MQTT311 [MQTT-3.10.4-2] type=test
TEST_P(ShardSubscribe, AfterUnsubscribeNothingComes) {
  ShardRig rig(GetParam());
  RigClient& publisher = rig.connected("p");
  RigClient& a = rig.connected("a", 1);
  RigClient& b = rig.connected("b", 1, {.version = k311});
  for (const char* filter : {"t", "t/#", "+", "$share/g/t"}) {
    (void)a.subscribe(filter);
    EXPECT_EQ(a.unsubscribe(filter), Reason::success);
    EXPECT_EQ(a.unsubscribe(filter), Reason::no_subscription_existed);
    publisher.publish("t", "m");
    EXPECT_EQ(a.got(), Texts{});
  }
  (void)a.subscribe("t");
  (void)b.subscribe("t");
  EXPECT_EQ(a.unsubscribe("t"), Reason::success);
  publisher.publish("t", "m");
  EXPECT_EQ(b.got(), (Texts{"t=m"})) << "others are not concerned";
  EXPECT_EQ(b.unsubscribe("never"), Reason::success) << "which 3.1.1 cannot tell apart";
  (void)b.unsubscribe("t");
  rig.pass(seconds(1));
  EXPECT_EQ(rig.sum([](ShardCounters & c) -> auto& { return c.subscriptions; }), 0);
  EXPECT_EQ(rig.sum([](ShardCounters & c) -> auto& { return c.routes; }), 0);
}

//= MQTT5 [MQTT-3.8.4-3] type=test
//= MQTT5 [MQTT-3.8.4-4] type=test
//= MQTT311 [MQTT-3.8.4-3] type=test
TEST_P(ShardSubscribe, TheSameFilterAgainReplacesTheSubscription) {
  ShardRig rig(GetParam());
  RigClient& a = rig.connected("a", 1);
  RigClient& publisher = rig.connected("p");
  (void)a.subscribe("t", {.qos = k2, .identifier = 1});
  (void)a.subscribe("t", {.qos = k1, .identifier = 2});
  publisher.publish("t", "m", {.qos = k2});
  EXPECT_EQ(a.got(), (Texts{"t=m q1 #2"}));
  (void)a.unsubscribe("t");
  publisher.publish("t", "m");
  EXPECT_EQ(a.got(), Texts{});
}

// --- SUBACK and the other shards ---

struct Gap {
  const char* name;
  const char* filter;
  const char* first;  // what another client of that shard subscribes to in the same instant, and before
};
const Gap kGaps[] = {
    {"a filter that is new", "t/+", nullptr},
    {"a filter that another is just making known", "t/+", "t/+"},
    {"a group that is new", "$share/g/t/+", nullptr},
    {"a group that another is just making known", "$share/g/t/+", "$share/g/t/#"},
    {"an exclusive topic", "$exclusive/t/0", nullptr},
};

// What is published anywhere once SUBACK has come is delivered, however the mail goes.
//= MQTT5 [MQTT-3.8.4-1] type=test
TEST(ShardSubscribe3, NothingIsMissedFromSubackOn) {
  for (const Gap& c : kGaps) {
    for (std::uint64_t seed = 1; seed <= 60; ++seed) {
      SCOPED_TRACE(c.name);
      ShardRig rig(3);
      RigClient& first = rig.connected("first", 0);
      RigClient& a = rig.connected("a", 0);
      RigClient& b = rig.connected("b", 1);
      RigClient& d = rig.connected("d", 2);
      rig.by_hand = true;
      if (c.first != nullptr) (void)first.subscribe(c.first);
      (void)a.subscribe(c.filter);
      base::Random random(seed);
      while (!a.answer()) {
        ASSERT_TRUE(rig.step(random));
        rig.hear();
      }
      b.publish("t/0", "b");
      d.publish("t/0", "d", {.retain = true});
      while (rig.step(random)) rig.hear();
      rig.hear();
      Texts got = a.got();
      std::ranges::sort(got);
      EXPECT_EQ(got, (Texts{"t/0=b", "t/0=d"}));
    }
  }
}

// Retained messages that are published while SUBSCRIBE is under way come, as such or as any other.
TEST(ShardSubscribe3, NoRetainedMessageFallsBetween) {
  for (std::uint64_t seed = 1; seed <= 100; ++seed) {
    SCOPED_TRACE(seed);
    ShardRig rig(3);
    RigClient& a = rig.connected("a", 0);
    RigClient& b = rig.connected("b", 1);
    RigClient& c = rig.connected("c", 0);
    rig.by_hand = true;
    base::Random random(seed);
    (void)a.subscribe("t/#", {.qos = k1});
    for (int i = 0; i < 6; ++i) {
      for (std::uint32_t steps = random.below(4); steps > 0; --steps) (void)rig.step(random);
      (i % 3 == 0 ? c : b).publish("t/" + std::to_string(i), "m", {.qos = k1, .retain = true});
    }
    rig.settle();
    std::set<std::string> topics;
    for (const Got& got : a.take()) topics.insert(got.topic);
    EXPECT_EQ(topics.size(), 6U);
  }
}

TEST(ShardSubscribe3, AClientThatGoesBeforeSubackHasItsSubscription) {
  ShardRig rig(3);
  RigClient& a = rig.connected("a", 0, {.clean = false, .expiry_s = 60});
  rig.by_hand = true;
  base::Random random(1);
  (void)a.subscribe("t", {.qos = k1});
  (void)rig.step(random);
  a.vanish();
  rig.settle();
  rig.by_hand = false;
  rig.connected("b", 1).publish("t", "m", {.qos = k1});
  a.connect();
  EXPECT_EQ(a.count(PacketType::suback), 0U);
  EXPECT_EQ(a.got(), (Texts{"t=m q1"}));
}

// --- retained messages ---

struct Handling {
  const char* name;
  RetainHandling handling;
  std::size_t first;
  std::size_t again;
};
const Handling kHandling[] = {
    {"always", RetainHandling::send, 1, 1},
    {"only when it is new", RetainHandling::send_if_new, 1, 0},
    {"never", RetainHandling::do_not_send, 0, 0},
};

//= MQTT5 [MQTT-3.3.1-9] type=test
//= MQTT5 [MQTT-3.3.1-10] type=test
//= MQTT5 [MQTT-3.3.1-11] type=test
TEST_P(ShardSubscribe, RetainHandlingSaysWhenRetainedMessagesCome) {
  for (const Handling& c : kHandling) {
    SCOPED_TRACE(c.name);
    ShardRig rig(GetParam());
    rig.connected("p").publish("t", "m", {.retain = true});
    RigClient& a = rig.connected("a", 1, {.clean = false, .expiry_s = 60});
    const SubscriptionOptions options{.retain_handling = c.handling, .identifier = 5};
    (void)a.subscribe("t", options);
    EXPECT_EQ(a.got(), Texts(c.first, "t=m r #5"));
    (void)a.subscribe("t", options);
    EXPECT_EQ(a.got(), Texts(c.again, "t=m r #5"));
    a.vanish();
    a.connect();
    EXPECT_EQ(a.got(), Texts{}) << "a session that goes on is no subscription";
  }
}

//= MQTT5 4.8.2 type=test
TEST_P(ShardSubscribe, ASharedSubscriptionGetsNoRetainedMessages) {
  ShardRig rig(GetParam());
  rig.connected("p").publish("t", "m", {.retain = true});
  RigClient& a = rig.connected("a", 1);
  (void)a.subscribe("$share/g/t");
  EXPECT_EQ(a.got(), Texts{});
}

//= MQTT5 [MQTT-4.7.2-1] type=test
//= MQTT5 [MQTT-4.7.1-2] type=test
TEST_P(ShardSubscribe, WildcardsFindTheRetainedMessagesThatTheyMatch) {
  ShardRig rig(GetParam());
  RigClient& publisher = rig.connected("p");
  for (const char* topic : {"a", "a/b", "a/b/c", "b", "/a", "$x/a"}) publisher.publish(topic, "", {.retain = false});
  for (const char* topic : {"a", "a/b", "a/b/c", "b", "/a", "$x/a"}) publisher.publish(topic, "m", {.retain = true});
  RigClient& a = rig.connected("a", 1);
  const auto found = [&](const char* filter) {
    (void)a.subscribe(filter);
    Texts topics;
    for (const Got& each : a.take()) topics.push_back(each.topic);
    std::ranges::sort(topics);
    return topics;
  };
  EXPECT_EQ(found("#"), (Texts{"/a", "a", "a/b", "a/b/c", "b"}));
  EXPECT_EQ(found("a/#"), (Texts{"a", "a/b", "a/b/c"}));
  EXPECT_EQ(found("+"), (Texts{"a", "b"}));
  EXPECT_EQ(found("+/+"), (Texts{"/a", "a/b"}));
  EXPECT_EQ(found("$x/+"), (Texts{"$x/a"}));
}

// Sent as far as the client takes them; meanwhile others are served, and what it acknowledges brings more at once.
TEST_P(ShardSubscribe, ManyRetainedMessagesComeAtTheClientsPace) {
  constexpr std::size_t kMessages = 5'000;
  ShardRig rig(GetParam(), [](ShardSettings& settings, ListenerLimits& limits) {
    settings.queue.queue_length_max = 10;
    limits.inflight_max = 4;
  });
  RigClient& publisher = rig.connected("p");
  for (std::size_t i = 0; i < kMessages; ++i)
    publisher.publish("t/" + std::to_string(i), "m", {.qos = k1, .retain = true});
  RigClient& slow = rig.connected("slow", 1, {.clean = false, .expiry_s = 60});
  RigClient& silent = rig.connected("silent", 1);
  RigClient& fast = rig.connected("fast", 1);
  slow.acks = silent.acks = false;
  const base::Time start = rig.now;
  for (RigClient* each : {&slow, &silent, &fast}) EXPECT_EQ(each->subscribe("t/#", {.qos = k1}), Reason::granted_qos_1);
  EXPECT_EQ(fast.take().size(), kMessages);
  EXPECT_EQ(silent.take().size(), 4U);
  std::set<std::string> topics;
  for (int round = 0; round < 500; ++round) {
    for (const Got& got : slow.take()) {
      topics.insert(got.topic);
      slow.ack(PacketType::puback, got.packet_id);
    }
    if (round == 100) slow.vanish();
    if (round == 100) slow.connect();
  }
  slow.acks = true;
  rig.give_room(slow, 0);
  for (const Got& got : slow.take()) {
    topics.insert(got.topic);
    slow.ack(PacketType::puback, got.packet_id);
  }
  rig.give_room(slow, 7);
  rig.give_room(slow, -1);
  for (const Got& got : slow.take()) topics.insert(got.topic);
  EXPECT_EQ(topics.size(), kMessages);
  EXPECT_EQ(rig.now, start) << "without waiting for anything";
  EXPECT_EQ(
      rig.sum([](ShardCounters & c) -> auto& { return c.dropped[static_cast<std::size_t>(DropReason::queue_full)]; }),
      0)
      << "nor did it fill the queue";
}

TEST_P(ShardSubscribe, ASearchForRetainedMessagesThatIsAskedForAgainBeginsAgain) {
  ShardRig rig(GetParam());
  RigClient& publisher = rig.connected("p");
  for (int i = 0; i < 5; ++i) publisher.publish("t/" + std::to_string(i), "m", {.retain = true});
  RigClient& a = rig.connected("a", 1);
  rig.give_room(a, 2);
  for (int i = 0; i < 50; ++i) (void)a.subscribe("t/#");
  rig.give_room(a, -1);
  EXPECT_EQ(a.take().size(), 2U + 5U);
}

TEST_P(ShardSubscribe, AfterUnsubscribeNoRetainedMessageComesEither) {
  ShardRig rig(GetParam());
  RigClient& publisher = rig.connected("p");
  for (int i = 0; i < 10; ++i) publisher.publish("t/" + std::to_string(i), "m", {.retain = true});
  RigClient& a = rig.connected("a", 1);
  rig.give_room(a, 2);
  (void)a.subscribe("t/#");
  (void)a.subscribe("t/5");
  EXPECT_EQ(a.take().size(), 2U);
  EXPECT_EQ(a.unsubscribe("t/#"), Reason::success);
  rig.give_room(a, -1);
  EXPECT_EQ(a.got(), (Texts{"t/5=m r"}));
}

TEST_P(ShardSubscribe, WhoUnsubscribesBeforeSubackGetsNoRetainedMessage) {
  ShardRig rig(GetParam());
  rig.connected("p").publish("t", "m", {.retain = true});
  RigClient& a = rig.connected("a", 1);
  rig.by_hand = true;
  (void)a.subscribe("t");
  (void)a.unsubscribe("t");
  rig.settle();
  EXPECT_EQ(a.count(PacketType::suback), 1U);
  EXPECT_EQ(a.got(), GetParam() > 1 ? Texts{} : Texts{"t=m r"}) << "on one shard SUBACK came at once";
}

// --- one subscriber only ---

TEST_P(ShardSubscribe, AnExclusiveTopicIsOnesAtATime) {
  ShardRig rig(GetParam());
  RigClient& publisher = rig.connected("p");
  for (const char* topic : {"t/1", "t/2", "t/3", "t/4"}) {
    SCOPED_TRACE(topic);
    const std::string filter = std::string("$exclusive/") + topic;
    RigClient& a = rig.connected("a", 0, {.clean = false, .expiry_s = 60});
    RigClient& b = rig.connected("b", 1);
    EXPECT_EQ(a.subscribe(filter, {.qos = k1}), Reason::granted_qos_1);
    EXPECT_EQ(a.subscribe(filter, {.qos = k2}), Reason::granted_qos_2) << "it has it already";
    EXPECT_EQ(b.subscribe(filter), Reason::quota_exceeded);
    EXPECT_EQ(b.subscribe(topic), Reason::granted_qos_0) << "which is not exclusive";
    publisher.publish(topic, "m", {.qos = k2});
    EXPECT_EQ(a.got(), (Texts{std::string(topic) + "=m q2"}));
    EXPECT_EQ(b.got(), (Texts{std::string(topic) + "=m"}));
    a.vanish();
    EXPECT_EQ(b.subscribe(filter), Reason::quota_exceeded) << "the session has it";
    rig.pass(seconds(60));
    EXPECT_EQ(b.subscribe(filter), Reason::granted_qos_0);
    EXPECT_EQ(b.unsubscribe(filter), Reason::success);
    publisher.publish(topic, "m", {.qos = k2});
    EXPECT_EQ(b.got(), (Texts{std::string(topic) + "=m"})) << "its other subscription is still there";
    EXPECT_EQ(b.unsubscribe(topic), Reason::success);
    publisher.publish(topic, "m", {.qos = k2});
    EXPECT_EQ(b.got(), Texts{});
    RigClient& c = rig.connected("c", 2);
    EXPECT_EQ(c.subscribe(filter), Reason::granted_qos_0);
    c.disconnect();
    EXPECT_EQ(b.subscribe(filter), Reason::granted_qos_0);
    b.disconnect();
  }
}

TEST(ShardSubscribe3, OfManyWhoAskForAnExclusiveTopicOneGetsItAndNobodyLosesIt) {
  for (std::uint64_t seed = 1; seed <= 60; ++seed) {
    SCOPED_TRACE(seed);
    ShardRig rig(3);
    rig.by_hand = true;
    base::Random random(seed);
    std::vector<RigClient*> all;
    for (unsigned i = 0; i < 9; ++i) {
      all.push_back(&rig.connected("c" + std::to_string(i), i % 3, {.clean = false, .expiry_s = 60}));
    }
    rig.settle();
    for (int round = 0; round < 40; ++round) {
      RigClient& each = *all[random.below(9)];
      switch (random.below(4)) {
        case 0: each.vanish(); break;
        case 1: each.connect(); break;
        case 2: (void)each.unsubscribe("$exclusive/t"); break;
        default: (void)each.subscribe("$exclusive/t", {.qos = k1}); break;
      }
      for (std::uint32_t steps = random.below(6); steps > 0; --steps) (void)rig.step(random);
      rig.hear();
    }
    rig.settle();
    rig.by_hand = false;
    rig.connected("p").publish("t", "last", {.qos = k1});
    for (RigClient* each : all) each->connect();
    std::size_t count = 0;
    for (RigClient* each : all) count += static_cast<std::size_t>(std::ranges::count(each->got(), "t=last q1"));
    EXPECT_LE(count, 1U);
    for (RigClient* each : all) each->disconnect(Reason::success, 0);
    EXPECT_EQ(rig.connected("x", 1).subscribe("$exclusive/t"), Reason::granted_qos_0)
        << "it is free when all have gone";
  }
}

// --- made for every client ---

TEST_P(ShardSubscribe, AutoSubscriptionsAreMadeForEveryClient) {
  ShardRig rig(GetParam(), [](ShardSettings& settings, ListenerLimits&) {
    settings.auto_subscriptions = {{.filter = "of/%c/%u", .options = {.qos = k1}},
                                   {.filter = "$exclusive/x/1", .options = {}},
                                   {.filter = "$exclusive/x/2", .options = {}},
                                   {.filter = "$exclusive/x/3", .options = {}},
                                   {.filter = "bad/#/%c", .options = {}}};
  });
  RigClient& publisher = rig.connected("p", 0);
  (void)publisher.unsubscribe("$exclusive/x/1");
  (void)publisher.unsubscribe("$exclusive/x/3");
  publisher.publish("of/a/me", "kept", {.retain = true});
  RigClient& a = rig.connected("a", 1, {.user = "me"});
  EXPECT_EQ(a.count(PacketType::suback), 0U);
  EXPECT_EQ(a.got(), (Texts{"of/a/me=kept r"}));
  publisher.publish("of/a/me", "1", {.qos = k2});
  for (const char* topic : {"x/1", "x/2", "x/3"}) publisher.publish(topic, "m");
  EXPECT_EQ(a.got(), (Texts{"of/a/me=1 q1", "x/1=m", "x/3=m"})) << "x/2 is another's";
  EXPECT_EQ(publisher.got(), (Texts{"x/2=m"}));
}

}  // namespace
}  // namespace holdfast::broker
