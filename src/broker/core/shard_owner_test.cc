// A session belongs to the user who made it: nobody else gets it by its client id.
#include <gtest/gtest.h>

#include "broker/core/shard_rig.h"

namespace holdfast::broker {
namespace {

using wire::mqtt::Reason;
using Texts = std::vector<std::string>;
using std::chrono::seconds;

constexpr Qos k1 = Qos::at_least_once;

class ShardOwner : public testing::TestWithParam<unsigned> {};
INSTANTIATE_TEST_SUITE_P(On, ShardOwner, testing::Values(1U, 3U));

Hello stays(std::string user, std::uint32_t expiry_s = 600) {
  return {.clean = false, .expiry_s = expiry_s, .user = std::move(user)};
}

struct ComesAs {
  const char* name;
  const char* first;  // "": nobody in particular
  const char* second;
  bool present;
};
constexpr ComesAs kComesAs[] = {
    {"the same user", "alice", "alice", true},        {"another user", "alice", "carl", false},
    {"nobody, with a user's id", "alice", "", false}, {"a user, with the id of nobody", "", "carl", false},
    {"nobody, who counts as one", "", "", true},      {"a longer name", "alice", "alice2", false},
};

// What waits, what comes, and what may be answered to: all of it is the owner's.
TEST_P(ShardOwner, ASessionIsThereForItsUserOnly) {
  for (const ComesAs& c : kComesAs) {
    SCOPED_TRACE(c.name);
    ShardRig rig(GetParam());
    RigClient& publisher = rig.connected("p", 2, {.user = "p"});
    RigClient& first = rig.connected("a1", 0, stays(c.first));
    (void)first.subscribe("t", {.qos = k1});
    (void)first.subscribe("$share/g/s", {.qos = k1});
    (void)first.subscribe("$exclusive/e");
    first.vanish();
    publisher.publish("t", "waits", {.qos = k1});
    RigClient& second = rig.connected("a1", 1, stays(c.second));
    EXPECT_EQ(second.session_present(), c.present);
    publisher.publish("t", "live", {.qos = k1});
    publisher.publish("s", "shared", {.qos = k1});
    EXPECT_EQ(second.got(), c.present ? (Texts{"t=waits q1", "t=live q1", "s=shared q1"}) : Texts{});
    RigClient& other = rig.connected("b", 2, {.user = "b"});
    EXPECT_EQ(other.subscribe("$exclusive/e"), c.present ? Reason::quota_exceeded : Reason::granted_qos_0);
    const auto ended = [](ShardCounters & of) -> auto& {
      return of.dropped[static_cast<std::size_t>(DropReason::session_ended)];
    };
    EXPECT_EQ(rig.sum(ended), c.present ? 0 : 1);
    EXPECT_EQ(rig.sessions(), 3U) << "there is one session of that id";
    EXPECT_EQ(rig.sum([](ShardCounters & of) -> auto& { return of.resumed; }), c.present ? 1 : 0);
  }
}

// Who comes back finds what has become of its id: a session of another.
TEST_P(ShardOwner, TheOwnerDoesNotGetBackWhatWasEnded) {
  ShardRig rig(GetParam());
  RigClient& alice = rig.connected("a1", 0, stays("alice"));
  (void)alice.subscribe("t", {.qos = k1});
  alice.vanish();
  RigClient& carl = rig.connected("a1", 1, stays("carl"));
  (void)carl.subscribe("c", {.qos = k1});
  carl.vanish();
  alice.connect();
  EXPECT_FALSE(alice.session_present());
  rig.connected("p", 2).publish("c", "carl's", {.qos = k1});
  EXPECT_EQ(alice.got(), Texts{});
}

//= MQTT5 [MQTT-3.1.4-3] type=test
TEST_P(ShardOwner, AConnectionIsTakenOverWithoutItsSession) {
  ShardRig rig(GetParam());
  RigClient& alice = rig.connected("a1", 0, stays("alice"));
  (void)alice.subscribe("t", {.qos = k1});
  RigClient& carl = rig.connected("a1", 1, stays("carl"));
  EXPECT_EQ(alice.goodbye(), Reason::session_taken_over);
  EXPECT_FALSE(carl.session_present());
  rig.connected("p", 2).publish("t", "alice's", {.qos = k1});
  EXPECT_EQ(carl.got(), Texts{});
  EXPECT_EQ(rig.sessions(), 2U);
}

// The will of a session that ends does not wait for its delay, whoever has ended it.
//= MQTT5 [MQTT-3.1.2-8] type=test
TEST_P(ShardOwner, AWillThatWaitsIsPublishedWhenAnotherEndsTheSession) {
  ShardRig rig(GetParam());
  RigClient& watch = rig.connected("watch", 2);
  (void)watch.subscribe("w");
  wire::mqtt::Will will;
  will.topic = "w";
  will.properties.set(wire::mqtt::Property::will_delay, 300U);
  Hello with_will = stays("alice");
  with_will.will = will;
  RigClient& alice = rig.connected("a1", 0, with_will);
  alice.vanish();
  rig.pass(seconds(10));
  EXPECT_EQ(watch.got(), Texts{});
  alice.connect();
  alice.vanish();
  EXPECT_EQ(watch.got(), Texts{}) << "its own user has come back in time";
  (void)rig.connected("a1", 1, stays("carl"));
  EXPECT_EQ(watch.got(), (Texts{"w="}));
}

}  // namespace
}  // namespace holdfast::broker
