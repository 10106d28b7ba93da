// What waits for members of a shared group that are away goes to the first who is there again.
#include <gtest/gtest.h>

#include <set>

#include "broker/core/shard_rig.h"

namespace holdfast::broker {
namespace {

using wire::mqtt::PacketType;
using Texts = std::vector<std::string>;
using std::chrono::milliseconds;

constexpr Qos k1 = Qos::at_least_once;
constexpr Qos k2 = Qos::exactly_once;

class ShardShareWait : public testing::TestWithParam<unsigned> {
 protected:
  static Hello stays() { return {.clean = false, .expiry_s = 600}; }
  static std::int64_t dropped(ShardRig& rig) {
    std::int64_t sum = 0;
    for (std::size_t i = 0; i < kDropReasons; ++i) {
      sum += rig.sum([&](ShardCounters & of) -> auto& { return of.dropped[i]; });
    }
    return sum;
  }
  static Texts sorted(Texts texts) {
    std::ranges::sort(texts);
    return texts;
  }
};
INSTANTIATE_TEST_SUITE_P(On, ShardShareWait, testing::Values(1U, 3U));

// Three members that are away; who comes back?
struct Comes {
  const char* name;
  bool is_new;  // it joins now
  unsigned shard;
};
constexpr Comes kComes[] = {
    {"a member", false, 0}, {"somebody new here", true, 0}, {"somebody new elsewhere", true, 2}};

TEST_P(ShardShareWait, WhoComesFirstGetsAllThatWaits) {
  for (const Comes& c : kComes) {
    SCOPED_TRACE(c.name);
    ShardRig rig(GetParam());
    std::vector<RigClient*> members;
    for (unsigned i = 0; i < 3; ++i) {
      members.push_back(&rig.connected("m" + std::to_string(i), i, stays()));
      (void)members.back()->subscribe("$share/g/t", {.qos = k2});
      (void)members.back()->subscribe("own", {.qos = k1});
    }
    RigClient& publisher = rig.connected("p", 1);
    for (RigClient* each : members) each->vanish();
    Texts wanted;
    for (int i = 0; i < 9; ++i) {
      publisher.publish("t", std::to_string(i), {.qos = i % 2 == 0 ? k1 : k2});
      wanted.push_back("t=" + std::to_string(i) + (i % 2 == 0 ? " q1" : " q2"));
    }
    publisher.publish("own", "each", {.qos = k1});
    RigClient* first = members[1];
    if (c.is_new) {
      first = &rig.connected("new", c.shard);
      (void)first->subscribe("$share/g/t", {.qos = k2});
    } else {
      first->connect();
      wanted.emplace_back("own=each q1");
    }
    EXPECT_EQ(sorted(first->got()), sorted(wanted));
    for (RigClient* each : members) {
      if (each == first) continue;
      each->connect();
      EXPECT_EQ(each->got(), (Texts{"own=each q1"})) << "the rest is nobody else's";
    }
    EXPECT_EQ(dropped(rig), 0);
  }
}

// So much waits in all that one queue does not hold it: it comes as there is room, and none of it is lost.
TEST_P(ShardShareWait, NothingIsDroppedToMakeRoomForWhatWaits) {
  ShardRig rig(GetParam(), [](ShardSettings& settings, ListenerLimits& limits) {
    settings.queue.queue_length_max = 4;
    limits.inflight_max = 1;
  });
  std::vector<RigClient*> members;
  for (unsigned i = 0; i < 4; ++i) {
    members.push_back(&rig.connected("m" + std::to_string(i), i, stays()));
    (void)members.back()->subscribe("$share/g/t", {.qos = k1});
  }
  for (RigClient* each : members) each->vanish();
  RigClient& publisher = rig.connected("p", 1);
  std::set<std::string> published;
  for (int i = 0; i < 8; ++i) {
    publisher.publish("t", std::to_string(i), {.qos = k1});
    published.insert("t=" + std::to_string(i) + " q1");
  }
  ASSERT_EQ(dropped(rig), 0) << "they wait";
  RigClient& first = *members[0];
  first.acks = false;
  first.connect();
  std::set<std::string> got;
  const auto take = [&] {
    for (const Got& each : first.take()) {
      EXPECT_TRUE(got.insert(brief(each)).second) << brief(each) << " comes twice";
      first.ack(PacketType::puback, each.packet_id);
    }
  };
  for (int i = 0; i < 100 && got.size() < published.size(); ++i) {
    take();
    rig.pass(milliseconds(200));
  }
  EXPECT_EQ(got, published);
  EXPECT_EQ(dropped(rig), 0);
}

// The last member of one shard goes while another comes: neither knows of the other yet.
TEST(ShardShareWait3, WhoGoesAndWhoComesMayNotHaveHeardOfEachOther) {
  ShardRig rig(3);
  RigClient& goes = rig.connected("goes", 1, {.clean = false, .expiry_s = 600});
  (void)goes.subscribe("$share/g/t", {.qos = k1});
  RigClient& comes = rig.connected("comes", 2, {.clean = false, .expiry_s = 600});
  (void)comes.subscribe("$share/g/t", {.qos = k1});
  comes.vanish();
  goes.acks = false;
  RigClient& publisher = rig.connected("p", 0);
  publisher.publish("t", "1", {.qos = k1});
  ASSERT_EQ(goes.take().size(), 1U);
  const unsigned from = comes.pipe->shard;
  const unsigned to = goes.pipe->shard;
  ASSERT_NE(from, to);
  rig.hold(from, to);
  comes.connect();
  ASSERT_TRUE(comes.is_connected());
  goes.vanish();
  EXPECT_EQ(comes.got(), Texts{}) << "who goes has not heard that somebody is there";
  rig.let_go();
  EXPECT_EQ(comes.got(), (Texts{"t=1 q1"}));
}

}  // namespace
}  // namespace holdfast::broker
