#include "wire/mqtt/encode.h"

#include "wire/mqtt/mqtt_testing.h"

namespace holdfast::wire::mqtt {
namespace {

using testing::bytes_of;
using testing::packet;
using testing::raw;
using testing::text_of;

struct Case {
  const char* name;
  PublishHead head;
  std::string want;  // with the payload "pay"
};

constexpr std::uint32_t kIds[] = {1, 16'383};

// Parts of a PublishHead that a row has besides the default.
PublishHead with(PublishHead head, std::string_view forwarded, std::optional<Seconds> expiry = {},
                 std::uint16_t alias = 0, std::span<const std::uint32_t> ids = {}) {
  head.forwarded = bytes_of(forwarded);
  head.message_expiry = expiry;
  head.topic_alias = alias;
  head.subscription_ids = ids;
  return head;
}

TEST(MqttEncode, OfAPublishHeadIsReadyForThePayload) {
  const std::string forwarded = raw("03<t>");
  const Case kCases[] = {
      {"QoS 0", {Version::v311, Qos::at_most_once, false, false, 7, "a/b"}, packet(0x30, "<a/b> 'pay'")},
      {"QoS 1 of 3.1", {Version::v31, Qos::at_least_once, true, false, 7, "t"}, packet(0x33, "<t> 0007 'pay'")},
      {"QoS 2 again", {Version::v311, Qos::exactly_once, false, true, 8, "t"}, packet(0x3c, "<t> 0008 'pay'")},
      {"nothing of MQTT 5 before it", with({Version::v311, {}, false, false, 0, "t"}, forwarded, Seconds(1), 1, kIds),
       packet(0x30, "<t> 'pay'")},
      {"MQTT 5", {Version::v5, Qos::at_most_once, false, false, 0, "t"}, packet(0x30, "<t> 00 'pay'")},
      {"forwarded", with({Version::v5, {}, false, false, 0, "t"}, forwarded), packet(0x30, "<t> {03<t>} 'pay'")},
      {"all", with({Version::v5, Qos::at_least_once, false, false, 9, "t"}, forwarded, Seconds(60), 5, kIds),
       packet(0x32, "<t> 0009 {02 0000003c 23 0005 0b01 0bff7f 03<t>} 'pay'")},
      {"alias instead of a topic", with({Version::v5, {}, false, false, 0, ""}, "", {}, 5),
       packet(0x30, "<> {23 0005} 'pay'")},
  };
  for (const Case& c : kCases) {
    SCOPED_TRACE(c.name);
    Bytes out(3);
    ASSERT_TRUE(encode_publish_head(out, c.head, 3));
    EXPECT_EQ(text_of(out).substr(3) + "pay", c.want);
    EXPECT_EQ(publish_bytes(c.head, 3), c.want.size());
    EXPECT_EQ(testing::Reading(c.want, c.head.version, Sender::server).fault(), nullptr);
  }
}

TEST(MqttEncode, RefusesWhatCannotBeSaid) {
  const std::string long_text(65'536, 'x');
  const std::string_view longest = std::string_view(long_text).substr(1);
  Bytes out(3);
  EXPECT_FALSE(encode_publish_head(out, {Version::v311, {}, false, false, 0, long_text}, 0));
  EXPECT_EQ(publish_bytes({Version::v311, {}, false, false, 0, long_text}, 0), 0U);
  EXPECT_FALSE(encode_publish_head(out, {Version::v311, {}, false, false, 0, "t"}, kBodyBytesMax - 2));
  EXPECT_FALSE(append_filter(out, long_text));
  EXPECT_FALSE(append_filter(out, long_text, {}));
  Connect connect;
  connect.client_id = long_text;
  EXPECT_FALSE(encode_connect(out, connect));
  connect.client_id = "c";
  connect.version = Version::v311;
  connect.password = bytes_of("p");
  EXPECT_FALSE(encode_connect(out, connect));
  Disconnect disconnect;
  disconnect.properties.set(Property::reason_string, std::string_view(long_text));
  EXPECT_FALSE(encode_disconnect(out, disconnect, Version::v5));
  EXPECT_TRUE(encode_disconnect(out, disconnect, Version::v311));
  EXPECT_EQ(out.size(), 3U + 2U);
  EXPECT_TRUE(encode_publish_head(out, {Version::v311, {}, false, false, 0, "t"}, kBodyBytesMax - 3));
  EXPECT_TRUE(encode_publish_head(out, {Version::v311, {}, false, false, 0, longest}, 0));
}

TEST(MqttEncode, WritesHeadersOfEveryLength) {
  for (const std::size_t body : {3U, 127U, 128U, 16'383U, 16'384U, 2'097'151U, 2'097'152U, kBodyBytesMax}) {
    Bytes out;
    ASSERT_TRUE(encode_publish_head(out, {Version::v311, {}, false, false, 0, "t"}, body - 3));
    const HeaderRead read = read_header(out);
    ASSERT_EQ(read.status, HeaderStatus::ok);
    EXPECT_EQ(read.header.body_bytes, body);
    EXPECT_EQ(check_header(read.header, Version::v5, Sender::client), nullptr);
  }
}

}  // namespace
}  // namespace holdfast::wire::mqtt
