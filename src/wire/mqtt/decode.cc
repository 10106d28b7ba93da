#include "wire/mqtt/decode.h"

#include <optional>

#include "wire/mqtt/rule.h"
#include "wire/mqtt/varint.h"

namespace holdfast::wire::mqtt {
namespace {

constexpr Fault kLengthTooLong{Reason::malformed_packet, "MQTT5 1.5.5", "the remaining length has more than 4 bytes"};
constexpr Fault kLengthPadded{Reason::malformed_packet, "MQTT5 [MQTT-1.5.5-1]",
                              "the remaining length has more bytes than it needs"};
constexpr Rule kTypeZero{Reason::malformed_packet, "MQTT311 2.2.1", "MQTT5 2.1.2", "packet type 0"};
constexpr Rule kNoAuth{Reason::malformed_packet, "MQTT311 2.2.1", "MQTT5 2.1.2",
                       "packet type 15, which came with MQTT 5"};
//= MQTT5 [MQTT-2.1.3-1]
//= MQTT5 [MQTT-3.6.1-1]
//= MQTT5 [MQTT-3.8.1-1]
//= MQTT5 [MQTT-3.10.1-1]
//= MQTT5 [MQTT-3.14.1-1]
//= MQTT5 [MQTT-3.15.1-1]
//= MQTT311 [MQTT-2.2.2-1]
//= MQTT311 [MQTT-2.2.2-2]
//= MQTT311 [MQTT-3.6.1-1]
//= MQTT311 [MQTT-3.8.1-1]
//= MQTT311 [MQTT-3.10.1-1]
//= MQTT311 [MQTT-3.14.1-1]
constexpr Rule kFlags{Reason::malformed_packet, "MQTT311 [MQTT-2.2.2-2]", "MQTT5 [MQTT-2.1.3-1]",
                      "reserved flags of the fixed header"};
//= MQTT5 [MQTT-3.3.1-4]
//= MQTT311 [MQTT-3.3.1-4]
constexpr Rule kQos3{Reason::malformed_packet, "MQTT311 [MQTT-3.3.1-4]", "MQTT5 [MQTT-3.3.1-4]", "a PUBLISH of QoS 3"};
//= MQTT5 [MQTT-3.3.1-2]
//= MQTT311 [MQTT-3.3.1-2]
constexpr Rule kDup{Reason::malformed_packet, "MQTT311 [MQTT-3.3.1-2]", "MQTT5 [MQTT-3.3.1-2]",
                    "a PUBLISH of QoS 0 with DUP"};
constexpr Rule kDirection{Reason::protocol_error, "MQTT311 2.2.1", "MQTT5 2.1.2",
                          "a packet that this end does not send"};
constexpr Rule kFixedLength{Reason::malformed_packet, "MQTT311 2.2.3", "MQTT5 2.1.4",
                            "a length that this packet cannot have"};

constexpr std::uint8_t kClient = 1;
constexpr std::uint8_t kServer = 2;
constexpr std::uint8_t kBoth = kClient | kServer;

// What the first byte and the length of a packet may be.
struct Shape {
  std::uint8_t flags = 0;
  std::uint8_t senders_v3 = 0;
  std::uint8_t senders_v5 = 0;
  std::optional<std::uint8_t> body_bytes_v3;  // where it is always the same
  std::optional<std::uint8_t> body_bytes_v5;
};

//= MQTT5 2.1.2
//= MQTT311 2.2.1
constexpr Shape kShapes[] = {
    {},
    {0b0000, kClient, kClient, {}, {}},  // CONNECT
    {0b0000, kServer, kServer, 2, {}},   // CONNACK
    {0b0000, kBoth, kBoth, {}, {}},      // PUBLISH: has flags of its own
    {0b0000, kBoth, kBoth, 2, {}},       // PUBACK
    {0b0000, kBoth, kBoth, 2, {}},       // PUBREC
    {0b0010, kBoth, kBoth, 2, {}},       // PUBREL
    {0b0000, kBoth, kBoth, 2, {}},       // PUBCOMP
    {0b0010, kClient, kClient, {}, {}},  // SUBSCRIBE
    {0b0000, kServer, kServer, {}, {}},  // SUBACK
    {0b0010, kClient, kClient, {}, {}},  // UNSUBSCRIBE
    {0b0000, kServer, kServer, 2, {}},   // UNSUBACK
    {0b0000, kClient, kClient, 0, 0},    // PINGREQ
    {0b0000, kServer, kServer, 0, 0},    // PINGRESP
    {0b0000, kClient, kBoth, 0, {}},     // DISCONNECT
    {0b0000, 0, kBoth, {}, {}},          // AUTH
};

const Fault* check_publish_flags(std::uint8_t flags, Version version) {
  if ((flags & 0b0110) == 0b0110) return broken(kQos3, version);
  // MQTT 3.1 does not say what DUP means without a QoS.
  if ((flags & 0b1110) == 0b1000 && version != Version::v31) return broken(kDup, version);
  return nullptr;
}

}  // namespace

HeaderRead read_header(std::span<const std::byte> input) noexcept {
  if (input.empty()) return {};
  const auto first = std::to_integer<std::uint8_t>(input[0]);
  if (first < 0x10) return {HeaderStatus::malformed, {}, &kTypeZero.v5};
  const Varint length = read_varint(input.subspan(1));
  if (length.status == VarintStatus::more) return {};
  if (length.status == VarintStatus::too_long) return {HeaderStatus::malformed, {}, &kLengthTooLong};
  const auto header_bytes = static_cast<std::uint8_t>(1 + length.bytes);
  return {HeaderStatus::ok,
          {static_cast<PacketType>(first >> 4), static_cast<std::uint8_t>(first & 0x0f), header_bytes, length.value},
          nullptr};
}

const Fault* check_header(const Header& header, Version version, Sender sender) noexcept {
  //= MQTT5 [MQTT-1.5.5-1]
  const bool is_v5 = version == Version::v5;
  if (is_v5 && std::size_t{header.header_bytes} - 1 > varint_bytes(header.body_bytes)) return &kLengthPadded;
  if (header.type == PacketType::publish) return check_publish_flags(header.flags, version);

  const Shape& shape = kShapes[static_cast<std::size_t>(header.type) % std::size(kShapes)];
  if (header.type == PacketType::auth && !is_v5) return broken(kNoAuth, version);
  // MQTT 3.1 does not use the flags of these, or wants DUP and QoS 1 in some of them.
  if (header.flags != shape.flags && version != Version::v31) return broken(kFlags, version);
  const std::uint8_t senders = is_v5 ? shape.senders_v5 : shape.senders_v3;
  if ((senders & (sender == Sender::client ? kClient : kServer)) == 0) return broken(kDirection, version);
  const auto& body_bytes = is_v5 ? shape.body_bytes_v5 : shape.body_bytes_v3;
  if (body_bytes && *body_bytes != header.body_bytes) return broken(kFixedLength, version);
  return nullptr;
}

const Fault* decode(const Header& header, Body body, Version version, Sender sender, Packet& packet) noexcept {
  if (header.type != PacketType::connect) {
    if (const Fault* fault = check_header(header, version, sender)) return fault;
  }
  switch (header.type) {
    case PacketType::connect:
      if (sender == Sender::server) return broken(kDirection, version);
      return decode_connect(header, body, packet.emplace<Connect>());
    case PacketType::connack: return decode_connack(header, body, version, packet.emplace<Connack>());
    case PacketType::publish: return decode_publish(header, body, version, sender, packet.emplace<Publish>());
    case PacketType::puback:
    case PacketType::pubrec:
    case PacketType::pubrel:
    case PacketType::pubcomp: return decode_ack(header, body, version, packet.emplace<Ack>());
    case PacketType::subscribe: return decode_subscribe(header, body, version, packet.emplace<Subscribe>());
    case PacketType::suback: return decode_suback(header, body, version, packet.emplace<Suback>());
    case PacketType::unsubscribe: return decode_unsubscribe(header, body, version, packet.emplace<Unsubscribe>());
    case PacketType::unsuback: return decode_unsuback(header, body, version, packet.emplace<Unsuback>());
    case PacketType::pingreq:
    case PacketType::pingresp: return decode_ping(header, body, version, packet.emplace<Ping>());
    case PacketType::disconnect: return decode_disconnect(header, body, version, sender, packet.emplace<Disconnect>());
    case PacketType::auth: return decode_auth(header, body, version, sender, packet.emplace<Auth>());
  }
  return &kTypeZero.v5;
}

}  // namespace holdfast::wire::mqtt
