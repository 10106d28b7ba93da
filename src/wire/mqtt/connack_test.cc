#include "wire/mqtt/mqtt_testing.h"

namespace holdfast::wire::mqtt {
namespace {

using testing::Broken;
using testing::packet;
using testing::Reading;
using testing::what;

struct ReturnCode {
  Reason reason;
  int code;  // -1: none
};

//= MQTT311 [MQTT-3.2.2-6] type=test
constexpr ReturnCode kReturnCodes[] = {
    {Reason::success, 0},
    {Reason::unsupported_protocol_version, 1},
    {Reason::client_identifier_not_valid, 2},
    {Reason::server_unavailable, 3},
    {Reason::server_busy, 3},
    {Reason::quota_exceeded, 3},
    {Reason::connection_rate_exceeded, 3},
    {Reason::use_another_server, 3},
    {Reason::bad_user_name_or_password, 4},
    {Reason::bad_authentication_method, 4},
    {Reason::not_authorized, 5},
    {Reason::banned, 5},
    {Reason::malformed_packet, -1},
    {Reason::protocol_error, -1},
    {Reason::topic_name_invalid, -1},
};

TEST(MqttConnack, OfOlderVersionsHasAReturnCodeOrIsNotSent) {
  for (const ReturnCode& row : kReturnCodes) {
    SCOPED_TRACE(name(row.reason));
    Bytes out;
    const bool is_sent = encode_connack(out, {false, row.reason, {}}, Version::v311);
    ASSERT_EQ(is_sent, row.code >= 0);
    EXPECT_EQ(is_sent, connack_return_code(row.reason).has_value());
    if (!is_sent) {
      EXPECT_TRUE(out.empty());
      continue;
    }
    EXPECT_EQ(testing::text_of(out), testing::raw("2002 00") + static_cast<char>(row.code));
    const Reading reading(testing::text_of(out), Version::v311, Sender::server);
    ASSERT_EQ(reading.fault(), nullptr);
    EXPECT_EQ(is_failure(reading.as<Connack>().reason), row.code != 0);
  }
}

TEST(MqttConnack, SaysWhatTheServerCanDo) {
  const std::string bytes = packet(0x20, "01 00 {1100000e10 130000 2100ff 220010 2400 2500 2700010000 2800 2900 2a00}");
  const Reading reading(bytes, Version::v5, Sender::server);
  ASSERT_EQ(reading.fault(), nullptr) << what(reading.fault());
  const Connack& connack = reading.as<Connack>();
  EXPECT_TRUE(connack.session_present);
  EXPECT_EQ(connack.properties.session_expiry, Seconds(3600));
  EXPECT_TRUE(connack.properties.has(Property::server_keep_alive));
  EXPECT_EQ(connack.properties.server_keep_alive, Seconds(0));
  EXPECT_EQ(connack.properties.receive_maximum, 255);
  EXPECT_EQ(connack.properties.topic_alias_maximum, 16);
  EXPECT_EQ(connack.properties.maximum_qos, Qos::at_most_once);
  EXPECT_FALSE(connack.properties.retain_available);
  EXPECT_EQ(connack.properties.maximum_packet_size, 65'536U);
  EXPECT_FALSE(connack.properties.wildcard_subscription_available);
  EXPECT_FALSE(connack.properties.subscription_id_available);
  EXPECT_FALSE(connack.properties.shared_subscription_available);
  EXPECT_EQ(testing::written(reading.packet(), Version::v5).size(), bytes.size());
}

TEST(MqttConnack, IsWrittenWithWhatIsSet) {
  Connack connack;
  connack.properties.set(Property::assigned_client_id, "auto-1");
  connack.properties.set(Property::server_keep_alive, 60);
  connack.properties.set(Property::maximum_qos, 1);
  EXPECT_EQ(testing::written(connack, Version::v5), packet(0x20, "00 00 {13003c 2401 12<auto-1>}"));
  EXPECT_EQ(testing::written(connack, Version::v311), packet(0x20, "00 00"));
}

TEST(MqttConnack, Of31HasNoSessionPresent) {
  EXPECT_EQ(testing::written(Connack{true, Reason::success, {}}, Version::v31), packet(0x20, "00 00"));
  const Reading reading(packet(0x20, "01 00"), Version::v31, Sender::server);
  ASSERT_EQ(reading.fault(), nullptr);
  EXPECT_FALSE(reading.as<Connack>().session_present);
}

const Broken kBroken[] = {
    //= MQTT5 [MQTT-3.2.2-1] type=test
    {"reserved flags", Version::v5, Sender::server, packet(0x20, "02 00 00"), Reason::malformed_packet,
     "[MQTT-3.2.2-1]"},
    {"reserved flags of 3.1.1", Version::v311, Sender::server, packet(0x20, "80 00"), Reason::malformed_packet,
     "3.2.2.1"},
    //= MQTT5 [MQTT-3.2.2-6] type=test
    {"refused with a session", Version::v5, Sender::server, packet(0x20, "01 87 00"), Reason::protocol_error,
     "[MQTT-3.2.2-6]"},
    //= MQTT311 [MQTT-3.2.2-4] type=test
    {"refused with a session in 3.1.1", Version::v311, Sender::server, packet(0x20, "01 05"), Reason::protocol_error,
     "[MQTT-3.2.2-4]"},
    //= MQTT5 [MQTT-3.2.2-8] type=test
    {"a code of others", Version::v5, Sender::server, packet(0x20, "00 8e 00"), Reason::protocol_error,
     "[MQTT-3.2.2-8]"},
    {"a code of nobody", Version::v311, Sender::server, packet(0x20, "00 06"), Reason::protocol_error, "3.2.2.3"},
    {"no properties", Version::v5, Sender::server, packet(0x20, "00 00"), Reason::malformed_packet, "2.2.2.1"},
    {"no code", Version::v5, Sender::server, packet(0x20, "00"), Reason::malformed_packet, "2.1.4"},
    {"something behind", Version::v5, Sender::server, packet(0x20, "00 00 00 00"), Reason::malformed_packet, "2.1.4"},
    {"from a client", Version::v5, Sender::client, packet(0x20, "00 00 00"), Reason::protocol_error, "2.1.2"},
};

TEST(MqttConnack, IsRefusedForTheReasonTheStandardNames) {
  for (const Broken& row : kBroken) testing::expect_broken(row);
}

}  // namespace
}  // namespace holdfast::wire::mqtt
