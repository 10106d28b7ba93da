// Wills go through one gate, which may say not now.
#include <gtest/gtest.h>

#include "broker/core/shard_rig.h"

namespace holdfast::broker {
namespace {

using Texts = std::vector<std::string>;
using std::chrono::seconds;

class ShardWillGate : public testing::TestWithParam<unsigned> {};
INSTANTIATE_TEST_SUITE_P(On, ShardWillGate, testing::Values(1U, 3U));

wire::mqtt::Will will(wire::mqtt::Seconds delay) {
  wire::mqtt::Will made{.topic = "w", .payload = std::as_bytes(std::span("gone", 4)), .properties = {}};
  if (delay.count() != 0) made.properties.set(wire::mqtt::Property::will_delay, delay.count());
  return made;
}

TEST_P(ShardWillGate, AWillThatMayNotBePublishedYetWaitsAlsoWithoutItsSession) {
  for (const std::uint32_t delay_s : {0U, 5U}) {
    for (const std::uint32_t expiry_s : {0U, 60U}) {
      SCOPED_TRACE(delay_s);
      SCOPED_TRACE(expiry_s);
      ShardRig rig(GetParam());
      bool open = false;
      std::vector<std::pair<std::string, ClaimToken>> asked;
      rig.may_fire = [&](std::string_view client_id, ClaimToken token) {
        asked.emplace_back(client_id, token);
        return open;
      };
      RigClient& watch = rig.connected("watch", 1);
      (void)watch.subscribe("w");
      RigClient& a = rig.connected("a", 2, {.expiry_s = expiry_s, .will = will(wire::mqtt::Seconds{delay_s})});
      a.vanish();
      rig.pass(seconds(20));
      EXPECT_EQ(watch.got(), Texts{});
      ASSERT_GT(asked.size(), 10U) << "it is asked again";
      EXPECT_EQ(asked.back(), std::pair(std::string("a"), ClaimToken{a.pipe->token}));
      EXPECT_EQ(rig.sessions(), expiry_s == 0 ? 1U : 2U);
      open = true;
      rig.pass(kWillHeldBack);
      EXPECT_EQ(watch.got(), (Texts{"w=gone"}));
      rig.pass(seconds(5));
      EXPECT_EQ(watch.got(), Texts{}) << "once";
    }
  }
}

// It was on its way already: a client that comes back does not call it back.
TEST_P(ShardWillGate, AWillThatIsHeldBackIsPublishedAlsoWhenItsClientIsBack) {
  ShardRig rig(GetParam());
  bool open = false;
  rig.may_fire = [&](std::string_view, ClaimToken) { return open; };
  RigClient& watch = rig.connected("watch", 1);
  (void)watch.subscribe("w");
  const Hello hello{.clean = false, .expiry_s = 60, .will = will(wire::mqtt::Seconds{0})};
  RigClient& a = rig.connected("a", 2, hello);
  a.vanish();
  a.connect({.clean = false, .expiry_s = 60});
  open = true;
  rig.pass(kWillHeldBack);
  EXPECT_EQ(watch.got(), (Texts{"w=gone"}));
}

TEST_P(ShardWillGate, TheGateIsNotAskedForAWillThatIsNotPublished) {
  ShardRig rig(GetParam());
  int asked = 0;
  rig.may_fire = [&](std::string_view, ClaimToken) { return ++asked > 0; };
  RigClient& a = rig.connected("a", 2, {.expiry_s = 60, .will = will(wire::mqtt::Seconds{0})});
  a.disconnect();
  RigClient& b = rig.connected("b", 2, {.expiry_s = 60, .will = will(wire::mqtt::Seconds{5})});
  b.vanish();
  rig.pass(seconds(4));
  b.connect({.clean = false, .expiry_s = 60});
  rig.pass(seconds(10));
  EXPECT_EQ(asked, 0);
}

}  // namespace
}  // namespace holdfast::broker
