#include "wire/mqtt/mqtt_testing.h"

namespace holdfast::wire::mqtt {
namespace {

using testing::Broken;
using testing::packet;
using testing::Reading;
using testing::what;

constexpr PacketType kAcks[] = {PacketType::puback, PacketType::pubrec, PacketType::pubrel, PacketType::pubcomp};

unsigned first_byte_of(PacketType type) {
  return static_cast<unsigned>(type) << 4 | (type == PacketType::pubrel ? 2U : 0U);
}

//= MQTT5 [MQTT-2.2.1-5] type=test
TEST(MqttAck, OfEveryTypeAndVersionIsReadAndWritten) {
  for (const PacketType type : kAcks) {
    for (const Version version : testing::kAllVersions) {
      const std::string bytes = packet(first_byte_of(type), "1234");
      const Reading reading(bytes, version, Sender::server);
      ASSERT_EQ(reading.fault(), nullptr) << what(reading.fault());
      EXPECT_EQ(reading.as<Ack>().type, type);
      EXPECT_EQ(reading.as<Ack>().packet_id, 0x1234);
      EXPECT_EQ(reading.as<Ack>().reason, Reason::success);
      EXPECT_EQ(testing::written(reading.packet(), version), bytes);
    }
  }
}

// The reason and the properties may be left out from the end on.
TEST(MqttAck, Of5MayHaveAReasonAndProperties) {
  for (const char* spec : {"0001", "0001 00", "0001 00 00"}) {
    const Reading reading(packet(0x40, spec), Version::v5, Sender::client);
    ASSERT_EQ(reading.fault(), nullptr) << what(reading.fault());
    EXPECT_EQ(reading.as<Ack>().reason, Reason::success);
    EXPECT_EQ(testing::written(reading.packet(), Version::v5), packet(0x40, "0001"));
  }
  const std::string bytes = packet(0x50, "0001 97 {1f<full> 26<a><b>}");
  const Reading reading(bytes, Version::v5, Sender::client);
  ASSERT_EQ(reading.fault(), nullptr) << what(reading.fault());
  EXPECT_EQ(reading.as<Ack>().reason, Reason::quota_exceeded);
  EXPECT_EQ(reading.as<Ack>().properties.reason_string, "full");
  EXPECT_EQ(testing::written(reading.packet(), Version::v5), bytes);
  EXPECT_EQ(testing::written(reading.packet(), Version::v311), packet(0x50, "0001"));
  testing::expect_safe_at_every_cut(bytes, Version::v5, Sender::client);
}

TEST(MqttAck, IsWrittenShort) {
  Bytes out;
  encode_ack(out, PacketType::puback, 7, Reason::success, Version::v5);
  encode_ack(out, PacketType::pubrel, 8, Reason::packet_identifier_not_found, Version::v5);
  encode_ack(out, PacketType::puback, 9, Reason::not_authorized, Version::v311);
  EXPECT_EQ(testing::text_of(out), testing::raw("4002 0007  6203 0008 92  4002 0009"));
}

//= MQTT5 [MQTT-3.4.2-1] type=test
//= MQTT5 [MQTT-3.5.2-1] type=test
//= MQTT5 [MQTT-3.6.2-1] type=test
//= MQTT5 [MQTT-3.7.2-1] type=test
TEST(MqttAck, HasOnlyTheCodesOfItsType) {
  const std::string of_puback = testing::raw("00 10 80 83 87 90 91 97 99");
  const std::string of_pubrel = testing::raw("00 92");
  for (const PacketType type : kAcks) {
    const bool is_puback = type == PacketType::puback || type == PacketType::pubrec;
    const std::string& codes = is_puback ? of_puback : of_pubrel;
    for (unsigned code = 0; code < 256; ++code) {
      const std::string body = testing::raw("0001") + static_cast<char>(code);
      const Reading reading(testing::packet_of(first_byte_of(type), body), Version::v5, Sender::client);
      const bool is_code = codes.find(static_cast<char>(code)) != std::string::npos;
      ASSERT_EQ(reading.fault() == nullptr, is_code) << name(type) << code;
      if (!is_code) {
        EXPECT_EQ(reading.fault()->reason, Reason::protocol_error);
      }
    }
  }
}

const Broken kBroken[] = {
    {"half a packet id", Version::v5, Sender::client, packet(0x40, "00"), Reason::malformed_packet, "2.1.4"},
    {"nothing", Version::v5, Sender::client, packet(0x70, ""), Reason::malformed_packet, "2.1.4"},
    {"packet id 0", Version::v5, Sender::client, packet(0x40, "0000"), Reason::protocol_error, "[MQTT-2.2.1-3]"},
    {"packet id 0 in 3.1.1", Version::v311, Sender::client, packet(0x62, "0000"), Reason::protocol_error,
     "[MQTT-2.3.1-1]"},
    {"a reason in 3.1.1", Version::v311, Sender::client, packet(0x40, "0001 00"), Reason::malformed_packet, "2.2.3"},
    {"something behind", Version::v5, Sender::client, packet(0x40, "0001 00 00 00"), Reason::malformed_packet, "2.1.4"},
    {"properties too long", Version::v5, Sender::client, packet(0x40, "0001 00 01"), Reason::malformed_packet,
     "2.2.2.1"},
    {"a property of others", Version::v5, Sender::client, packet(0x40, "0001 00 03 230001"), Reason::malformed_packet,
     "2.2.2.2"},
};

TEST(MqttAck, IsRefusedForTheReasonTheStandardNames) {
  for (const Broken& row : kBroken) testing::expect_broken(row);
}

}  // namespace
}  // namespace holdfast::wire::mqtt
