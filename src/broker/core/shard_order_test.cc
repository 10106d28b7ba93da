// Which of two connections is the newer one: what counts is when CONNECT was read, not how long it took to find out who
// it is, nor the way to the session.
#include <gtest/gtest.h>

#include "broker/core/shard_rig.h"

namespace holdfast::broker {
namespace {

using wire::mqtt::PacketType;
using wire::mqtt::Reason;
using Protocol = wire::mqtt::Version;

class ShardOrder : public testing::TestWithParam<unsigned> {};
INSTANTIATE_TEST_SUITE_P(On, ShardOrder, testing::Values(1U, 3U));

std::int64_t taken_over(ShardRig& rig) {
  return rig.sum([](ShardCounters & c) -> auto& { return c.taken_over; });
}

//= MQTT5 [MQTT-3.1.4-3] type=test
//= MQTT5 [MQTT-3.14.0-1] type=test
TEST_P(ShardOrder, AConnectWhosePasswordTookLongIsTakenOverByTheNewerOne) {
  for (const Protocol version : {Protocol::v311, Protocol::v5}) {
    ShardRig rig(GetParam());
    rig.identifies_by_hand = true;
    RigClient& slow = rig.client("a", 1);
    slow.connect({.version = version});
    RigClient& quick = rig.client("a", 2);
    quick.connect({.version = version});
    rig.identify(*quick.pipe);
    ASSERT_TRUE(quick.is_connected());

    rig.identify(*slow.pipe);
    EXPECT_TRUE(quick.is_connected()) << "it was read later";
    EXPECT_EQ(slow.ended(), EndReason::taken_over);
    ASSERT_NE(slow.connack(), nullptr);
    EXPECT_EQ(slow.connack()->reason, Reason::server_unavailable);
    EXPECT_EQ(slow.count(PacketType::disconnect), 0U) << "it never was let in";
    EXPECT_EQ(taken_over(rig), 1);
    EXPECT_EQ(rig.sessions(), 1U);
    EXPECT_EQ(rig.claims(), 1U);
  }
}

TEST_P(ShardOrder, InTheirOrderTheOlderOneIsLetInAndThenTakenOver) {
  ShardRig rig(GetParam());
  rig.identifies_by_hand = true;
  RigClient& older = rig.client("a", 1);
  older.connect({});
  RigClient& newer = rig.client("a", 2);
  newer.connect({});
  rig.identify(*older.pipe);
  EXPECT_TRUE(older.is_connected());
  rig.identify(*newer.pipe);
  EXPECT_EQ(older.goodbye(), Reason::session_taken_over);
  EXPECT_TRUE(newer.is_connected());
  EXPECT_EQ(taken_over(rig), 1);
}

// It has had the session, and the older one does not get it back.
TEST_P(ShardOrder, AnOlderConnectIsTakenOverAlsoWhenTheNewerOneHasLeftItsSession) {
  ShardRig rig(GetParam());
  rig.identifies_by_hand = true;
  RigClient& older = rig.client("a", 1);
  older.connect({.clean = true});
  RigClient& newer = rig.client("a", 2);
  newer.connect({.clean = false, .expiry_s = 60});
  rig.identify(*newer.pipe);
  (void)newer.subscribe("x", {.qos = Qos::at_least_once});
  newer.vanish();
  rig.identify(*older.pipe);
  EXPECT_EQ(older.ended(), EndReason::taken_over);
  newer.connect({.clean = false, .expiry_s = 60});
  rig.identify(*newer.pipe);
  EXPECT_TRUE(newer.session_present());
}

// Each finds out who it is at another time: the last one to be read is the one.
TEST_P(ShardOrder, OfManyTheLastThatWasReadStays) {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    SCOPED_TRACE(seed);
    base::Random random(seed);
    ShardRig rig(GetParam());
    rig.identifies_by_hand = true;
    std::vector<RigClient*> waiting;
    for (unsigned i = 0; i < 30; ++i) {
      waiting.push_back(&rig.client("a", i % 3));
      waiting.back()->connect({});
    }
    RigClient& last = *waiting.back();
    rig.by_hand = true;
    while (!waiting.empty()) {
      const auto at = waiting.begin() + random.below(static_cast<std::uint32_t>(waiting.size()));
      rig.identify(*(*at)->pipe);
      waiting.erase(at);
      for (std::uint32_t steps = random.below(4); steps > 0 && rig.step(random); --steps) {
      }
    }
    while (rig.step(random)) {
    }
    rig.hear();
    EXPECT_TRUE(last.is_connected());
    EXPECT_EQ(rig.links(), 1U);
    EXPECT_EQ(rig.claims(), 1U);
  }
}

}  // namespace
}  // namespace holdfast::broker
