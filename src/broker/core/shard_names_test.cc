// Topics that are made of others: what rewrite rules see of $delayed, and names of clients in a mountpoint.
#include <gtest/gtest.h>

#include "broker/core/shard_rig.h"

namespace holdfast::broker {
namespace {

using wire::mqtt::Reason;
using Texts = std::vector<std::string>;
using std::chrono::seconds;

class ShardNames : public testing::TestWithParam<unsigned> {};
INSTANTIATE_TEST_SUITE_P(On, ShardNames, testing::Values(1U, 3U));

struct Delayed {
  const char* topic;
  seconds after;      // when it comes; 0: at once
  const char* comes;  // null: it is refused
};
const Delayed kDelayed[] = {
    {"$delayed/5/old/a", seconds(5), "new/a"},
    {"$delayed/5/x", seconds(5), "x"},
    {"later/x", seconds(3), "x"},
    {"$delayed/5/later/x", seconds(5), nullptr},
    {"$delayed/5/$delayed/5/x", seconds(5), nullptr},
};

TEST_P(ShardNames, RewriteRulesSeeTheTopicThatIsDelayed) {
  for (const Delayed& c : kDelayed) {
    SCOPED_TRACE(c.topic);
    ShardRig rig(GetParam(), [](ShardSettings& settings, ListenerLimits&) {
      settings.delayed_max = 10;
      settings.delayed_bytes_max = 10'000;
      settings.delayed_longest = seconds(10);
      settings.rewrites = {{.action = Rewrite::Of::publish, .from = "old/+", .to = "new/$1"},
                           {.action = Rewrite::Of::publish, .from = "later/+", .to = "$delayed/3/$1"}};
    });
    RigClient& watch = rig.connected("watch", 1);
    (void)watch.subscribe("#");
    RigClient& a = rig.connected("a", 2);
    a.publish(c.topic, "1", {.qos = Qos::at_least_once});
    EXPECT_EQ(a.acked(wire::mqtt::PacketType::puback),
              c.comes == nullptr ? Reason::topic_name_invalid : Reason::success);
    rig.pass(c.after - seconds(1));
    EXPECT_EQ(watch.got(), Texts{});
    rig.pass(seconds(1));
    EXPECT_EQ(watch.got(), c.comes == nullptr ? Texts{} : Texts{std::string(c.comes) + "=1"});
  }
}

struct Named {
  const char* mountpoint;
  const char* client_id;
  const char* user;
  bool fits;
};
const Named kNamed[] = {
    {"of/%c/", "a", "", true},     {"of/%c/", "a/b", "", false}, {"of/%c/", "a+", "", false},
    {"of/%c/", "#", "", false},    {"%c/", "$SYS", "", false},   {"of/%u/", "a/b", "ann", true},
    {"of/%u/", "a", "x/y", false}, {"of/%u/", "a", "+", false},  {"of/%u/", "a", "", true},
    {"%u", "a", "", false},        {"of/", "a/b", "x/y", true},  {"", "a/+", "#", true},
};

TEST_P(ShardNames, NoNameLeadsOutOfItsMountpoint) {
  for (const Named& c : kNamed) {
    SCOPED_TRACE(c.client_id);
    SCOPED_TRACE(c.mountpoint);
    ShardRig rig(GetParam(), [&](ShardSettings&, ListenerLimits& limits) { limits.mountpoint = c.mountpoint; });
    RigClient& a = rig.client(c.client_id, 1);
    a.connect({.user = c.user});
    ASSERT_NE(a.connack(), nullptr);
    EXPECT_EQ(a.connack()->reason, c.fits ? Reason::success : Reason::client_identifier_not_valid);
    EXPECT_EQ(rig.sessions(), c.fits ? 1U : 0U);
    EXPECT_EQ(rig.claims(), rig.sessions());
  }
}

}  // namespace
}  // namespace holdfast::broker
