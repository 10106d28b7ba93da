// How clients come to their sessions and leave them.
#include <gtest/gtest.h>

#include "broker/core/shard_rig.h"

namespace holdfast::broker {
namespace {

using wire::mqtt::Property;
using wire::mqtt::Reason;
using Protocol = wire::mqtt::Version;
using Texts = std::vector<std::string>;

class ShardConnect : public testing::TestWithParam<unsigned> {};
INSTANTIATE_TEST_SUITE_P(On, ShardConnect, testing::Values(1U, 3U));

//= MQTT5 [MQTT-3.2.2-2] type=test
//= MQTT5 [MQTT-3.2.2-3] type=test
TEST_P(ShardConnect, ASessionIsThereAgainUntilItsEnd) {
  ShardRig rig(GetParam());
  RigClient& a = rig.client("a", 0);
  ASSERT_NE(a.connect({.clean = false, .expiry_s = 60}), nullptr);
  EXPECT_FALSE(a.session_present());
  EXPECT_EQ(a.subscribe("x", {.qos = Qos::at_least_once}), Reason::granted_qos_1);
  a.vanish();
  RigClient& b = rig.connected("b", 1);
  b.publish("x", "1", {.qos = Qos::at_least_once});
  a.shard = rig.shards() - 1;
  a.connect();
  EXPECT_TRUE(a.session_present());
  EXPECT_EQ(a.got(), (Texts{"x=1 q1"}));
  EXPECT_EQ(a.nonsense, "");
}

}  // namespace
}  // namespace holdfast::broker
