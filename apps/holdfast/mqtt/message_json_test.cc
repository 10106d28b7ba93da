#include "mqtt/message_json.h"

#include <gtest/gtest.h>

#include <boost/json.hpp>

#include "mqtt/text.h"
#include "wire/mqtt/decode.h"
#include "wire/mqtt/encode.h"

namespace holdfast::app {
namespace {

namespace mqtt = wire::mqtt;
using mqtt::Property;

// As it would come out of a broker: encoded, with these subscription identifiers, and decoded again.
std::string json_of(const mqtt::Publish& message, std::span<const std::uint32_t> ids = {}) {
  mqtt::Bytes forwarded;
  mqtt::append_forwarded(forwarded, message.properties);
  mqtt::Bytes bytes;
  const mqtt::PublishHead head{.version = mqtt::Version::v5,
                               .qos = message.qos,
                               .retain = message.retain,
                               .dup = message.dup,
                               .packet_id = message.packet_id,
                               .topic = message.topic,
                               .forwarded = forwarded,
                               .subscription_ids = ids,
                               .message_expiry = message.properties.has(Property::message_expiry)
                                                     ? std::optional(message.properties.message_expiry)
                                                     : std::nullopt,
                               .topic_alias = message.properties.topic_alias};
  EXPECT_TRUE(mqtt::encode_publish_head(bytes, head, message.payload.size()));
  bytes.insert(bytes.end(), message.payload.begin(), message.payload.end());
  const mqtt::Header header = mqtt::read_header(bytes).header;
  mqtt::Publish decoded;
  EXPECT_EQ(mqtt::decode_publish(header, std::span(bytes).subspan(header.header_bytes), mqtt::Version::v5,
                                 mqtt::Sender::server, decoded),
            nullptr);
  return boost::json::serialize(message_json(decoded, control::WallTime{}));
}

TEST(MessageJson, HasEverythingAlsoWhenThereIsNothing) {
  EXPECT_EQ(json_of({.topic = "a/b", .payload = as_bytes("21.5"), .properties = {}}),
            R"({"at":"1970-01-01T00:00:00.000Z","topic":"a/b","qos":0,"retain":false,"dup":false,"packet_id":null,)"
            R"("payload":"21.5","properties":{},"user_properties":[],"subscription_ids":[]})");
}

TEST(MessageJson, HasAllProperties) {
  mqtt::Bytes user_properties;
  ASSERT_TRUE(mqtt::append_user_property(user_properties, "a", "1"));
  ASSERT_TRUE(mqtt::append_user_property(user_properties, "a", "\"2\""));
  mqtt::Publish message{.qos = mqtt::Qos::exactly_once,
                        .retain = true,
                        .dup = true,
                        .packet_id = 7,
                        .topic = "t",
                        .payload = as_bytes("\x01\xff"),
                        .properties = {}};
  message.properties.set(Property::payload_format, std::uint32_t{0});
  message.properties.set(Property::message_expiry, std::uint32_t{60});
  message.properties.set(Property::content_type, std::string_view("text/plain"));
  message.properties.set(Property::response_topic, std::string_view("r"));
  message.properties.set(Property::correlation_data, as_bytes("\xfe"));
  message.properties.set(Property::topic_alias, std::uint32_t{3});
  message.properties.set_user_properties(user_properties);
  const std::uint32_t ids[] = {1, 268'435'455};
  EXPECT_EQ(json_of(message, ids),
            R"({"at":"1970-01-01T00:00:00.000Z","topic":"t","qos":2,"retain":true,"dup":true,"packet_id":7,)"
            R"("payload_base64":"Af8=","properties":{"payload_format":"bytes","message_expiry_seconds":60,)"
            R"("content_type":"text/plain","response_topic":"r","correlation_data_base64":"/g==","topic_alias":3},)"
            R"("user_properties":[{"name":"a","value":"1"},{"name":"a","value":"\"2\""}],)"
            R"("subscription_ids":[1,268435455]})");
}

}  // namespace
}  // namespace holdfast::app
