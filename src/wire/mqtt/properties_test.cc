#include "wire/mqtt/properties.h"

#include "wire/mqtt/mqtt_testing.h"

namespace holdfast::wire::mqtt {
namespace {

using testing::packet;
using testing::raw;
using testing::Reading;
using testing::what;

// A packet that may have properties: what stands before and behind them.
struct Place {
  const char* name;
  Sender sender;
  unsigned first;
  const char* before;
  const char* behind;
};

constexpr Place kConnect{"CONNECT", Sender::client, 0x10, "<MQTT> 05 02 003c", "<c>"};
constexpr Place kWill{"Will", Sender::client, 0x10, "<MQTT> 05 06 003c 00 <c>", "<w> <p>"};
constexpr Place kPlaces[] = {
    kConnect,
    kWill,
    {"CONNACK", Sender::server, 0x20, "00 00", ""},
    {"PUBLISH", Sender::server, 0x30, "<t>", "'payload'"},
    {"PUBACK", Sender::client, 0x40, "0001 00", ""},
    {"PUBREC", Sender::client, 0x50, "0001 00", ""},
    {"PUBREL", Sender::client, 0x62, "0001 00", ""},
    {"PUBCOMP", Sender::client, 0x70, "0001 00", ""},
    {"SUBSCRIBE", Sender::client, 0x82, "0001", "<f> 00"},
    {"SUBACK", Sender::server, 0x90, "0001", "00"},
    {"UNSUBSCRIBE", Sender::client, 0xa2, "0001", "<f>"},
    {"UNSUBACK", Sender::server, 0xb0, "0001", "00"},
    {"DISCONNECT", Sender::client, 0xe0, "00", ""},
    {"AUTH", Sender::client, 0xf0, "18", ""},
};

std::string packet_with(const Place& place, std::string_view properties) {
  return testing::packet_of(place.first, raw(place.before) + testing::with_length(properties) + raw(place.behind));
}

struct Row {
  Property property;
  const char* encoded;  // with a value that is allowed
  std::string_view places;
};

//= MQTT5 2.2.2.2 type=test
// The table of the standard.
constexpr std::string_view kEverywhere =
    "CONNECT Will CONNACK PUBLISH PUBACK PUBREC PUBREL PUBCOMP SUBSCRIBE SUBACK UNSUBSCRIBE UNSUBACK DISCONNECT AUTH";
constexpr Row kRows[] = {
    {Property::payload_format, "01 01", "PUBLISH Will"},
    {Property::message_expiry, "02 00000001", "PUBLISH Will"},
    {Property::content_type, "03 <c>", "PUBLISH Will"},
    {Property::response_topic, "08 <r>", "PUBLISH Will"},
    {Property::correlation_data, "09 <d>", "PUBLISH Will"},
    {Property::subscription_id, "0b 01", "PUBLISH SUBSCRIBE"},
    {Property::session_expiry, "11 00000001", "CONNECT CONNACK DISCONNECT"},
    {Property::assigned_client_id, "12 <c>", "CONNACK"},
    {Property::server_keep_alive, "13 0001", "CONNACK"},
    {Property::auth_method, "15 <m>", "CONNECT CONNACK AUTH"},
    {Property::auth_data, "16 <d>", "CONNECT CONNACK AUTH"},
    {Property::request_problem_information, "17 00", "CONNECT"},
    {Property::will_delay, "18 00000001", "Will"},
    {Property::request_response_information, "19 01", "CONNECT"},
    {Property::response_information, "1a <i>", "CONNACK"},
    {Property::server_reference, "1c <s>", "CONNACK DISCONNECT"},
    {Property::reason_string, "1f <r>", "CONNACK PUBACK PUBREC PUBREL PUBCOMP SUBACK UNSUBACK DISCONNECT AUTH"},
    {Property::receive_maximum, "21 0001", "CONNECT CONNACK"},
    {Property::topic_alias_maximum, "22 0001", "CONNECT CONNACK"},
    {Property::topic_alias, "23 0001", "PUBLISH"},
    {Property::maximum_qos, "24 01", "CONNACK"},
    {Property::retain_available, "25 00", "CONNACK"},
    {Property::user_property, "26 <n><v>", kEverywhere},
    {Property::maximum_packet_size, "27 00000001", "CONNECT CONNACK"},
    {Property::wildcard_subscription_available, "28 00", "CONNACK"},
    {Property::subscription_id_available, "29 00", "CONNACK"},
    {Property::shared_subscription_available, "2a 00", "CONNACK"},
};

// As a word of its own: SUBSCRIBE is also in UNSUBSCRIBE.
bool names(std::string_view places, std::string_view place) {
  const std::string all = ' ' + std::string(places) + ' ';
  return all.find(' ' + std::string(place) + ' ') != std::string::npos;
}

// What has to stand beside a property for the packet to be whole.
std::string companion(const Place& place, Property property) {
  const bool is_auth = std::string_view(place.name) == "AUTH";
  const bool wants_method = is_auth || property == Property::auth_data;
  return wants_method && property != Property::auth_method ? raw("15 <m>") : "";
}

const Properties& properties_of(const Packet& packet, const Place& place) {
  if (std::string_view(place.name) == "Will") return std::get<Connect>(packet).will->properties;
  return std::visit(
      [](const auto& each) -> const Properties& {
        if constexpr (requires { each.properties; }) return each.properties;
        std::abort();
      },
      packet);
}

TEST(MqttProperties, AreAllowedWhereTheTableOfTheStandardSays) {
  for (const Place& place : kPlaces) {
    for (const Row& row : kRows) {
      SCOPED_TRACE(::testing::Message() << place.name << ' ' << row.encoded);
      const std::string bytes = packet_with(place, companion(place, row.property) + raw(row.encoded));
      const Reading reading(bytes, Version::v5, place.sender);
      testing::expect_safe_at_every_cut(bytes, Version::v5, place.sender);
      if (names(row.places, place.name)) {
        ASSERT_EQ(reading.fault(), nullptr) << what(reading.fault());
        EXPECT_TRUE(properties_of(reading.packet(), place).has(row.property));
        EXPECT_EQ(testing::written(reading.packet(), Version::v5), bytes);
      } else {
        ASSERT_NE(reading.fault(), nullptr);
        EXPECT_EQ(reading.fault()->reason, Reason::malformed_packet);
      }
    }
  }
}

TEST(MqttProperties, AreThereOnceButForUserProperties) {
  for (const Place& place : kPlaces) {
    for (const Row& row : kRows) {
      if (!names(row.places, place.name)) continue;
      SCOPED_TRACE(::testing::Message() << place.name << ' ' << row.encoded);
      const std::string once = companion(place, row.property) + raw(row.encoded);
      const Reading reading(packet_with(place, once + raw(row.encoded)), Version::v5, place.sender);
      const bool is_repeatable =
          row.property == Property::user_property ||
          (row.property == Property::subscription_id && std::string_view(place.name) == "PUBLISH");
      ASSERT_EQ(reading.fault() == nullptr, is_repeatable) << what(reading.fault());
      if (!is_repeatable) {
        EXPECT_EQ(reading.fault()->reason, Reason::protocol_error);
      }
    }
  }
}

// Whatever the identifier, and wherever a value is cut.
TEST(MqttProperties, ThatAreUnknownOrCutAreMalformed) {
  for (unsigned identifier = 0; identifier < 256; ++identifier) {
    const auto is_it = [identifier](const Row& row) { return static_cast<unsigned>(row.property) == identifier; };
    if (std::ranges::any_of(kRows, is_it)) continue;
    for (const Place& place : kPlaces) {
      const std::string bytes = packet_with(place, static_cast<char>(identifier) + raw("01 01 01 01"));
      const Reading reading(bytes, Version::v5, place.sender);
      ASSERT_NE(reading.fault(), nullptr) << place.name << identifier;
      EXPECT_EQ(reading.fault()->reason, Reason::malformed_packet);
    }
  }
  for (const Place& place : kPlaces) {
    for (const Row& row : kRows) {
      if (!names(row.places, place.name)) continue;
      const std::string encoded = raw(row.encoded);
      for (std::size_t cut = 1; cut < encoded.size(); ++cut) {
        const std::string bytes = packet_with(place, companion(place, row.property) + encoded.substr(0, cut));
        const Reading reading(bytes, Version::v5, place.sender);
        ASSERT_NE(reading.fault(), nullptr) << place.name << ' ' << row.encoded << ' ' << cut;
        EXPECT_EQ(reading.fault()->reason, Reason::malformed_packet);
      }
    }
  }
}

struct Value {
  const char* name;
  const Place& place;
  const char* properties;
  std::optional<Reason> reason;  // none: it is fine
};

constexpr Place kConnack{"CONNACK", Sender::server, 0x20, "00 00", ""};
constexpr Place kPublish{"PUBLISH", Sender::client, 0x30, "<t>", ""};
constexpr Place kSubscribe{"SUBSCRIBE", Sender::client, 0x82, "0001", "<f> 00"};

//= MQTT5 3.1.2.11 type=test
//= MQTT5 3.2.2.3 type=test
//= MQTT5 3.3.2.3 type=test
const Value kValues[] = {
    {"receive maximum 0", kConnect, "21 0000", Reason::protocol_error},
    {"receive maximum 0 of a server", kConnack, "21 0000", Reason::protocol_error},
    {"maximum packet size 0", kConnect, "27 00000000", Reason::protocol_error},
    {"maximum packet size 0 of a server", kConnack, "27 00000000", Reason::protocol_error},
    {"topic alias maximum 0", kConnect, "22 0000", {}},
    {"request problem information 2", kConnect, "17 02", Reason::protocol_error},
    {"request response information 2", kConnect, "19 02", Reason::protocol_error},
    {"authentication data alone", kConnect, "16 <d>", Reason::protocol_error},
    {"authentication data before its method", kConnect, "16 <d> 15 <m>", {}},
    {"maximum QoS 2", kConnack, "24 02", Reason::protocol_error},
    {"retain available 2", kConnack, "25 02", Reason::protocol_error},
    {"wildcards available 2", kConnack, "28 02", Reason::protocol_error},
    {"subscription ids available 2", kConnack, "29 ff", Reason::protocol_error},
    {"shared subscriptions available 2", kConnack, "2a 02", Reason::protocol_error},
    {"payload format 2", kPublish, "01 02", Reason::protocol_error},
    {"payload format 2 of a will", kWill, "01 02", Reason::protocol_error},
    {"largest subscription id", kSubscribe, "0b ffffff7f", {}},
    {"padded subscription id", kSubscribe, "0b 8100", Reason::malformed_packet},
    {"reason string with U+0000", kConnack, "1f 0001 00", Reason::malformed_packet},
    //= MQTT5 [MQTT-1.5.7-1] type=test
    {"user property with a bad name", kPublish, "26 0001 ff <v>", Reason::malformed_packet},
    {"user property with a bad value", kPublish, "26 <n> 0001 ff", Reason::malformed_packet},
    {"user property without a value", kPublish, "26 <n>", Reason::malformed_packet},
    {"user property of nothing", kPublish, "26 <> <>", {}},
    {"correlation data of any bytes", kPublish, "09 0003 ff00fe", {}},
};

TEST(MqttProperties, HaveOnlyTheValuesTheStandardAllows) {
  for (const Value& row : kValues) {
    SCOPED_TRACE(row.name);
    const Reading reading(packet_with(row.place, raw(row.properties)), Version::v5, row.place.sender);
    ASSERT_EQ(reading.fault() == nullptr, !row.reason) << what(reading.fault());
    if (row.reason) {
      EXPECT_EQ(reading.fault()->reason, *row.reason) << what(reading.fault());
    }
  }
}

TEST(MqttProperties, KeepUserPropertiesInTheirOrder) {
  Bytes encoded;
  ASSERT_TRUE(append_user_property(encoded, "a", "1"));
  ASSERT_TRUE(append_user_property(encoded, "a", "1"));
  ASSERT_TRUE(append_user_property(encoded, "", ""));
  EXPECT_FALSE(append_user_property(encoded, std::string(70'000, 'x'), ""));
  Properties properties;
  properties.set_user_properties(encoded);
  properties.set(Property::reason_string, "r");
  std::string all;
  for (const UserProperty& each : properties.user_properties()) {
    all.append(each.name).append("=").append(each.value).append(" ");
  }
  EXPECT_EQ(all, "a=1 a=1 = ");
  EXPECT_EQ(testing::written(Disconnect{Reason::success, properties}, Version::v5),
            packet(0xe0, "00 {1f<r> 26<a><1> 26<a><1> 26<><>}"));
  properties.set_user_properties({});
  EXPECT_FALSE(properties.has(Property::user_property));
}

TEST(MqttProperties, AreWalkedSafelyWhateverTheBytesAre) {
  for (const char* spec : {"", "26", "26 <a>", "26 <a> 00", "ff", "00", "0b", "0b80", "23 00", "01"}) {
    const std::string bytes = raw(spec);
    EXPECT_EQ(UserProperties(testing::bytes_of(bytes)).begin(), std::default_sentinel) << spec;
    EXPECT_EQ(SubscriptionIds(testing::bytes_of(bytes)).begin(), std::default_sentinel) << spec;
    const std::string behind = raw("26 <k><v>") + bytes;
    std::size_t count = 0;
    for (const UserProperty& each : UserProperties(testing::bytes_of(behind))) count += each.name.size();
    EXPECT_EQ(count, 1U) << spec;
  }
}

TEST(MqttProperties, ThatGoWithTheMessageAreHandedOn) {
  const std::string only = raw("0101 03<t> 26<a><b>");
  const std::string others = raw("230001 02 00000001");
  for (const bool has_others : {false, true}) {
    const std::string bytes = packet_with(kPublish, only + (has_others ? others : ""));
    const Reading reading(bytes, Version::v5, Sender::client);
    ASSERT_EQ(reading.fault(), nullptr) << what(reading.fault());
    const Properties& properties = reading.as<Publish>().properties;
    Bytes forwarded;
    append_forwarded(forwarded, properties);
    EXPECT_EQ(testing::text_of(forwarded), only);
    const auto as_they_came = forwarded_as_they_came(properties);
    ASSERT_EQ(as_they_came.has_value(), !has_others);
    if (as_they_came) {
      EXPECT_EQ(testing::text_of(*as_they_came), only);
    }
  }
  Properties made;
  made.set(Property::content_type, "t");
  EXPECT_FALSE(forwarded_as_they_came(made));
  EXPECT_TRUE(forwarded_as_they_came(Properties{}));
}

}  // namespace
}  // namespace holdfast::wire::mqtt
