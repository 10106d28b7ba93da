#include "wire/mqtt/mqtt_testing.h"

namespace holdfast::wire::mqtt {
namespace {

using testing::Broken;
using testing::packet;
using testing::Reading;
using testing::text_of;
using testing::what;

struct Case {
  const char* name;
  Version version;
  std::string packet;
  Qos qos;
  bool retain;
  bool dup;
  std::uint16_t packet_id;
  std::string_view topic;
  std::string_view payload;
};

const Case kCases[] = {
    {"QoS 0", Version::v311, packet(0x30, "<a/b> 'payload'"), Qos::at_most_once, false, false, 0, "a/b", "payload"},
    {"no payload", Version::v311, packet(0x31, "<a/b>"), Qos::at_most_once, true, false, 0, "a/b", ""},
    {"QoS 1", Version::v31, packet(0x32, "<t> 0001 'p'"), Qos::at_least_once, false, false, 1, "t", "p"},
    {"QoS 2 again", Version::v311, packet(0x3d, "<t> ffff 'p'"), Qos::exactly_once, true, true, 65'535, "t", "p"},
    {"MQTT 5", Version::v5, packet(0x32, "<t> 0007 00 'p'"), Qos::at_least_once, false, false, 7, "t", "p"},
    {"alias alone", Version::v5, packet(0x30, "<> 03 230005 'p'"), Qos::at_most_once, false, false, 0, "", "p"},
    {"Chinese", Version::v5, packet(0x30, "<\xe6\xb8\xa9\xe5\xba\xa6> 00 00"), Qos::at_most_once, false, false, 0,
     "\xe6\xb8\xa9\xe5\xba\xa6", std::string_view("\0", 1)},
};

//= MQTT5 [MQTT-3.3.2-1] type=test
//= MQTT5 [MQTT-2.2.1-2] type=test
//= MQTT311 [MQTT-3.3.2-1] type=test
//= MQTT311 [MQTT-2.3.1-5] type=test
TEST(MqttPublish, IsReadAndWritten) {
  for (const Case& c : kCases) {
    SCOPED_TRACE(c.name);
    for (const Sender sender : {Sender::client, Sender::server}) {
      const Reading reading(c.packet, c.version, sender);
      ASSERT_EQ(reading.fault(), nullptr) << what(reading.fault());
      const Publish& publish = reading.as<Publish>();
      EXPECT_EQ(publish.qos, c.qos);
      EXPECT_EQ(publish.retain, c.retain);
      EXPECT_EQ(publish.dup, c.dup);
      EXPECT_EQ(publish.packet_id, c.packet_id);
      EXPECT_EQ(publish.topic, c.topic);
      EXPECT_EQ(text_of(publish.payload), c.payload);
      EXPECT_EQ(testing::written(publish, c.version), c.packet);
      testing::expect_safe_at_every_cut(c.packet, c.version, sender);
    }
  }
}

TEST(MqttPublish, Of5HasProperties) {
  const std::string bytes = packet(0x30,
                                   "<t> {0101 0200000e10 03<text/plain> 08<re/ply> 09<1234> 0b7f 0bff7f 230001"
                                   " 26<k><v>} 'p'");
  const Reading reading(bytes, Version::v5, Sender::server);
  ASSERT_EQ(reading.fault(), nullptr) << what(reading.fault());
  const Properties& properties = reading.as<Publish>().properties;
  EXPECT_EQ(properties.payload_format, 1);
  EXPECT_EQ(properties.message_expiry, Seconds(3600));
  EXPECT_EQ(properties.content_type, "text/plain");
  EXPECT_EQ(properties.response_topic, "re/ply");
  EXPECT_EQ(text_of(properties.correlation_data), "1234");
  EXPECT_EQ(properties.topic_alias, 1);
  EXPECT_EQ(properties.subscription_id, 127U);
  EXPECT_EQ(properties.subscription_id_count, 2);
  std::vector<std::uint32_t> ids;
  for (const std::uint32_t id : properties.subscription_ids()) ids.push_back(id);
  EXPECT_EQ(ids, (std::vector<std::uint32_t>{127, 16'383}));
  for (const auto& [name, value] : properties.user_properties()) EXPECT_EQ(std::string(name).append(value), "kv");
  EXPECT_EQ(reading.as<Publish>().payload.size(), 1U);
}

// A Publish that is read into again and again keeps nothing of the one before.
TEST(MqttPublish, IsReadIntoTheSameValueAgain) {
  Publish publish;
  const auto read = [&publish](const std::string& bytes, Version version) {
    const Header header = read_header(testing::bytes_of(bytes)).header;
    const auto body = testing::bytes_of(bytes).subspan(header.header_bytes);
    EXPECT_EQ(decode_publish(header, body, version, Sender::client, publish), nullptr);
  };
  const std::string with = packet(0x32, "<t> 0007 {0101 0200000e10} 'p'");
  const std::string without = packet(0x30, "<u> 00");
  const std::string older = packet(0x30, "<v>");
  read(with, Version::v5);
  EXPECT_EQ(publish.properties.payload_format, 1);
  for (const auto& [next, version] : {std::pair(&without, Version::v5), std::pair(&older, Version::v311)}) {
    read(with, Version::v5);
    read(*next, version);
    EXPECT_EQ(publish.packet_id, 0);
    EXPECT_EQ(publish.properties.present, 0U);
    EXPECT_EQ(publish.properties.payload_format, 0);
    EXPECT_TRUE(publish.properties.block.empty());
    EXPECT_TRUE(publish.payload.empty());
  }
}

const Broken kBroken[] = {
    {"empty", Version::v311, Sender::client, packet(0x30, ""), Reason::malformed_packet, "2.4"},
    {"topic too long for the packet", Version::v311, Sender::client, packet(0x30, "0005 'abcd'"),
     Reason::malformed_packet, "2.4"},
    {"no packet id", Version::v5, Sender::client, packet(0x32, "<t> 00"), Reason::malformed_packet, "2.1.4"},
    //= MQTT311 [MQTT-2.3.1-1] type=test
    {"packet id 0 in 3.1.1", Version::v311, Sender::client, packet(0x32, "<t> 0000"), Reason::protocol_error,
     "[MQTT-2.3.1-1]"},
    //= MQTT5 [MQTT-2.2.1-3] type=test
    //= MQTT5 [MQTT-2.2.1-4] type=test
    {"packet id 0", Version::v5, Sender::client, packet(0x34, "<t> 0000 00"), Reason::protocol_error, "[MQTT-2.2.1-3]"},
    {"topic not UTF-8", Version::v311, Sender::client, packet(0x30, "0001 ff"), Reason::malformed_packet,
     "[MQTT-1.5.3-1]"},
    {"topic with U+0000", Version::v5, Sender::client, packet(0x30, "0001 00 00"), Reason::malformed_packet,
     "[MQTT-1.5.4-2]"},
    {"topic with #", Version::v5, Sender::client, packet(0x30, "<a/#> 00"), Reason::topic_name_invalid,
     "[MQTT-3.3.2-2]"},
    {"topic with + in 3.1.1", Version::v311, Sender::client, packet(0x30, "<+/b>"), Reason::topic_name_invalid,
     "[MQTT-3.3.2-2]"},
    //= MQTT311 [MQTT-4.7.3-1] type=test
    {"no topic in 3.1.1", Version::v311, Sender::client, packet(0x30, "<> 'p'"), Reason::topic_name_invalid,
     "[MQTT-4.7.3-1]"},
    //= MQTT5 3.3.2.1 type=test
    {"neither topic nor alias", Version::v5, Sender::client, packet(0x30, "<> 00"), Reason::protocol_error, "3.3.2.1"},
    //= MQTT5 [MQTT-3.3.2-8] type=test
    {"alias 0", Version::v5, Sender::client, packet(0x30, "<t> 03 230000"), Reason::topic_alias_invalid,
     "[MQTT-3.3.2-8]"},
    //= MQTT5 [MQTT-3.3.4-6] type=test
    {"subscription id of a client", Version::v5, Sender::client, packet(0x30, "<t> 02 0b01"), Reason::protocol_error,
     "[MQTT-3.3.4-6]"},
    //= MQTT5 [MQTT-3.3.2-14] type=test
    {"response topic with a wildcard", Version::v5, Sender::client, packet(0x30, "<t> 06 08<r/+>"),
     Reason::protocol_error, "[MQTT-3.3.2-14]"},
    {"response topic empty", Version::v5, Sender::client, packet(0x30, "<t> 03 08<>"), Reason::protocol_error,
     "[MQTT-3.3.2-14]"},
    //= MQTT5 [MQTT-3.3.2-13] type=test
    {"response topic not UTF-8", Version::v5, Sender::client, packet(0x30, "<t> 04 080001ff"), Reason::malformed_packet,
     "[MQTT-1.5.4-1]"},
    //= MQTT5 [MQTT-3.3.2-19] type=test
    {"content type not UTF-8", Version::v5, Sender::client, packet(0x30, "<t> 04 030001ff"), Reason::malformed_packet,
     "[MQTT-1.5.4-1]"},
    //= MQTT5 [MQTT-2.2.2-1] type=test
    {"no property length", Version::v5, Sender::client, packet(0x30, "<t>"), Reason::malformed_packet, "2.2.2.1"},
    {"properties longer than the packet", Version::v5, Sender::client, packet(0x30, "<t> 05 2300"),
     Reason::malformed_packet, "2.2.2.1"},
    {"property length padded", Version::v5, Sender::client, packet(0x30, "<t> 8000"), Reason::malformed_packet,
     "2.2.2.1"},
    {"QoS 3", Version::v5, Sender::client, packet(0x36, "<t> 0001 00"), Reason::malformed_packet, "[MQTT-3.3.1-4]"},
    {"DUP of QoS 0", Version::v311, Sender::client, packet(0x38, "<t>"), Reason::malformed_packet, "[MQTT-3.3.1-2]"},
};

TEST(MqttPublish, IsRefusedForTheReasonTheStandardNames) {
  for (const Broken& row : kBroken) testing::expect_broken(row);
}

}  // namespace
}  // namespace holdfast::wire::mqtt
