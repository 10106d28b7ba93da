// wire/mqtt/encode.h: packets to bytes, for MQTT 3.1, 3.1.1 and 5.0, both directions.
//
// Thread: pure functions. Cost: appended to the end of `out`, which allocates only when it has to grow: keep one and
//         clear it. Payloads are not copied, except by encode() of a whole packet.
// Errors: false, and nothing appended, when the packet cannot be said: a text above 65,535 bytes, a body above
//         268,435,455, or something the version has no way to say. What the values mean is not judged again.
//
// Properties are left out of the versions that have none. Reason String and user properties are for the caller to leave
// out where the peer's Maximum Packet Size or its Request Problem Information wants it (MQTT5 3.1.2.11.7): compare the
// growth of `out`, cut it back, and encode again without.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "wire/mqtt/packets.h"

namespace holdfast::wire::mqtt {

using Bytes = std::vector<std::byte>;

// The PUBLISH that a broker writes, ready for its payload to follow.
struct PublishHead {
  Version version = Version::v5;
  Qos qos = Qos::at_most_once;
  bool retain = false;
  bool dup = false;
  std::uint16_t packet_id = 0;  // written when the QoS is not 0
  std::string_view topic;
  // MQTT 5 only.
  std::span<const std::byte> forwarded = {};  // encoded, without a length: see append_forwarded()
  std::span<const std::uint32_t> subscription_ids = {};
  std::optional<Seconds> message_expiry = std::nullopt;  // what is left of it
  std::uint16_t topic_alias = 0;                         // 0: none
};

// The packet's whole size, for the peer's Maximum Packet Size; 0 when it cannot be said.
[[nodiscard]] std::size_t publish_bytes(const PublishHead& head, std::size_t payload_bytes) noexcept;
[[nodiscard]] bool encode_publish_head(Bytes& out, const PublishHead& head, std::size_t payload_bytes);
// The whole packet with its payload: for clients and tools.
[[nodiscard]] bool encode_publish(Bytes& out, const Publish& publish, Version version);

// Those of `properties` that go with the message to its subscribers (kForwarded), in PublishHead::forwarded's form.
void append_forwarded(Bytes& out, const Properties& properties);
// The same without copying: properties.block, when nothing else is in it.
[[nodiscard]] std::optional<std::span<const std::byte>> forwarded_as_they_came(const Properties& properties) noexcept;

[[nodiscard]] bool encode_connect(Bytes& out, const Connect& connect);

// The return code of a CONNACK before MQTT 5; nothing where there is none for it and the connection is to be closed
// without a CONNACK (MQTT311 [MQTT-3.2.2-6]).
[[nodiscard]] std::optional<std::uint8_t> connack_return_code(Reason reason) noexcept;
// False as well when an older version has no return code for the reason.
[[nodiscard]] bool encode_connack(Bytes& out, const Connack& connack, Version version);

// PUBACK, PUBREC, PUBREL, PUBCOMP. An older version cannot say a reason: then it is left out.
void encode_ack(Bytes& out, PacketType type, std::uint16_t packet_id, Reason reason, Version version);
[[nodiscard]] bool encode_ack(Bytes& out, const Ack& ack, Version version);

[[nodiscard]] bool encode_subscribe(Bytes& out, const Subscribe& subscribe, Version version);
[[nodiscard]] bool encode_unsubscribe(Bytes& out, const Unsubscribe& unsubscribe, Version version);
// Before MQTT 5 every failure is 0x80.
[[nodiscard]] bool encode_suback(Bytes& out, const Suback& suback, Version version);
// Before MQTT 5 without the codes.
[[nodiscard]] bool encode_unsuback(Bytes& out, const Unsuback& unsuback, Version version);
void encode_pingreq(Bytes& out);
void encode_pingresp(Bytes& out);
// Before MQTT 5 only a client's, without a reason. The caller knows which end it is.
[[nodiscard]] bool encode_disconnect(Bytes& out, const Disconnect& disconnect, Version version);
[[nodiscard]] bool encode_auth(Bytes& out, const Auth& auth);  // MQTT 5 only

// Any packet, a PUBLISH with its payload. CONNECT goes by its own version; AUTH is false before MQTT 5.
[[nodiscard]] bool encode(Bytes& out, const Packet& packet, Version version);

// Parts, for FilterList and Properties::set_user_properties().
[[nodiscard]] bool append_filter(Bytes& out, std::string_view filter, const FilterOptions& options);  // SUBSCRIBE
[[nodiscard]] bool append_filter(Bytes& out, std::string_view filter);                                // UNSUBSCRIBE
[[nodiscard]] bool append_user_property(Bytes& out, std::string_view name, std::string_view value);

}  // namespace holdfast::wire::mqtt
