#include "wire/mqtt/mqtt_testing.h"

namespace holdfast::wire::mqtt {
namespace {

using testing::Broken;
using testing::packet;
using testing::Reading;
using testing::what;

TEST(MqttSubscribe, ListsFiltersWithTheirOptions) {
  const std::string bytes = packet(0x82, "0010 02 0b05 <a/+/#> 2e <$share/g/t> 01 <b> 10");
  const Reading reading(bytes, Version::v5, Sender::client);
  ASSERT_EQ(reading.fault(), nullptr) << what(reading.fault());
  const Subscribe& subscribe = reading.as<Subscribe>();
  EXPECT_EQ(subscribe.packet_id, 16);
  EXPECT_EQ(subscribe.properties.subscription_id, 5U);
  ASSERT_EQ(subscribe.filters.count(), 3U);
  auto at = subscribe.filters.begin();
  EXPECT_EQ((*at).filter, "a/+/#");
  EXPECT_EQ((*at).options, (FilterOptions{Qos::exactly_once, true, true, RetainHandling::do_not_send}));
  ++at;
  EXPECT_EQ((*at).filter, "$share/g/t");
  EXPECT_EQ((*at++).options, FilterOptions{Qos::at_least_once});
  EXPECT_EQ((*at).options.retain_handling, RetainHandling::send_if_new);
  EXPECT_EQ(++at, subscribe.filters.end());
  EXPECT_EQ(testing::written(reading.packet(), Version::v5), bytes);
  testing::expect_safe_at_every_cut(bytes, Version::v5, Sender::client);
}

TEST(MqttSubscribe, OfOlderVersionsHasOnlyAQos) {
  const std::string bytes = packet(0x82, "0001 <a> 00 <b> 02");
  for (const Version version : {Version::v31, Version::v311}) {
    const Reading reading(bytes, version, Sender::client);
    ASSERT_EQ(reading.fault(), nullptr) << what(reading.fault());
    EXPECT_EQ(reading.as<Subscribe>().filters.count(), 2U);
    EXPECT_EQ(testing::written(reading.packet(), version), bytes);
  }
  Bytes filters;
  ASSERT_TRUE(append_filter(filters, "a", {Qos::at_most_once, true}));
  Subscribe subscribe{1, FilterList(filters, FilterList::Kind::with_options), {}};
  Bytes out;
  EXPECT_FALSE(encode_subscribe(out, subscribe, Version::v311));
  EXPECT_TRUE(encode_subscribe(out, subscribe, Version::v5));
}

TEST(MqttSubscribe, IsTakenBackByFilter) {
  Bytes filters;
  ASSERT_TRUE(append_filter(filters, "a/#"));
  ASSERT_TRUE(append_filter(filters, "b"));
  const Unsubscribe unsubscribe{7, FilterList(filters, FilterList::Kind::without_options), {}};
  EXPECT_EQ(testing::written(unsubscribe, Version::v5), packet(0xa2, "0007 00 <a/#> <b>"));
  const std::string bytes = testing::written(unsubscribe, Version::v311);
  EXPECT_EQ(bytes, packet(0xa2, "0007 <a/#> <b>"));
  const Reading reading(bytes, Version::v311, Sender::client);
  ASSERT_EQ(reading.fault(), nullptr) << what(reading.fault());
  std::string all;
  for (const Filter& each : reading.as<Unsubscribe>().filters) all += std::string(each.filter) + ' ';
  EXPECT_EQ(all, "a/# b ");
  testing::expect_safe_at_every_cut(bytes, Version::v311, Sender::client);
}

// Bytes that nobody has looked at are walked safely.
TEST(MqttSubscribe, FiltersEndBeforeWhatDoesNotFit) {
  const std::string bytes = testing::raw("<a> 00 0005 'bc'");
  const FilterList list(testing::bytes_of(bytes), FilterList::Kind::with_options);
  EXPECT_EQ(list.count(), 2U);
  EXPECT_EQ(FilterList().count(), 0U);
}

const Broken kBroken[] = {
    //= MQTT5 [MQTT-3.8.3-2] type=test
    {"no filter", Version::v5, Sender::client, packet(0x82, "0001 00"), Reason::protocol_error, "[MQTT-3.8.3-2]"},
    //= MQTT311 [MQTT-3.8.3-3] type=test
    {"no filter in 3.1.1", Version::v311, Sender::client, packet(0x82, "0001"), Reason::protocol_error,
     "[MQTT-3.8.3-3]"},
    {"packet id 0", Version::v5, Sender::client, packet(0x82, "0000 00 <a> 00"), Reason::protocol_error,
     "[MQTT-2.2.1-3]"},
    {"packet id 0 in 3.1.1", Version::v311, Sender::client, packet(0x82, "0000 <a> 00"), Reason::protocol_error,
     "[MQTT-2.3.1-1]"},
    {"no packet id", Version::v311, Sender::client, packet(0x82, "00"), Reason::malformed_packet, "2.4"},
    {"no options", Version::v5, Sender::client, packet(0x82, "0001 00 <a>"), Reason::malformed_packet, "2.1.4"},
    {"filter too long for the packet", Version::v5, Sender::client, packet(0x82, "0001 00 0004 'abc'"),
     Reason::malformed_packet, "2.1.4"},
    //= MQTT5 [MQTT-4.7.3-1] type=test
    {"empty filter", Version::v5, Sender::client, packet(0x82, "0001 00 <> 00"), Reason::topic_filter_invalid,
     "[MQTT-4.7.3-1]"},
    //= MQTT5 [MQTT-3.8.3-1] type=test
    {"filter not UTF-8", Version::v5, Sender::client, packet(0x82, "0001 00 0001ff 00"), Reason::malformed_packet,
     "[MQTT-1.5.4-1]"},
    //= MQTT311 [MQTT-3.8.3-1] type=test
    {"filter not UTF-8 in 3.1.1", Version::v311, Sender::client, packet(0x82, "0001 0001ff 00"),
     Reason::malformed_packet, "[MQTT-1.5.3-1]"},
    //= MQTT5 [MQTT-3.8.3-5] type=test
    {"reserved option 6", Version::v5, Sender::client, packet(0x82, "0001 00 <a> 40"), Reason::malformed_packet,
     "[MQTT-3.8.3-5]"},
    {"reserved option 7 of the second", Version::v5, Sender::client, packet(0x82, "0001 00 <a> 00 <b> 80"),
     Reason::malformed_packet, "[MQTT-3.8.3-5]"},
    //= MQTT311 [MQTT-3-8.3-4] type=test
    {"options of MQTT 5 in 3.1.1", Version::v311, Sender::client, packet(0x82, "0001 <a> 04"), Reason::malformed_packet,
     "[MQTT-3-8.3-4]"},
    {"QoS 3 in 3.1.1", Version::v311, Sender::client, packet(0x82, "0001 <a> 03"), Reason::malformed_packet,
     "[MQTT-3-8.3-4]"},
    //= MQTT5 3.8.3.1 type=test
    {"QoS 3", Version::v5, Sender::client, packet(0x82, "0001 00 <a> 03"), Reason::protocol_error, "3.8.3.1"},
    {"Retain Handling 3", Version::v5, Sender::client, packet(0x82, "0001 00 <a> 30"), Reason::protocol_error,
     "3.8.3.1"},
    //= MQTT5 [MQTT-3.8.3-4] type=test
    {"No Local on a shared one", Version::v5, Sender::client, packet(0x82, "0001 00 <$share/g/a> 04"),
     Reason::protocol_error, "[MQTT-3.8.3-4]"},
    //= MQTT5 3.8.2.1.2 type=test
    {"subscription id 0", Version::v5, Sender::client, packet(0x82, "0001 02 0b00 <a> 00"), Reason::protocol_error,
     "3.8.2.1.2"},
    {"two subscription ids", Version::v5, Sender::client, packet(0x82, "0001 04 0b01 0b02 <a> 00"),
     Reason::protocol_error, "2.2.2.2"},
    {"subscription id of five bytes", Version::v5, Sender::client, packet(0x82, "0001 06 0b8080808001 <a> 00"),
     Reason::malformed_packet, "2.2.2.2"},
    //= MQTT5 [MQTT-3.10.3-2] type=test
    {"unsubscribe nothing", Version::v5, Sender::client, packet(0xa2, "0001 00"), Reason::protocol_error,
     "[MQTT-3.10.3-2]"},
    //= MQTT311 [MQTT-3.10.3-2] type=test
    {"unsubscribe nothing in 3.1.1", Version::v311, Sender::client, packet(0xa2, "0001"), Reason::protocol_error,
     "[MQTT-3.10.3-2]"},
    {"unsubscribe with packet id 0", Version::v5, Sender::client, packet(0xa2, "0000 00 <a>"), Reason::protocol_error,
     "[MQTT-2.2.1-3]"},
    //= MQTT5 [MQTT-3.10.3-1] type=test
    {"unsubscribe not UTF-8", Version::v5, Sender::client, packet(0xa2, "0001 00 0001 00"), Reason::malformed_packet,
     "[MQTT-1.5.4-2]"},
    //= MQTT311 [MQTT-3.10.3-1] type=test
    {"unsubscribe not UTF-8 in 3.1.1", Version::v311, Sender::client, packet(0xa2, "0001 0001 80"),
     Reason::malformed_packet, "[MQTT-1.5.3-1]"},
    {"unsubscribe an empty filter", Version::v5, Sender::client, packet(0xa2, "0001 00 <>"),
     Reason::topic_filter_invalid, "[MQTT-4.7.3-1]"},
    {"unsubscribe with options", Version::v5, Sender::client, packet(0xa2, "0001 00 <a> 00"), Reason::malformed_packet,
     "2.1.4"},
    {"SUBSCRIBE of a server", Version::v5, Sender::server, packet(0x82, "0001 00 <a> 00"), Reason::protocol_error,
     "2.1.2"},
};

TEST(MqttSubscribe, IsRefusedForTheReasonTheStandardNames) {
  for (const Broken& row : kBroken) testing::expect_broken(row);
}

TEST(MqttSuback, HasACodeForEachFilter) {
  constexpr Reason kCodes[] = {Reason::granted_qos_0, Reason::granted_qos_2, Reason::quota_exceeded};
  const Suback suback{3, std::as_bytes(std::span(kCodes)), {}};
  EXPECT_EQ(testing::written(suback, Version::v5), packet(0x90, "0003 00 00 02 97"));
  const std::string older = packet(0x90, "0003 00 02 80");
  EXPECT_EQ(testing::written(suback, Version::v311), older);
  const Reading reading(older, Version::v311, Sender::server);
  ASSERT_EQ(reading.fault(), nullptr) << what(reading.fault());
  EXPECT_EQ(reading.as<Suback>().codes.size(), 3U);
  EXPECT_EQ(reading.as<Suback>().code(2), Reason::unspecified_error);
}

TEST(MqttUnsuback, HasCodesOnlyInMqtt5) {
  constexpr Reason kCodes[] = {Reason::success, Reason::no_subscription_existed};
  const Unsuback unsuback{4, std::as_bytes(std::span(kCodes)), {}};
  for (const auto& [version, want] :
       {std::pair(Version::v5, packet(0xb0, "0004 00 00 11")), std::pair(Version::v311, packet(0xb0, "0004"))}) {
    EXPECT_EQ(testing::written(unsuback, version), want);
    const Reading reading(want, version, Sender::server);
    ASSERT_EQ(reading.fault(), nullptr) << what(reading.fault());
    testing::expect_safe_at_every_cut(want, version, Sender::server);
  }
}

struct Codes {
  PacketType type;
  Version version;
  const char* codes;
};

//= MQTT5 [MQTT-3.9.3-2] type=test
//= MQTT5 [MQTT-3.11.3-2] type=test
//= MQTT311 [MQTT-3.9.3-2] type=test
TEST(MqttSuback, HasOnlyTheCodesOfItsType) {
  for (const Codes& row : {Codes{PacketType::suback, Version::v5, "00 01 02 80 83 87 8f 91 97 9e a1 a2"},
                           {PacketType::unsuback, Version::v5, "00 11 80 83 87 8f 91"},
                           {PacketType::suback, Version::v311, "00 01 02 80"}}) {
    const std::string codes = testing::raw(row.codes);
    const std::string head = testing::raw(row.version == Version::v5 ? "0001 00" : "0001");
    for (unsigned code = 0; code < 256; ++code) {
      const std::string bytes =
          testing::packet_of(static_cast<unsigned>(row.type) << 4, head + static_cast<char>(code));
      const Reading reading(bytes, row.version, Sender::server);
      const bool is_code = codes.find(static_cast<char>(code)) != std::string::npos;
      ASSERT_EQ(reading.fault() == nullptr, is_code) << name(row.type) << code;
      if (!is_code) {
        EXPECT_EQ(reading.fault()->reason, Reason::protocol_error);
      }
    }
  }
}

TEST(MqttSuback, IsRefusedWithoutACode) {
  for (const unsigned first : {0x90U, 0xb0U}) {
    testing::expect_broken(
        {"", Version::v5, Sender::server, packet(first, "0001 00"), Reason::malformed_packet, "3.9.3"});
    testing::expect_broken(
        {"", Version::v5, Sender::server, packet(first, "0000 00 00"), Reason::protocol_error, "[MQTT-2.2.1-3]"});
  }
}

}  // namespace
}  // namespace holdfast::wire::mqtt
