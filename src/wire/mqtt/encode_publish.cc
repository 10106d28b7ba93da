#include <array>

#include "wire/mqtt/encode_properties.h"

namespace holdfast::wire::mqtt {
namespace {

std::uint8_t first_byte_of(Qos qos, bool retain, bool dup) {
  const unsigned flags =
      static_cast<unsigned>(dup) << 3 | static_cast<unsigned>(qos) << 1 | static_cast<unsigned>(retain);
  return first_byte(PacketType::publish, flags);
}

// What a broker adds to the properties that came with the message, and those.
template <typename Sink>
void put_properties_of(Sink& sink, const PublishHead& head) {
  if (head.message_expiry) {
    sink.u8(static_cast<std::uint8_t>(Property::message_expiry));
    sink.u32(head.message_expiry->count());
  }
  if (head.topic_alias != 0) {
    sink.u8(static_cast<std::uint8_t>(Property::topic_alias));
    sink.u16(head.topic_alias);
  }
  for (const std::uint32_t id : head.subscription_ids) {
    sink.u8(static_cast<std::uint8_t>(Property::subscription_id));
    sink.varint(id);
  }
  sink.raw(head.forwarded);
}

template <typename Sink>
void put_head(Sink& sink, const PublishHead& head) {
  sink.field(head.topic);
  if (head.qos != Qos::at_most_once) sink.u16(head.packet_id);
  if (head.version != Version::v5) return;
  Counter counter;
  put_properties_of(counter, head);
  sink.varint(counter.bytes());
  put_properties_of(sink, head);
}

}  // namespace

std::size_t publish_bytes(const PublishHead& head, std::size_t payload_bytes) noexcept {
  Counter counter;
  put_head(counter, head);
  counter.follows(payload_bytes);
  return counter.fits() ? 1 + varint_bytes(counter.bytes()) + counter.bytes() : 0;
}

//= MQTT5 3.3
//= MQTT5 [MQTT-2.2.1-2]
//= MQTT311 [MQTT-2.3.1-5]
bool encode_publish_head(Bytes& out, const PublishHead& head, std::size_t payload_bytes) {
  const auto put = [&head](auto& sink) { put_head(sink, head); };
  return append_packet(out, first_byte_of(head.qos, head.retain, head.dup), put, payload_bytes);
}

bool encode_publish(Bytes& out, const Publish& publish, Version version) {
  const auto put = [&publish, version](auto& sink) {
    sink.field(publish.topic);
    if (publish.qos != Qos::at_most_once) sink.u16(publish.packet_id);
    put_with_length(sink, publish.properties, version);
    sink.raw(publish.payload);
  };
  return append_packet(out, first_byte_of(publish.qos, publish.retain, publish.dup), put);
}

//= MQTT5 3.4.2.1
// The reason may be left out of MQTT 5 when it is a success, and is: it is what happens all the time.
void encode_ack(Bytes& out, PacketType type, std::uint16_t packet_id, Reason reason, Version version) {
  const bool has_reason = version == Version::v5 && reason != Reason::success;
  const std::array bytes{std::byte{first_byte(type, type == PacketType::pubrel ? 0b0010 : 0)},
                         has_reason ? std::byte{3} : std::byte{2}, static_cast<std::byte>(packet_id >> 8),
                         static_cast<std::byte>(packet_id & 0xff), static_cast<std::byte>(reason)};
  out.insert(out.end(), bytes.begin(), bytes.end() - (has_reason ? 0 : 1));
}

bool encode_ack(Bytes& out, const Ack& ack, Version version) {
  if (version != Version::v5 || ack.properties.present == 0) {
    encode_ack(out, ack.type, ack.packet_id, ack.reason, version);
    return true;
  }
  const auto put = [&ack](auto& sink) {
    sink.u16(ack.packet_id);
    sink.u8(static_cast<std::uint8_t>(ack.reason));
    put_with_length(sink, ack.properties, Version::v5);
  };
  return append_packet(out, first_byte(ack.type, ack.type == PacketType::pubrel ? 0b0010 : 0), put);
}

}  // namespace holdfast::wire::mqtt
