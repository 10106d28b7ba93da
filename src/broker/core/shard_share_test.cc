// Shared subscriptions through the shard: one of a group gets each message, wherever its members are.
#include <gtest/gtest.h>

#include <map>

#include "broker/core/shard_testing.h"

namespace holdfast::broker {
namespace {

using namespace shard_testing;

struct Named {
  ShareStrategy strategy;
  const char* name;
};
const Named kStrategies[] = {
    {ShareStrategy::round_robin, "round robin"},
    {ShareStrategy::random, "random"},
    {ShareStrategy::sticky, "sticky"},
    {ShareStrategy::hash_client, "hash of the client"},
    {ShareStrategy::hash_topic, "hash of topic"},
    {ShareStrategy::least_inflight, "least in flight"},
};

class ShardShare : public testing::TestWithParam<unsigned> {
 protected:
  static ShardRig::Change with(ShareStrategy strategy) {
    return [strategy](ShardSettings& settings, ListenerLimits&) { settings.share_strategy = strategy; };
  }
  static Hello stays() { return {.clean = false, .expiry_s = 60}; }
};
INSTANTIATE_TEST_SUITE_P(On, ShardShare, testing::Values(1U, 3U));

// How many of what is published each member gets.
std::vector<std::size_t> spread(std::span<RigClient* const> members) {
  std::vector<std::size_t> counts;
  for (RigClient* each : members) counts.push_back(each->take().size());
  return counts;
}

//= MQTT5 [MQTT-4.8.2-4] type=test
TEST_P(ShardShare, EachMessageGoesToOneMember) {
  constexpr std::size_t kMessages = 300;
  for (const Named& c : kStrategies) {
    SCOPED_TRACE(c.name);
    ShardRig rig(GetParam(), with(c.strategy));
    std::vector<RigClient*> members;
    for (unsigned i = 0; i < 5; ++i) {
      members.push_back(&rig.connected("m" + std::to_string(i), i));
      EXPECT_EQ(members.back()->subscribe("$share/g/t/#", {.qos = k1, .identifier = 7}), Reason::granted_qos_1);
    }
    RigClient& other_group = rig.connected("other", 1);
    (void)other_group.subscribe("$queue/t/#", {.qos = k2});
    RigClient& publisher = rig.connected("p", 2);
    for (std::size_t i = 0; i < kMessages; ++i) {
      publisher.publish("t/" + std::to_string(i), "m", {.qos = k2});
      // Shards hear now and then of how much the others have under way.
      if (c.strategy == ShareStrategy::least_inflight) rig.pass(std::chrono::milliseconds(250));
    }
    EXPECT_EQ(other_group.take().size(), kMessages);
    const std::vector<Got> first = members[0]->take();
    for (const Got& got : first) EXPECT_EQ(brief(got).substr(got.topic.size()), "=m q1 #7");
    std::vector<std::size_t> counts = spread(members);
    counts[0] = first.size();
    std::size_t sum = 0;
    for (const std::size_t each : counts) sum += each;
    EXPECT_EQ(sum, kMessages);
    const auto [least, most] = std::ranges::minmax(counts);
    if (c.strategy == ShareStrategy::sticky || c.strategy == ShareStrategy::hash_client) {
      EXPECT_EQ(most, kMessages) << "all to one";
    } else {
      EXPECT_GT(least, kMessages / 5 / 2);
      EXPECT_LT(most, kMessages / 5 * 2);
    }
  }
}

TEST_P(ShardShare, APublisherKeepsItsMemberWhenItComesBack) {
  ShardRig rig(GetParam(), with(ShareStrategy::hash_client));
  std::vector<RigClient*> members;
  for (unsigned i = 0; i < 6; ++i) {
    members.push_back(&rig.connected("m" + std::to_string(i), i));
    (void)members.back()->subscribe("$share/g/t");
  }
  for (int p = 0; p < 10; ++p) {
    for (unsigned again = 0; again < 3; ++again) rig.connected("p" + std::to_string(p), again).publish("t", "m");
    const std::vector<std::size_t> counts = spread(members);
    EXPECT_EQ(std::ranges::max(counts), 3U);
  }
}

TEST_P(ShardShare, WhoIsAwayOrGoneIsPassedOver) {
  for (const Named& c : kStrategies) {
    SCOPED_TRACE(c.name);
    ShardRig rig(GetParam(), with(c.strategy));
    std::vector<RigClient*> members;
    for (unsigned i = 0; i < 6; ++i) {
      members.push_back(&rig.connected("m" + std::to_string(i), i, stays()));
      (void)members.back()->subscribe("$share/g/t/+", {.qos = k1});
    }
    RigClient& publisher = rig.connected("p", 1);
    int number = 0;
    const auto publish = [&] {
      for (int i = 0; i < 30; ++i) publisher.publish("t/" + std::to_string(number++), "m", {.qos = k1});
    };
    for (std::size_t gone = 0; gone < 5; ++gone) {
      switch (gone % 3) {
        case 0: members[gone]->vanish(); break;
        case 1: (void)members[gone]->unsubscribe("$share/g/t/+"); break;
        default: members[gone]->disconnect(Reason::success, 0); break;
      }
      publish();
      const std::vector<std::size_t> counts = spread(members);
      std::size_t sum = 0;
      for (std::size_t i = 0; i < counts.size(); ++i) {
        sum += counts[i];
        EXPECT_TRUE(i > gone || counts[i] == 0);
      }
      EXPECT_EQ(sum, 30U);
    }
    members[5]->vanish();
    publish();
    std::size_t waited = 0;
    for (RigClient* each : members) {
      each->connect();
      waited += each->take().size();
    }
    EXPECT_EQ(waited, 30U) << "when all are away it waits for one of them";
    for (RigClient* each : members) (void)each->unsubscribe("$share/g/t/+");
    publisher.publish("t/x", "m", {.qos = k1});
    EXPECT_EQ(publisher.acked(PacketType::puback), Reason::no_matching_subscribers);
    rig.pass(seconds(1));
    EXPECT_EQ(rig.sum([](ShardCounters & n) -> auto& { return n.shared_subscriptions; }), 0);
  }
}

//= MQTT5 [MQTT-4.8.2-5] type=test
TEST_P(ShardShare, WhatAMemberLeavesUnacknowledgedGoesToAnother) {
  for (const Named& c : kStrategies) {
    for (const unsigned where : {0U, 1U}) {
      SCOPED_TRACE(c.name);
      ShardRig rig(GetParam(), with(c.strategy));
      RigClient& a = rig.connected("a", 0, stays());
      a.acks = false;
      (void)a.subscribe("$share/g/t", {.qos = k2, .identifier = 1});
      RigClient& publisher = rig.connected("p", 2);
      publisher.publish("t", "1", {.qos = k1});
      publisher.publish("t", "2", {.qos = k2});
      publisher.publish("t", "3", {.qos = k1});
      const std::vector<Got> got = a.take();
      ASSERT_EQ(got.size(), 3U);
      rig.give_room(a, 0);
      publisher.publish("t", "waits", {.qos = k2});
      RigClient& b = rig.connected("b", where, stays());
      (void)b.subscribe("$share/g/t", {.qos = k2, .identifier = 2});
      a.vanish();
      EXPECT_EQ(b.got(), (Texts{"t=1 q1 #2", "t=3 q1 #2", "t=waits q2 #2"}));
      a.connect();
      EXPECT_EQ(a.got(), Texts{});
      EXPECT_EQ(a.count(PacketType::publish), 1U) << "QoS 2 that was sent stays its own";
      EXPECT_EQ(a.nonsense + b.nonsense, "");
    }
  }
}

//= MQTT5 [MQTT-4.4.0-1] type=test
TEST_P(ShardShare, TheLastMemberFindsAllAsItLeftItWhenItReturns) {
  ShardRig rig(GetParam(), [](ShardSettings& settings, ListenerLimits& limits) {
    settings.queue.queue_length_max = 2;
    limits.inflight_max = 2;
  });
  RigClient& away = rig.connected("away", 1, stays());
  (void)away.subscribe("$share/g/t", {.qos = k1});
  away.vanish();
  RigClient& a = rig.connected("a", 0, stays());
  a.acks = false;
  (void)a.subscribe("$share/g/t", {.qos = k1, .identifier = 1});
  RigClient& publisher = rig.connected("p", 2);
  for (int i = 0; i < 4; ++i) publisher.publish("t", std::to_string(i), {.qos = k1});
  const std::vector<Got> got = a.take();
  ASSERT_EQ(got.size(), 2U);
  a.vanish();
  a.acks = true;
  a.connect();
  const std::vector<Got> again = a.take();
  ASSERT_EQ(again.size(), 4U);
  EXPECT_EQ(brief(again[0]), "t=0 q1 d #1");
  EXPECT_EQ(again[0].packet_id, got[0].packet_id);
  EXPECT_EQ(brief(again[1]), "t=1 q1 d #1");
  EXPECT_EQ(brief(again[3]), "t=3 q1 #1");
}

TEST_P(ShardShare, WhenASessionEndsWhatItHadGoesToMembersThatAreAway) {
  ShardRig rig(GetParam());
  RigClient& away = rig.connected("away", 1, {.clean = false, .expiry_s = 600});
  RigClient& a = rig.connected("a", 0, stays());
  a.acks = false;
  for (RigClient* each : {&away, &a}) (void)each->subscribe("$share/g/t", {.qos = k1});
  away.vanish();
  RigClient& publisher = rig.connected("p", 2);
  for (int i = 0; i < 3; ++i) publisher.publish("t", std::to_string(i), {.qos = k1});
  a.vanish();
  rig.pass(seconds(61));
  away.connect();
  EXPECT_EQ(away.got(), (Texts{"t=0 q1", "t=1 q1", "t=2 q1"}));
}

// The number of a group that has gone means nothing, or another group.
TEST_P(ShardShare, WhatCameFromAGroupThatHasGoneStaysWithWhoHasIt) {
  for (const Named& c : kStrategies) {
    SCOPED_TRACE(c.name);
    ShardRig rig(GetParam(), with(c.strategy));
    RigClient& a = rig.connected("a", 0, stays());
    a.acks = false;
    (void)a.subscribe("$share/h/u", {.qos = k1});
    (void)a.subscribe("$share/g/t", {.qos = k1});
    RigClient& publisher = rig.connected("p", 2);
    publisher.publish("t", "1", {.qos = k1});
    const std::vector<Got> got = a.take();
    ASSERT_EQ(got.size(), 1U);
    EXPECT_EQ(a.unsubscribe("$share/g/t"), Reason::success);
    RigClient& other = rig.connected("other", 0);
    (void)other.subscribe("$share/secret/x", {.qos = k1});
    (void)a.subscribe("$share/secret/x", {.qos = k1});
    a.vanish();
    EXPECT_EQ(other.got(), Texts{});
    a.connect();
    EXPECT_EQ(a.got(), (Texts{"t=1 q1 d"}));
    (void)other.unsubscribe("$share/secret/x");
    (void)a.unsubscribe("$share/secret/x");
    (void)a.unsubscribe("$share/h/u");
    a.ack(PacketType::puback, got[0].packet_id);
    a.disconnect(Reason::success, 0);
    EXPECT_EQ(rig.sessions(), 2U);
  }
}

// The shard that was picked has lost its member while the message was on its way.
TEST(ShardShare3, AMessageThatFindsNobodyGoesOn) {
  for (int how = 0; how < 3; ++how) {
    SCOPED_TRACE(how);
    ShardRig rig(3);
    RigClient& a = rig.connected("a", 1, {.clean = false, .expiry_s = 60});
    (void)a.subscribe("$share/g/t", {.qos = k1});
    RigClient& publisher = rig.connected("p", 0);
    RigClient& b = rig.connected("b", 2);
    rig.by_hand = true;
    publisher.publish("t", "1", {.qos = k1});
    base::Random random(1);
    rig.serve(publisher);  // the message is on its way to shard 1
    rig.by_hand = false;
    rig.hold(0, 1);
    (void)b.subscribe("$share/g/t", {.qos = k1});
    if (how == 0) a.vanish();
    if (how == 1) a.disconnect(Reason::success, 0);
    if (how == 2) (void)a.unsubscribe("$share/g/t");
    rig.let_go();
    EXPECT_EQ(b.got(), (Texts{"t=1 q1"}));
    EXPECT_EQ(rig.sum([](ShardCounters & c) -> auto& { return c.no_member; }), 0);
  }
}

// Members come and go in any order; what QoS 1 was acknowledged to its publisher is had by somebody in the end.
TEST(ShardShare3, NothingIsLostWhileMembersComeAndGo) {
  for (const Named& c : kStrategies) {
    for (std::uint64_t seed = 1; seed <= 12; ++seed) {
      SCOPED_TRACE(std::string(c.name) + " " + std::to_string(seed));
      ShardRig rig(3, [&](ShardSettings& settings, ListenerLimits& limits) {
        settings.share_strategy = c.strategy;
        limits.inflight_max = 3;
      });
      base::Random random(seed);
      std::vector<RigClient*> members;
      for (unsigned i = 0; i < 6; ++i) {
        members.push_back(&rig.connected("m" + std::to_string(i), i % 3, {.clean = false, .expiry_s = 600}));
        (void)members.back()->subscribe("$share/g/t/+", {.qos = k1});
      }
      RigClient& publisher = rig.connected("p", 0);
      rig.by_hand = true;
      std::set<std::string> published;
      std::map<std::string, int> got;
      for (int i = 0; i < 150; ++i) {
        RigClient& member = *members[random.below(6)];
        switch (random.below(5)) {
          case 0: member.vanish(); break;
          case 1: member.connect(); break;
          case 2: member.acks = !member.acks; break;
          default: {
            published.insert(std::to_string(i));
            publisher.publish("t/" + std::to_string(i), std::to_string(i), {.qos = k1});
          }
        }
        for (std::uint32_t steps = random.below(8); steps > 0; --steps) (void)rig.step(random);
        rig.hear();
      }
      rig.by_hand = false;
      rig.settle();
      for (RigClient* each : members) {
        each->acks = true;
        each->connect();
      }
      for (RigClient* each : members) {
        for (const Got& each_got : each->take()) ++got[each_got.payload];
        EXPECT_EQ(each->nonsense, "");
      }
      EXPECT_EQ(got.size(), published.size());
      for (RigClient* each : members) each->disconnect(Reason::success, 0);
      publisher.disconnect();
      rig.pass(seconds(1));
      EXPECT_EQ(rig.sessions(), 0U);
      EXPECT_EQ(rig.sum([](ShardCounters & n) -> auto& { return n.shared_subscriptions; }), 0);
    }
  }
}

}  // namespace
}  // namespace holdfast::broker
