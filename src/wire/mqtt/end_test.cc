// PINGREQ, PINGRESP, DISCONNECT and AUTH, and what is said of reasons.
#include "wire/mqtt/mqtt_testing.h"

namespace holdfast::wire::mqtt {
namespace {

using testing::Broken;
using testing::packet;
using testing::Reading;
using testing::what;

TEST(MqttPing, IsTwoBytes) {
  for (const Version version : testing::kAllVersions) {
    const Reading request(packet(0xc0, ""), version, Sender::client);
    ASSERT_EQ(request.fault(), nullptr);
    EXPECT_EQ(testing::written(request.packet(), version), packet(0xc0, ""));
    const Reading response(packet(0xd0, ""), version, Sender::server);
    ASSERT_EQ(response.fault(), nullptr);
    EXPECT_EQ(testing::written(response.packet(), version), packet(0xd0, ""));
  }
}

TEST(MqttDisconnect, HasAReasonOnlyInMqtt5) {
  for (const Version version : testing::kAllVersions) {
    const Reading reading(packet(0xe0, ""), version, Sender::client);
    ASSERT_EQ(reading.fault(), nullptr) << what(reading.fault());
    EXPECT_EQ(reading.as<Disconnect>().reason, Reason::normal_disconnection);
    EXPECT_EQ(testing::written(reading.packet(), version), packet(0xe0, ""));
  }
  const std::string with_will = packet(0xe0, "04");
  const Reading reading(with_will, Version::v5, Sender::client);
  ASSERT_EQ(reading.fault(), nullptr);
  EXPECT_EQ(reading.as<Disconnect>().reason, Reason::disconnect_with_will);
  EXPECT_EQ(testing::written(reading.packet(), Version::v5), with_will);
  EXPECT_EQ(testing::written(reading.packet(), Version::v311), packet(0xe0, ""));
}

TEST(MqttDisconnect, HasProperties) {
  const std::string of_client = packet(0xe0, "00 {1100000000}");
  const Reading client(of_client, Version::v5, Sender::client);
  ASSERT_EQ(client.fault(), nullptr) << what(client.fault());
  EXPECT_TRUE(client.as<Disconnect>().properties.has(Property::session_expiry));
  EXPECT_EQ(testing::written(client.packet(), Version::v5), of_client);

  const std::string of_server = packet(0xe0, "9c {1c<b:1883> 1f<bye>}");
  const Reading server(of_server, Version::v5, Sender::server);
  ASSERT_EQ(server.fault(), nullptr) << what(server.fault());
  EXPECT_EQ(server.as<Disconnect>().reason, Reason::use_another_server);
  EXPECT_EQ(server.as<Disconnect>().properties.server_reference, "b:1883");
  EXPECT_EQ(testing::written(server.packet(), Version::v5), of_server);
  testing::expect_safe_at_every_cut(of_server, Version::v5, Sender::server);
}

//= MQTT5 [MQTT-3.14.2-1] type=test
//= MQTT5 [MQTT-3.15.2-1] type=test
TEST(MqttDisconnect, AndAuthHaveOnlyTheCodesOfTheirEnd) {
  struct Codes {
    unsigned first;
    Sender sender;
    const char* codes;
    const char* behind;
  };
  constexpr const char* kOfClient = "00 04 80 81 82 83 90 93 94 95 96 97 98 99";
  constexpr const char* kOfServer =
      "00 80 81 82 83 87 89 8b 8c 8d 8e 8f 90 93 94 95 96 97 98 99 9a 9b 9c 9d 9e 9f a0 a1 a2";
  for (const Codes& row : {Codes{0xe0, Sender::client, kOfClient, ""},
                           {0xe0, Sender::server, kOfServer, ""},
                           {0xf0, Sender::client, "18 19", "06 15<abc>"},
                           {0xf0, Sender::server, "00 18", "06 15<abc>"}}) {
    const std::string codes = testing::raw(row.codes);
    for (unsigned code = 0; code < 256; ++code) {
      const std::string body = static_cast<char>(code) + testing::raw(row.behind);
      const Reading reading(testing::packet_of(row.first, body), Version::v5, row.sender);
      const bool is_code = codes.find(static_cast<char>(code)) != std::string::npos;
      ASSERT_EQ(reading.fault() == nullptr, is_code) << row.first << ' ' << code << what(reading.fault());
      if (!is_code) {
        EXPECT_EQ(reading.fault()->reason, Reason::protocol_error);
      }
    }
  }
}

TEST(MqttAuth, HasAMethodAndData) {
  const std::string cut = packet(0xf0, "18 0e 15<SCRAM> 16<data>");  // a property length of one too few
  const std::string whole = packet(0xf0, "18 {15<SCRAM> 16<data>}");
  EXPECT_NE(Reading(cut, Version::v5, Sender::client).fault(), nullptr);
  const Reading reading(whole, Version::v5, Sender::client);
  ASSERT_EQ(reading.fault(), nullptr) << what(reading.fault());
  EXPECT_EQ(reading.as<Auth>().reason, Reason::continue_authentication);
  EXPECT_EQ(reading.as<Auth>().properties.auth_method, "SCRAM");
  EXPECT_EQ(testing::text_of(reading.as<Auth>().properties.auth_data), "data");
  EXPECT_EQ(testing::written(reading.packet(), Version::v5), whole);
  testing::expect_safe_at_every_cut(whole, Version::v5, Sender::client);
  Bytes out;
  EXPECT_FALSE(encode(out, reading.packet(), Version::v311));
}

TEST(MqttAuth, OfASuccessMayBeEmpty) {
  EXPECT_EQ(Reading(packet(0xf0, ""), Version::v5, Sender::server).fault(), nullptr);
}

const Broken kBroken[] = {
    {"PINGREQ with a body", Version::v5, Sender::client, packet(0xc0, "00"), Reason::malformed_packet, "2.1.4"},
    {"PINGRESP of a client", Version::v311, Sender::client, packet(0xd0, ""), Reason::protocol_error, "2.2.1"},
    {"DISCONNECT of a server in 3.1.1", Version::v311, Sender::server, packet(0xe0, ""), Reason::protocol_error,
     "2.2.1"},
    {"DISCONNECT with a reason in 3.1.1", Version::v311, Sender::client, packet(0xe0, "00"), Reason::malformed_packet,
     "2.2.3"},
    {"something behind", Version::v5, Sender::client, packet(0xe0, "00 00 00"), Reason::malformed_packet, "2.1.4"},
    //= MQTT5 [MQTT-3.14.2-2] type=test
    {"session expiry of a server", Version::v5, Sender::server, packet(0xe0, "00 05 1100000001"),
     Reason::protocol_error, "[MQTT-3.14.2-2]"},
    {"AUTH in 3.1.1", Version::v311, Sender::client, packet(0xf0, ""), Reason::malformed_packet, "2.2.1"},
    {"AUTH of a client without a reason", Version::v5, Sender::client, packet(0xf0, ""), Reason::protocol_error,
     "[MQTT-3.15.2-1]"},
    //= MQTT5 3.15.2.2.2 type=test
    {"AUTH without properties", Version::v5, Sender::client, packet(0xf0, "18"), Reason::protocol_error, "3.15.2.2.2"},
    {"AUTH without a method", Version::v5, Sender::server, packet(0xf0, "18 04 1f<a>"), Reason::protocol_error,
     "3.15.2.2.2"},
    {"AUTH with data only", Version::v5, Sender::client, packet(0xf0, "18 04 16<a>"), Reason::protocol_error,
     "3.1.2.11.10"},
};

TEST(MqttDisconnect, AndOthersAreRefusedForTheReasonTheStandardNames) {
  for (const Broken& row : kBroken) testing::expect_broken(row);
}

TEST(MqttReason, HasTheWordsOfTheStandard) {
  EXPECT_STREQ(name(Reason::success), "Success");
  EXPECT_STREQ(name(Reason::topic_filter_invalid), "Topic Filter invalid");
  EXPECT_STREQ(name(static_cast<Reason>(0x55)), "");
  EXPECT_STREQ(name(PacketType::puback), "PUBACK");
  EXPECT_STREQ(name(PacketType::auth), "AUTH");
  EXPECT_STREQ(name(static_cast<PacketType>(200)), "");
  EXPECT_TRUE(is_failure(Reason::unspecified_error));
  EXPECT_FALSE(is_failure(Reason::re_authenticate));
}

}  // namespace
}  // namespace holdfast::wire::mqtt
