#include "wire/mqtt/cursor.h"
#include "wire/mqtt/decode_begin.h"
#include "wire/mqtt/decode_properties.h"
#include "wire/mqtt/rule.h"
#include "wire/mqtt/text.h"

namespace holdfast::wire::mqtt {
namespace {

//= MQTT5 [MQTT-4.7.3-1]
//= MQTT311 [MQTT-4.7.3-1]
constexpr Rule kNoTopic{Reason::topic_name_invalid, "MQTT311 [MQTT-4.7.3-1]", "MQTT5 [MQTT-4.7.3-1]",
                        "the topic name is empty"};
constexpr Fault kNoTopicNorAlias{Reason::protocol_error, "MQTT5 3.3.2.1", "neither a topic name nor a Topic Alias"};
constexpr Fault kAckReason{Reason::protocol_error, "MQTT5 3.4.2.1", "a reason code that this packet has not"};

}  // namespace

//= MQTT5 [MQTT-3.3.2-1]
//= MQTT5 [MQTT-2.2.1-2]
//= MQTT311 [MQTT-3.3.2-1]
//= MQTT311 [MQTT-2.3.1-5]
const Fault* decode_publish(const Header& header, Body body, Version version, Sender sender,
                            Publish& publish) noexcept {
  if (const Fault* fault = begin(header, body, version, sender)) return fault;
  publish.dup = (header.flags & 0b1000) != 0;
  publish.qos = static_cast<Qos>((header.flags >> 1) & 0b11);
  publish.retain = (header.flags & 0b0001) != 0;
  publish.packet_id = 0;
  clear(publish.properties);

  Cursor cursor(body);
  if (!cursor.take(publish.topic)) return broken(kCutShort, version);
  if (const Fault* fault = check_topic(publish.topic, version)) return fault;
  if (publish.qos != Qos::at_most_once) {
    if (!cursor.take(publish.packet_id)) return broken(kCutShort, version);
    //= MQTT5 [MQTT-2.2.1-3]
    //= MQTT5 [MQTT-2.2.1-4]
    //= MQTT311 [MQTT-2.3.1-1]
    if (publish.packet_id == 0) return broken(kIdZero, version);
  }
  if (version == Version::v5) {
    const auto whose = sender == Sender::client ? PropertiesOf::publish_of_client : PropertiesOf::publish_of_server;
    if (const Fault* fault = take_properties(cursor, whose, publish.properties)) return fault;
    if (publish.topic.empty() && !publish.properties.has(Property::topic_alias)) return &kNoTopicNorAlias;
  } else if (publish.topic.empty()) {
    return broken(kNoTopic, version);
  }
  publish.payload = cursor.rest();
  return nullptr;
}

const Fault* decode_ack(const Header& header, Body body, Version version, Ack& ack) noexcept {
  if (const Fault* fault = begin(header, body, version, Sender::client)) return fault;
  ack.type = header.type;
  ack.reason = Reason::success;
  clear(ack.properties);
  Cursor cursor(body);
  if (!cursor.take(ack.packet_id)) return broken(kCutShort, version);
  //= MQTT5 [MQTT-2.2.1-5]
  if (ack.packet_id == 0) return broken(kIdZero, version);
  // The reason and the properties are left out from the end on: MQTT5 3.4.2.1, 3.4.2.2.1.
  std::uint8_t reason = 0;
  if (!cursor.take(reason)) return nullptr;
  ack.reason = static_cast<Reason>(reason);
  //= MQTT5 [MQTT-3.4.2-1]
  //= MQTT5 [MQTT-3.5.2-1]
  //= MQTT5 [MQTT-3.6.2-1]
  //= MQTT5 [MQTT-3.7.2-1]
  if (!may_say(ack.type, Sender::client, ack.reason)) return &kAckReason;
  if (cursor.at_end()) return nullptr;
  if (const Fault* fault = take_properties(cursor, PropertiesOf::ack, ack.properties)) return fault;
  return cursor.at_end() ? nullptr : broken(kTooLong, version);
}

}  // namespace holdfast::wire::mqtt
