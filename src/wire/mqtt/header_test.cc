#include "wire/mqtt/mqtt_testing.h"

namespace holdfast::wire::mqtt {
namespace {

using testing::bytes_of;
using testing::raw;

struct VarintCase {
  const char* name;
  const char* bytes;
  VarintStatus status;
  std::uint32_t value;
};

//= MQTT5 [MQTT-1.5.5-1] type=test
const VarintCase kVarints[] = {
    {"0", "00", VarintStatus::ok, 0},
    {"one byte, largest", "7f", VarintStatus::ok, 127},
    {"two bytes, smallest", "8001", VarintStatus::ok, 128},
    {"two bytes, largest", "ff7f", VarintStatus::ok, 16'383},
    {"three bytes, smallest", "808001", VarintStatus::ok, 16'384},
    {"three bytes, largest", "ffff7f", VarintStatus::ok, 2'097'151},
    {"four bytes, smallest", "80808001", VarintStatus::ok, 2'097'152},
    {"four bytes, largest", "ffffff7f", VarintStatus::ok, kVarintMax},
    {"five bytes", "8080808001", VarintStatus::too_long, 0},
    {"four bytes that go on", "ffffffff", VarintStatus::too_long, 0},
    {"nothing", "", VarintStatus::more, 0},
    {"one byte that goes on", "80", VarintStatus::more, 0},
    {"three bytes that go on", "ffffff", VarintStatus::more, 0},
    {"padded zero", "8000", VarintStatus::ok, 0},
    {"padded with three", "ff808000", VarintStatus::ok, 127},
};

TEST(MqttVarint, FollowsTheTableOfTheStandard) {
  for (const VarintCase& c : kVarints) {
    SCOPED_TRACE(c.name);
    const std::string bytes = raw(c.bytes);
    const Varint read = read_varint(bytes_of(bytes));
    EXPECT_EQ(read.status, c.status);
    EXPECT_EQ(read.value, c.value);
    EXPECT_EQ(read.bytes, c.status == VarintStatus::ok ? bytes.size() : 0);
    EXPECT_EQ(read.is_padded(), std::string_view(c.name).starts_with("padded"));
    if (c.status == VarintStatus::ok && !read.is_padded()) {
      EXPECT_EQ(testing::varint(c.value), bytes);
      EXPECT_EQ(varint_bytes(c.value), bytes.size());
    }
    for (std::size_t cut = 0; cut < std::min(bytes.size(), std::size_t{4}); ++cut) {
      EXPECT_EQ(read_varint(bytes_of(bytes).first(cut)).status, VarintStatus::more);
    }
  }
}

TEST(MqttHeader, IsReadFromAtMostFiveBytes) {
  const std::string bytes = raw("3d ffffff7f 00");
  for (std::size_t cut = 0; cut < kHeaderBytesMax; ++cut) {
    EXPECT_EQ(read_header(bytes_of(bytes).first(cut)).status, HeaderStatus::more);
  }
  for (const std::size_t all : {kHeaderBytesMax, bytes.size()}) {
    const HeaderRead read = read_header(bytes_of(bytes).first(all));
    ASSERT_EQ(read.status, HeaderStatus::ok);
    EXPECT_EQ(read.header.type, PacketType::publish);
    EXPECT_EQ(read.header.flags, 0x0d);
    EXPECT_EQ(read.header.header_bytes, 5);
    EXPECT_EQ(read.header.body_bytes, kBodyBytesMax);
    EXPECT_EQ(read.header.packet_bytes(), std::size_t{kBodyBytesMax} + 5);
  }
}

//= MQTT5 2.1.2 type=test
//= MQTT311 2.2.1 type=test
TEST(MqttHeader, IsMalformedAsSoonAsItShows) {
  for (const char* bytes : {"00", "0f", "30 80808080", "c0 ffffffff"}) {
    SCOPED_TRACE(bytes);
    const HeaderRead read = read_header(bytes_of(raw(bytes)));
    ASSERT_EQ(read.status, HeaderStatus::malformed);
    EXPECT_EQ(read.fault->reason, Reason::malformed_packet);
  }
}

struct Expected {
  PacketType type;
  std::uint8_t flags;
  bool from_client;
  bool from_server;
  std::uint32_t body_bytes;  // one that no version refuses
};

constexpr Expected kExpected[] = {
    {PacketType::connect, 0, true, false, 12},    {PacketType::connack, 0, false, true, 2},
    {PacketType::puback, 0, true, true, 2},       {PacketType::pubrec, 0, true, true, 2},
    {PacketType::pubrel, 2, true, true, 2},       {PacketType::pubcomp, 0, true, true, 2},
    {PacketType::subscribe, 2, true, false, 8},   {PacketType::suback, 0, false, true, 3},
    {PacketType::unsubscribe, 2, true, false, 8}, {PacketType::unsuback, 0, false, true, 2},
    {PacketType::pingreq, 0, true, false, 0},     {PacketType::pingresp, 0, false, true, 0},
    {PacketType::disconnect, 0, true, true, 0},   {PacketType::auth, 0, true, true, 0},
};

//= MQTT5 [MQTT-2.1.3-1] type=test
//= MQTT5 [MQTT-3.6.1-1] type=test
//= MQTT5 [MQTT-3.8.1-1] type=test
//= MQTT5 [MQTT-3.10.1-1] type=test
//= MQTT5 [MQTT-3.14.1-1] type=test
//= MQTT5 [MQTT-3.15.1-1] type=test
//= MQTT311 [MQTT-2.2.2-1] type=test
//= MQTT311 [MQTT-2.2.2-2] type=test
//= MQTT311 [MQTT-3.6.1-1] type=test
//= MQTT311 [MQTT-3.8.1-1] type=test
//= MQTT311 [MQTT-3.10.1-1] type=test
//= MQTT311 [MQTT-3.14.1-1] type=test
TEST(MqttHeader, HasTheFlagsAndTheSenderOfItsType) {
  for (const Expected& row : kExpected) {
    for (std::uint8_t flags = 0; flags < 16; ++flags) {
      for (const Version version : {Version::v311, Version::v5}) {
        for (const Sender sender : {Sender::client, Sender::server}) {
          SCOPED_TRACE(::testing::Message() << name(row.type) << ' ' << int{flags} << ' ' << int(version));
          const Fault* fault = check_header({row.type, flags, 2, row.body_bytes}, version, sender);
          const bool is_known = version == Version::v5 || row.type != PacketType::auth;
          bool may_send = sender == Sender::client ? row.from_client : row.from_server;
          // Before MQTT 5 a server just closes.
          if (version != Version::v5 && row.type == PacketType::disconnect) may_send = sender == Sender::client;
          ASSERT_EQ(fault == nullptr, is_known && flags == row.flags && may_send) << testing::what(fault);
          if (fault == nullptr) continue;
          const bool is_malformed = !is_known || flags != row.flags;
          EXPECT_EQ(fault->reason, is_malformed ? Reason::malformed_packet : Reason::protocol_error);
        }
      }
    }
  }
}

// MQTT 3.1 has DUP in packets that were sent again, and leaves flags unused elsewhere.
TEST(MqttHeader, Of31MayHaveFlagsThatAreNotUsed) {
  for (const std::uint8_t flags : {std::uint8_t{0x02}, std::uint8_t{0x0a}}) {
    EXPECT_EQ(check_header({PacketType::subscribe, flags, 2, 8}, Version::v31, Sender::client), nullptr);
    EXPECT_EQ(check_header({PacketType::pubrel, flags, 2, 2}, Version::v31, Sender::client), nullptr);
  }
  EXPECT_EQ(check_header({PacketType::publish, 0x08, 2, 8}, Version::v31, Sender::client), nullptr);
}

//= MQTT5 [MQTT-3.3.1-4] type=test
//= MQTT5 [MQTT-3.3.1-2] type=test
//= MQTT311 [MQTT-3.3.1-4] type=test
//= MQTT311 [MQTT-3.3.1-2] type=test
TEST(MqttHeader, OfPublishHasFlagsOfItsOwn) {
  for (const Version version : {Version::v311, Version::v5}) {
    for (std::uint8_t flags = 0; flags < 16; ++flags) {
      const int qos = flags >> 1 & 3;
      const bool is_dup = (flags & 8) != 0;
      for (const Sender sender : {Sender::client, Sender::server}) {
        const Fault* fault = check_header({PacketType::publish, flags, 2, 8}, version, sender);
        ASSERT_EQ(fault == nullptr, qos != 3 && (qos != 0 || !is_dup)) << int{flags};
        if (fault != nullptr) {
          EXPECT_EQ(fault->reason, Reason::malformed_packet);
        }
      }
    }
  }
}

//= MQTT5 [MQTT-1.5.5-1] type=test
TEST(MqttHeader, IsNotPaddedInMqtt5) {
  const HeaderRead read = read_header(bytes_of(raw("c0 8000")));
  ASSERT_EQ(read.status, HeaderStatus::ok);
  EXPECT_EQ(check_header(read.header, Version::v31, Sender::client), nullptr);
  EXPECT_EQ(check_header(read.header, Version::v311, Sender::client), nullptr);
  const Fault* fault = check_header(read.header, Version::v5, Sender::client);
  ASSERT_NE(fault, nullptr);
  EXPECT_EQ(fault->reason, Reason::malformed_packet);
  EXPECT_STREQ(fault->clause, "MQTT5 [MQTT-1.5.5-1]");
}

TEST(MqttHeader, OfAFixedSizePacketHasThatLength) {
  struct Case {
    PacketType type;
    std::uint8_t flags;
    Sender sender;
    std::uint32_t body_bytes;
  };
  for (const Case& c : {Case{PacketType::puback, 0, Sender::client, 3},
                        {PacketType::pubrel, 2, Sender::client, 1},
                        {PacketType::disconnect, 0, Sender::client, 1},
                        {PacketType::connack, 0, Sender::server, 3},
                        {PacketType::unsuback, 0, Sender::server, 3}}) {
    const Fault* fault = check_header({c.type, c.flags, 2, c.body_bytes}, Version::v311, c.sender);
    ASSERT_NE(fault, nullptr);
    EXPECT_EQ(fault->reason, Reason::malformed_packet);
    EXPECT_EQ(check_header({c.type, c.flags, 2, c.body_bytes}, Version::v5, c.sender), nullptr);
  }
  for (const Version version : testing::kAllVersions) {
    EXPECT_NE(check_header({PacketType::pingreq, 0, 2, 1}, version, Sender::client), nullptr);
    EXPECT_NE(check_header({PacketType::pingresp, 0, 2, 1}, version, Sender::server), nullptr);
  }
}

}  // namespace
}  // namespace holdfast::wire::mqtt
