#include "wire/mqtt/decode_properties.h"

#include <array>

#include "wire/mqtt/property_kind.h"
#include "wire/mqtt/rule.h"
#include "wire/mqtt/text.h"

namespace holdfast::wire::mqtt {
namespace {

constexpr std::uint64_t kInAll = bit(Property::user_property);
constexpr std::uint64_t kInAnswers = kInAll | bit(Property::reason_string);
constexpr std::uint64_t kInAuth = bit(Property::auth_method) | bit(Property::auth_data);
constexpr std::uint64_t kInMessages = kForwarded | bit(Property::message_expiry);
constexpr std::uint64_t kInPublish = kInMessages | bit(Property::topic_alias);
constexpr std::uint64_t kInLimits = bit(Property::session_expiry) | bit(Property::receive_maximum) |
                                    bit(Property::topic_alias_maximum) | bit(Property::maximum_packet_size);

//= MQTT5 2.2.2.2
// By PropertiesOf. What has no place in a packet at all is malformed there.
constexpr std::uint64_t kPlaces[] = {
    kInAll | kInAuth | kInLimits | bit(Property::request_problem_information) |
        bit(Property::request_response_information),
    kInMessages | bit(Property::will_delay),
    kInAnswers | kInAuth | kInLimits | bit(Property::assigned_client_id) | bit(Property::server_keep_alive) |
        bit(Property::response_information) | bit(Property::server_reference) | bit(Property::maximum_qos) |
        bit(Property::retain_available) | bit(Property::wildcard_subscription_available) |
        bit(Property::subscription_id_available) | bit(Property::shared_subscription_available),
    kInPublish | bit(Property::subscription_id),
    kInPublish | bit(Property::subscription_id),
    kInAnswers,
    kInAll | bit(Property::subscription_id),
    kInAnswers,
    kInAll,
    kInAnswers | bit(Property::session_expiry) | bit(Property::server_reference),
    kInAnswers | bit(Property::session_expiry) | bit(Property::server_reference),
    kInAnswers | kInAuth,
};

constexpr Fault kBadLength{Reason::malformed_packet, "MQTT5 2.2.2.1",
                           "the property length does not fit into the packet"};
constexpr Fault kUnknown{Reason::malformed_packet, "MQTT5 2.2.2.2", "an unknown property"};
constexpr Fault kMisplaced{Reason::malformed_packet, "MQTT5 2.2.2.2", "a property that this packet has not"};
constexpr Fault kOverrun{Reason::malformed_packet, "MQTT5 2.2.2.2", "a property does not fit into its packet"};
constexpr Fault kTwice{Reason::protocol_error, "MQTT5 2.2.2.2", "a property is there twice"};
//= MQTT5 [MQTT-3.3.4-6]
constexpr Fault kSubscriptionIdOfClient{Reason::protocol_error, "MQTT5 [MQTT-3.3.4-6]",
                                        "a client's PUBLISH has a Subscription Identifier"};
//= MQTT5 [MQTT-3.14.2-2]
constexpr Fault kSessionExpiryOfServer{Reason::protocol_error, "MQTT5 [MQTT-3.14.2-2]",
                                       "a server's DISCONNECT has a Session Expiry Interval"};
constexpr Fault kNotZeroOrOne{Reason::protocol_error, "MQTT5 2.2.2.2", "a property of 0 or 1 is something else"};
constexpr Fault kNoReceiveMaximum{Reason::protocol_error, "MQTT5 3.1.2.11.3", "the Receive Maximum is 0"};
constexpr Fault kNoPacketSize{Reason::protocol_error, "MQTT5 3.1.2.11.4", "the Maximum Packet Size is 0"};
constexpr Fault kNoSubscriptionId{Reason::protocol_error, "MQTT5 3.8.2.1.2", "the Subscription Identifier is 0"};
//= MQTT5 [MQTT-3.3.2-8]
constexpr Fault kNoAlias{Reason::topic_alias_invalid, "MQTT5 [MQTT-3.3.2-8]", "the Topic Alias is 0"};
//= MQTT5 [MQTT-3.3.2-14]
constexpr Fault kResponseTopic{Reason::protocol_error, "MQTT5 [MQTT-3.3.2-14]", "the Response Topic is no topic name"};
constexpr Fault kAuthData{Reason::protocol_error, "MQTT5 3.1.2.11.10",
                          "Authentication Data without an Authentication Method"};

const Fault* check_place(std::uint8_t identifier, PropertiesOf whose, const Properties& so_far) {
  if (kind_of(identifier) == PropertyKind::none) return &kUnknown;
  const std::uint64_t its_bit = std::uint64_t{1} << identifier;
  if ((kPlaces[static_cast<std::size_t>(whose)] & its_bit) == 0) return &kMisplaced;
  const auto property = static_cast<Property>(identifier);
  const bool is_of_publish = whose == PropertiesOf::publish_of_client || whose == PropertiesOf::publish_of_server;
  const bool is_repeatable =
      property == Property::user_property || (property == Property::subscription_id && is_of_publish);
  if ((so_far.present & its_bit) != 0 && !is_repeatable) return &kTwice;
  if (property == Property::subscription_id && whose == PropertiesOf::publish_of_client) {
    return &kSubscriptionIdOfClient;
  }
  if (property == Property::session_expiry && whose == PropertiesOf::disconnect_of_server) {
    return &kSessionExpiryOfServer;
  }
  return nullptr;
}

const Fault* check_number(Property property, PropertyKind kind, std::uint32_t value) {
  if (kind == PropertyKind::byte && value > 1) return &kNotZeroOrOne;
  if (value != 0) return nullptr;
  switch (property) {
    case Property::receive_maximum: return &kNoReceiveMaximum;
    case Property::maximum_packet_size: return &kNoPacketSize;
    case Property::subscription_id: return &kNoSubscriptionId;
    case Property::topic_alias: return &kNoAlias;
    default: return nullptr;
  }
}

bool take_number(Cursor& cursor, PropertyKind kind, std::uint32_t& out) {
  std::uint8_t byte = 0;
  std::uint16_t two_bytes = 0;
  bool taken = false;
  switch (kind) {
    case PropertyKind::byte:
      taken = cursor.take(byte);
      out = byte;
      return taken;
    case PropertyKind::two_bytes:
      taken = cursor.take(two_bytes);
      out = two_bytes;
      return taken;
    case PropertyKind::four_bytes: return cursor.take(out);
    default: return cursor.take_varint(out);
  }
}

const Fault* take_number(Cursor& cursor, Property property, PropertyKind kind, Properties& out) {
  std::uint32_t value = 0;
  if (!take_number(cursor, kind, value)) return &kOverrun;
  if (const Fault* fault = check_number(property, kind, value)) return fault;
  if (property != Property::subscription_id) return out.set(property, value), nullptr;
  if (out.subscription_id_count++ == 0) out.set(property, value);
  return nullptr;
}

const Fault* take_text(Cursor& cursor, Property property, Properties& out) {
  std::string_view text;
  if (!cursor.take(text)) return &kOverrun;
  if (const Fault* fault = check_text(text, Version::v5)) return fault;
  if (property == Property::response_topic) {
    //= MQTT5 [MQTT-3.3.2-13]
    if (text.empty() || text.find_first_of("+#") != std::string_view::npos) return &kResponseTopic;
  }
  out.set(property, text);
  return nullptr;
}

//= MQTT5 [MQTT-1.5.7-1]
const Fault* take_pair(Cursor& cursor, Properties& out) {
  for (int part = 0; part < 2; ++part) {
    std::string_view text;
    if (!cursor.take(text)) return &kOverrun;
    if (const Fault* fault = check_text(text, Version::v5)) return fault;
  }
  out.present |= bit(Property::user_property);
  return nullptr;
}

const Fault* take_property(Cursor& cursor, PropertiesOf whose, Properties& out) {
  std::uint8_t identifier = 0;
  (void)cursor.take(identifier);
  if (const Fault* fault = check_place(identifier, whose, out)) return fault;
  const auto property = static_cast<Property>(identifier);
  const PropertyKind kind = kind_of(property);
  switch (kind) {
    case PropertyKind::text: return take_text(cursor, property, out);
    case PropertyKind::pair: return take_pair(cursor, out);
    case PropertyKind::binary: {
      std::span<const std::byte> bytes;
      if (!cursor.take(bytes)) return &kOverrun;
      out.set(property, bytes);
      return nullptr;
    }
    default: return take_number(cursor, property, kind, out);
  }
}

}  // namespace

const Fault* take_properties(Cursor& cursor, PropertiesOf whose, Properties& out) noexcept {
  std::uint32_t bytes = 0;
  std::span<const std::byte> block;
  if (!cursor.take_varint(bytes) || !cursor.take_bytes(bytes, block)) return &kBadLength;
  for (Cursor inside(block); !inside.at_end();) {
    if (const Fault* fault = take_property(inside, whose, out)) return fault;
  }
  if (out.has(Property::auth_data) && !out.has(Property::auth_method)) return &kAuthData;
  out.block = block;
  out.block_has_all = true;
  return nullptr;
}

}  // namespace holdfast::wire::mqtt
