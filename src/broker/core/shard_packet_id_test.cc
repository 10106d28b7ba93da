// Packet identifiers of the client that are in use already.
#include <gtest/gtest.h>

#include "broker/core/shard_rig.h"

namespace holdfast::broker {
namespace {

using wire::mqtt::PacketType;
using wire::mqtt::Reason;
using Protocol = wire::mqtt::Version;

class ShardPacketId : public testing::TestWithParam<unsigned> {};
INSTANTIATE_TEST_SUITE_P(On, ShardPacketId, testing::Values(1U, 3U));

void subscribe(RigClient& client, std::uint16_t packet_id, std::string_view filter) {
  wire::mqtt::Bytes encoded;
  (void)wire::mqtt::append_filter(encoded, filter, wire::mqtt::FilterOptions{});
  wire::mqtt::Subscribe packet;
  packet.packet_id = packet_id;
  packet.filters = {encoded, wire::mqtt::FilterList::Kind::with_options};
  client.say(packet);
}
void unsubscribe(RigClient& client, std::uint16_t packet_id, std::string_view filter) {
  wire::mqtt::Bytes encoded;
  (void)wire::mqtt::append_filter(encoded, filter);
  wire::mqtt::Unsubscribe packet;
  packet.packet_id = packet_id;
  packet.filters = {encoded, wire::mqtt::FilterList::Kind::without_options};
  client.say(packet);
}

//= MQTT5 [MQTT-2.2.1-3] type=test
TEST_P(ShardPacketId, OneOfAMessageThatIsNotReleasedIsRefused) {
  ShardRig rig(GetParam());
  RigClient& a = rig.connected("a", 1);
  a.acks = false;  // PUBREL does not come
  a.publish("x", "1", {.qos = Qos::exactly_once, .packet_id = 7});
  subscribe(a, 7, "x");
  ASSERT_NE(a.last<wire::mqtt::Suback>(), nullptr);
  EXPECT_EQ(a.last<wire::mqtt::Suback>()->code(0), Reason::packet_identifier_in_use);
  a.publish("x", "2");
  EXPECT_TRUE(a.take().empty()) << "it has not subscribed";
  subscribe(a, 8, "x");
  EXPECT_EQ(a.last<wire::mqtt::Suback>()->code(0), Reason::success);
  unsubscribe(a, 7, "x");
  ASSERT_NE(a.last<wire::mqtt::Unsuback>(), nullptr);
  EXPECT_EQ(a.last<wire::mqtt::Unsuback>()->code(0), Reason::packet_identifier_in_use);
  a.publish("x", "3");
  EXPECT_EQ(a.take().size(), 1U) << "it is subscribed still";
  a.ack(PacketType::pubrel, 7);
  unsubscribe(a, 7, "x");
  EXPECT_EQ(a.last<wire::mqtt::Unsuback>()->code(0), Reason::success);
  EXPECT_TRUE(a.is_connected());
}

TEST(ShardPacketId3, OneOfASubscribeThatIsNotAnsweredIsRefusedUntilItIs) {
  ShardRig rig(3);
  RigClient& a = rig.connected("a");
  rig.hold(1, 0);
  subscribe(a, 5, "x");
  EXPECT_EQ(a.count(PacketType::suback), 0U) << "another shard has not heard of it";
  subscribe(a, 5, "y");
  ASSERT_EQ(a.count(PacketType::suback), 1U);
  EXPECT_EQ(a.last<wire::mqtt::Suback>()->code(0), Reason::packet_identifier_in_use);
  unsubscribe(a, 5, "x");
  EXPECT_EQ(a.last<wire::mqtt::Unsuback>()->code(0), Reason::packet_identifier_in_use);
  rig.let_go();
  ASSERT_EQ(a.count(PacketType::suback), 2U);
  EXPECT_EQ(a.last<wire::mqtt::Suback>()->code(0), Reason::success);
  subscribe(a, 5, "y");
  EXPECT_EQ(a.last<wire::mqtt::Suback>()->code(0), Reason::success);
}

// They cannot say so.
TEST_P(ShardPacketId, OlderVersionsAreAnsweredAsEver) {
  ShardRig rig(GetParam());
  RigClient& a = rig.connected("a", 1, {.version = Protocol::v311});
  a.acks = false;
  a.publish("x", "1", {.qos = Qos::exactly_once, .packet_id = 7});
  subscribe(a, 7, "x");
  ASSERT_NE(a.last<wire::mqtt::Suback>(), nullptr);
  EXPECT_EQ(a.last<wire::mqtt::Suback>()->code(0), Reason::success);
}

}  // namespace
}  // namespace holdfast::broker
