#include "wire/mqtt/mqtt_testing.h"

namespace holdfast::wire::mqtt {
namespace {

using testing::Broken;
using testing::packet;
using testing::Reading;
using testing::text_of;
using testing::what;

// A whole CONNECT, which says the same when it is written again. Keeps what the values point into.
class Whole {
 public:
  // The version of the packet goes before the one given here.
  explicit Whole(const std::string& packet) : reading_(packet, Version::v311, Sender::client) {
    EXPECT_EQ(reading_.fault(), nullptr) << what(reading_.fault());
    EXPECT_EQ(testing::written(reading_.packet(), (*this)->version), packet);
    testing::expect_safe_at_every_cut(packet, (*this)->version, Sender::client);
  }
  const Connect* operator->() const { return &reading_.as<Connect>(); }
  const Connect& operator*() const { return reading_.as<Connect>(); }

 private:
  Reading reading_;
};

TEST(MqttConnect, SaysItsVersion) {
  EXPECT_EQ(Whole(packet(0x10, "<MQIsdp> 03 02 003c <c>"))->version, Version::v31);
  EXPECT_EQ(Whole(packet(0x10, "<MQTT> 04 02 003c <c>"))->version, Version::v311);
  EXPECT_EQ(Whole(packet(0x10, "<MQTT> 05 02 003c 00 <c>"))->version, Version::v5);
}

TEST(MqttConnect, HasWhatItsFlagsAnnounce) {
  const std::string bytes = packet(0x10, "<MQTT> 04 ee ffff <client> <will/topic> <gone> <user> <secret>");
  const Whole whole(bytes);
  const Connect& connect = *whole;
  EXPECT_TRUE(connect.clean_start);
  EXPECT_EQ(connect.keep_alive, Seconds(65'535));
  EXPECT_EQ(connect.client_id, "client");
  ASSERT_TRUE(connect.will);
  EXPECT_EQ(connect.will->topic, "will/topic");
  EXPECT_EQ(text_of(connect.will->payload), "gone");
  EXPECT_EQ(connect.will->qos, Qos::at_least_once);
  EXPECT_TRUE(connect.will->retain);
  EXPECT_EQ(connect.user_name, "user");
  ASSERT_TRUE(connect.password);
  EXPECT_EQ(text_of(*connect.password), "secret");
}

TEST(MqttConnect, Of5HasPropertiesOfItsOwnAndOfItsWill) {
  const std::string bytes = packet(0x10,
                                   "<MQTT> 05 34 000a {11ffffffff 210014 2700010000 220005 1901 1700}"
                                   " <> {1800000005} <w> <>");
  const Reading reading(bytes, Version::v311, Sender::client);
  ASSERT_EQ(reading.fault(), nullptr) << what(reading.fault());
  const Connect& connect = reading.as<Connect>();
  EXPECT_FALSE(connect.clean_start);
  EXPECT_EQ(connect.properties.session_expiry, kNever);
  EXPECT_EQ(connect.properties.receive_maximum, 20);
  EXPECT_EQ(connect.properties.maximum_packet_size, 65'536U);
  EXPECT_EQ(connect.properties.topic_alias_maximum, 5);
  EXPECT_TRUE(connect.properties.request_response_information);
  EXPECT_FALSE(connect.properties.request_problem_information);
  ASSERT_TRUE(connect.will);
  EXPECT_EQ(connect.will->qos, Qos::exactly_once);
  EXPECT_EQ(connect.will->properties.will_delay, Seconds(5));
  EXPECT_TRUE(connect.will->payload.empty());
}

// What is not said is what the standard says for it.
TEST(MqttConnect, Of5WithoutPropertiesHasTheDefaults) {
  const Whole whole(packet(0x10, "<MQTT> 05 02 0000 00 <>"));
  const Connect& connect = *whole;
  EXPECT_EQ(connect.properties.present, 0U);
  EXPECT_EQ(connect.properties.session_expiry, Seconds(0));
  EXPECT_EQ(connect.properties.receive_maximum, 65'535);
  EXPECT_EQ(connect.properties.maximum_packet_size, 0U);
  EXPECT_EQ(connect.properties.topic_alias_maximum, 0);
  EXPECT_TRUE(connect.properties.request_problem_information);
  EXPECT_FALSE(connect.properties.request_response_information);
  EXPECT_FALSE(connect.will);
  EXPECT_FALSE(connect.user_name);
  EXPECT_FALSE(connect.password);
}

TEST(MqttConnect, Of5MayHaveAPasswordAlone) {
  const Whole connect(packet(0x10, "<MQTT> 05 42 0000 00 <c> <token>"));
  EXPECT_FALSE(connect->user_name);
  EXPECT_TRUE(connect->password);
}

//= MQTT311 [MQTT-3.1.3-6] type=test
TEST(MqttConnect, Of311MayComeWithoutAClientIdForACleanSession) {
  EXPECT_EQ(Whole(packet(0x10, "<MQTT> 04 02 0000 <>"))->client_id, "");
}

// The length of the packet goes before the flags of MQTT 3.1, which has no rules for flags without a will either.
TEST(MqttConnect, Of31MayLackTheUserNameItAnnounces) {
  for (const char* spec : {"<MQIsdp> 03 c2 003c <c>", "<MQIsdp> 03 82 003c <c>", "<MQIsdp> 03 2b 003c <c>"}) {
    const Reading reading(packet(0x10, spec), Version::v31, Sender::client);
    ASSERT_EQ(reading.fault(), nullptr) << what(reading.fault());
    EXPECT_FALSE(reading.as<Connect>().user_name);
    EXPECT_FALSE(reading.as<Connect>().will);
  }
  const Reading reading(packet(0x10, "<MQIsdp> 03 c2 003c <c> <u>"), Version::v31, Sender::client);
  ASSERT_EQ(reading.fault(), nullptr);
  EXPECT_EQ(reading.as<Connect>().user_name, "u");
  EXPECT_FALSE(reading.as<Connect>().password);
}

TEST(MqttConnect, Of31MayHaveALongClientId) {
  const std::string id(64, 'c');
  EXPECT_EQ(Whole(packet(0x10, "<MQIsdp> 03 02 003c <" + id + ">"))->client_id, id);
}

struct Refused {
  const char* name;
  std::string packet;
  Version answer_in;
  Reason reason;
  std::string_view clause;
};

const Refused kRefused[] = {
    //= MQTT5 [MQTT-3.1.2-1] type=test
    //= MQTT311 [MQTT-3.1.2-1] type=test
    {"another protocol", packet(0x10, "<HTTP> 04 02 003c <c>"), Version::v311, Reason::unsupported_protocol_version,
     "[MQTT-3.1.2-1]"},
    {"lower case", packet(0x10, "<mqtt> 05 02 003c 00 <c>"), Version::v311, Reason::unsupported_protocol_version,
     "[MQTT-3.1.2-1]"},
    //= MQTT5 [MQTT-3.1.2-2] type=test
    //= MQTT311 [MQTT-3.1.2-2] type=test
    {"level 3 of MQTT", packet(0x10, "<MQTT> 03 02 003c <c>"), Version::v311, Reason::unsupported_protocol_version,
     "[MQTT-3.1.2-2]"},
    {"level 6", packet(0x10, "<MQTT> 06 02 003c 00 <c>"), Version::v5, Reason::unsupported_protocol_version,
     "[MQTT-3.1.2-2]"},
    {"level 4 of MQIsdp", packet(0x10, "<MQIsdp> 04 02 003c <c>"), Version::v311, Reason::unsupported_protocol_version,
     "[MQTT-3.1.2-2]"},
    {"a bridge of 3.1.1", packet(0x10, "<MQTT> 84 02 003c <c>"), Version::v311, Reason::unsupported_protocol_version,
     "[MQTT-3.1.2-2]"},
    {"flags of the fixed header", packet(0x11, "<MQTT> 05 02 003c 00 <c>"), Version::v5, Reason::malformed_packet,
     "[MQTT-2.1.3-1]"},
    //= MQTT5 [MQTT-3.1.2-3] type=test
    {"reserved flag", packet(0x10, "<MQTT> 05 03 003c 00 <c>"), Version::v5, Reason::malformed_packet,
     "[MQTT-3.1.2-3]"},
    //= MQTT311 [MQTT-3.1.2-3] type=test
    {"reserved flag of 3.1.1", packet(0x10, "<MQTT> 04 03 003c <c>"), Version::v311, Reason::malformed_packet,
     "[MQTT-3.1.2-3]"},
    //= MQTT5 [MQTT-3.1.2-11] type=test
    {"will QoS without a will", packet(0x10, "<MQTT> 05 0a 003c 00 <c>"), Version::v5, Reason::malformed_packet,
     "[MQTT-3.1.2-11]"},
    //= MQTT311 [MQTT-3.1.2-11] type=test
    //= MQTT311 [MQTT-3.1.2-13] type=test
    {"will QoS without a will in 3.1.1", packet(0x10, "<MQTT> 04 12 003c <c>"), Version::v311, Reason::malformed_packet,
     "[MQTT-3.1.2-13]"},
    //= MQTT5 [MQTT-3.1.2-12] type=test
    {"will of QoS 3", packet(0x10, "<MQTT> 05 1e 003c 00 <c> 00 <w> <>"), Version::v5, Reason::malformed_packet,
     "[MQTT-3.1.2-12]"},
    //= MQTT311 [MQTT-3.1.2-14] type=test
    {"will of QoS 3 in 3.1.1", packet(0x10, "<MQTT> 04 1e 003c <c> <w> <>"), Version::v311, Reason::malformed_packet,
     "[MQTT-3.1.2-14]"},
    //= MQTT5 [MQTT-3.1.2-13] type=test
    {"will retain without a will", packet(0x10, "<MQTT> 05 22 003c 00 <c>"), Version::v5, Reason::malformed_packet,
     "[MQTT-3.1.2-13]"},
    //= MQTT311 [MQTT-3.1.2-15] type=test
    {"will retain without a will in 3.1.1", packet(0x10, "<MQTT> 04 22 003c <c>"), Version::v311,
     Reason::malformed_packet, "[MQTT-3.1.2-15]"},
    //= MQTT311 [MQTT-3.1.2-22] type=test
    {"password alone in 3.1.1", packet(0x10, "<MQTT> 04 42 003c <c> <p>"), Version::v311, Reason::malformed_packet,
     "[MQTT-3.1.2-22]"},
    //= MQTT311 [MQTT-3.1.3-7] type=test
    //= MQTT311 [MQTT-3.1.3-8] type=test
    {"no client id, session kept", packet(0x10, "<MQTT> 04 00 003c <>"), Version::v311,
     Reason::client_identifier_not_valid, "[MQTT-3.1.3-8]"},
    {"no client id in 3.1", packet(0x10, "<MQIsdp> 03 02 003c <>"), Version::v31, Reason::client_identifier_not_valid,
     "[MQTT-3.1.3-8]"},
    //= MQTT5 [MQTT-3.1.3-3] type=test
    //= MQTT311 [MQTT-3.1.3-3] type=test
    {"no client id field", packet(0x10, "<MQTT> 05 02 003c 00"), Version::v5, Reason::malformed_packet, "2.1.4"},
    //= MQTT5 [MQTT-3.1.3-4] type=test
    {"client id not UTF-8", packet(0x10, "<MQTT> 05 02 003c 00 0001 ff"), Version::v5, Reason::malformed_packet,
     "[MQTT-1.5.4-1]"},
    //= MQTT311 [MQTT-3.1.3-4] type=test
    {"client id not UTF-8 in 3.1.1", packet(0x10, "<MQTT> 04 02 003c 0001 ff"), Version::v311, Reason::malformed_packet,
     "[MQTT-1.5.3-1]"},
    //= MQTT5 [MQTT-3.1.2-9] type=test
    {"will without its fields", packet(0x10, "<MQTT> 05 06 003c 00 <c>"), Version::v5, Reason::malformed_packet,
     "2.2.2.1"},
    //= MQTT311 [MQTT-3.1.2-9] type=test
    {"will without its fields in 3.1.1", packet(0x10, "<MQTT> 04 06 003c <c>"), Version::v311, Reason::malformed_packet,
     "2.4"},
    {"will without its payload", packet(0x10, "<MQTT> 05 06 003c 00 <c> 00 <w>"), Version::v5, Reason::malformed_packet,
     "2.1.4"},
    //= MQTT5 [MQTT-3.1.3-11] type=test
    {"will topic not UTF-8", packet(0x10, "<MQTT> 05 06 003c 00 <c> 00 0001 80 <>"), Version::v5,
     Reason::malformed_packet, "[MQTT-1.5.4-1]"},
    //= MQTT311 [MQTT-3.1.3-10] type=test
    {"will topic not UTF-8 in 3.1.1", packet(0x10, "<MQTT> 04 06 003c <c> 0001 80 <>"), Version::v311,
     Reason::malformed_packet, "[MQTT-1.5.3-1]"},
    {"will topic with a wildcard", packet(0x10, "<MQTT> 05 06 003c 00 <c> 00 <a/+> <>"), Version::v5,
     Reason::topic_name_invalid, "[MQTT-3.3.2-2]"},
    {"will topic empty", packet(0x10, "<MQTT> 05 06 003c 00 <c> 00 <> <>"), Version::v5, Reason::topic_name_invalid,
     "[MQTT-4.7.3-1]"},
    //= MQTT5 [MQTT-3.1.2-17] type=test
    {"user name missing", packet(0x10, "<MQTT> 05 82 003c 00 <c>"), Version::v5, Reason::malformed_packet, "2.1.4"},
    //= MQTT311 [MQTT-3.1.2-19] type=test
    {"user name missing in 3.1.1", packet(0x10, "<MQTT> 04 82 003c <c>"), Version::v311, Reason::malformed_packet,
     "2.4"},
    //= MQTT5 [MQTT-3.1.2-19] type=test
    {"password missing", packet(0x10, "<MQTT> 05 c2 003c 00 <c> <u>"), Version::v5, Reason::malformed_packet, "2.1.4"},
    //= MQTT311 [MQTT-3.1.2-21] type=test
    {"password missing in 3.1.1", packet(0x10, "<MQTT> 04 c2 003c <c> <u>"), Version::v311, Reason::malformed_packet,
     "2.4"},
    //= MQTT5 [MQTT-3.1.3-12] type=test
    {"user name not UTF-8", packet(0x10, "<MQTT> 05 82 003c 00 <c> 0001 c0"), Version::v5, Reason::malformed_packet,
     "[MQTT-1.5.4-1]"},
    //= MQTT311 [MQTT-3.1.3-11] type=test
    {"user name not UTF-8 in 3.1.1", packet(0x10, "<MQTT> 04 82 003c <c> 0001 c0"), Version::v311,
     Reason::malformed_packet, "[MQTT-1.5.3-1]"},
    //= MQTT5 [MQTT-3.1.2-16] type=test
    //= MQTT5 [MQTT-3.1.2-18] type=test
    //= MQTT5 [MQTT-3.1.3-1] type=test
    {"a user name that is not announced", packet(0x10, "<MQTT> 05 02 003c 00 <c> <u>"), Version::v5,
     Reason::malformed_packet, "2.1.4"},
    //= MQTT311 [MQTT-3.1.2-18] type=test
    //= MQTT311 [MQTT-3.1.2-20] type=test
    //= MQTT311 [MQTT-3.1.3-1] type=test
    {"a user name that is not announced in 3.1.1", packet(0x10, "<MQTT> 04 02 003c <c> <u>"), Version::v311,
     Reason::malformed_packet, "2.2.3"},
    {"a password that is not announced", packet(0x10, "<MQTT> 05 82 003c 00 <c> <u> <p>"), Version::v5,
     Reason::malformed_packet, "2.1.4"},
    {"empty", packet(0x10, ""), Version::v311, Reason::malformed_packet, "2.4"},
    {"padded length in MQTT 5", testing::raw("10 8e00 <MQTT> 05 02 003c 00 <c>"), Version::v5, Reason::malformed_packet,
     "[MQTT-1.5.5-1]"},
};

//= MQTT5 [MQTT-3.1.4-1] type=test
//= MQTT311 [MQTT-3.1.4-1] type=test
TEST(MqttConnect, IsRefusedForTheReasonTheStandardNames) {
  for (const Refused& row : kRefused) {
    testing::expect_broken({row.name, row.answer_in, Sender::client, row.packet, row.reason, row.clause});
    const Reading reading(row.packet, Version::v5, Sender::client);
    EXPECT_EQ(reading.as<Connect>().version, row.answer_in) << row.name;
  }
}

TEST(MqttConnect, IsNotSentByAServer) {
  testing::expect_broken(
      {"", Version::v5, Sender::server, packet(0x10, "<MQTT> 05 02 003c 00 <c>"), Reason::protocol_error, "2.1.2"});
}

}  // namespace
}  // namespace holdfast::wire::mqtt
