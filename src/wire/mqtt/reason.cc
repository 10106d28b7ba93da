#include "wire/mqtt/reason.h"

#include <array>

namespace holdfast::wire::mqtt {
namespace {

// Where a reason may be said: a bit for each type of packet, and for DISCONNECT and AUTH one for each end.
using Places = std::uint32_t;
constexpr Places in(PacketType type) { return Places{1} << static_cast<unsigned>(type); }
constexpr Places kConnack = in(PacketType::connack);
constexpr Places kPuback = in(PacketType::puback) | in(PacketType::pubrec);
constexpr Places kPubrel = in(PacketType::pubrel) | in(PacketType::pubcomp);
constexpr Places kSuback = in(PacketType::suback);
constexpr Places kUnsuback = in(PacketType::unsuback);
constexpr Places kServerLeaves = in(PacketType::disconnect);
constexpr Places kServerAuth = in(PacketType::auth);
constexpr unsigned kClientShift = 16;
constexpr Places kClientLeaves = kServerLeaves << kClientShift;
constexpr Places kClientAuth = kServerAuth << kClientShift;
constexpr Places kLeaves = kServerLeaves | kClientLeaves;

struct Row {
  Reason reason;
  const char* name;
  Places places;
};

//= MQTT5 2.4
//= MQTT5 [MQTT-3.2.2-8]
//= MQTT5 [MQTT-3.4.2-1]
//= MQTT5 [MQTT-3.5.2-1]
//= MQTT5 [MQTT-3.6.2-1]
//= MQTT5 [MQTT-3.7.2-1]
//= MQTT5 [MQTT-3.9.3-2]
//= MQTT5 [MQTT-3.11.3-2]
//= MQTT5 [MQTT-3.14.2-1]
//= MQTT5 [MQTT-3.15.2-1]
constexpr Row kRows[] = {
    {Reason::success, "Success", kConnack | kPuback | kPubrel | kSuback | kUnsuback | kLeaves | kServerAuth},
    {Reason::granted_qos_1, "Granted QoS 1", kSuback},
    {Reason::granted_qos_2, "Granted QoS 2", kSuback},
    {Reason::disconnect_with_will, "Disconnect with Will Message", kClientLeaves},
    {Reason::no_matching_subscribers, "No matching subscribers", kPuback},
    {Reason::no_subscription_existed, "No subscription existed", kUnsuback},
    {Reason::continue_authentication, "Continue authentication", kServerAuth | kClientAuth},
    {Reason::re_authenticate, "Re-authenticate", kClientAuth},
    {Reason::unspecified_error, "Unspecified error", kConnack | kPuback | kSuback | kUnsuback | kLeaves},
    {Reason::malformed_packet, "Malformed Packet", kConnack | kLeaves},
    {Reason::protocol_error, "Protocol Error", kConnack | kLeaves},
    {Reason::implementation_specific_error, "Implementation specific error",
     kConnack | kPuback | kSuback | kUnsuback | kLeaves},
    {Reason::unsupported_protocol_version, "Unsupported Protocol Version", kConnack},
    {Reason::client_identifier_not_valid, "Client Identifier not valid", kConnack},
    {Reason::bad_user_name_or_password, "Bad User Name or Password", kConnack},
    {Reason::not_authorized, "Not authorized", kConnack | kPuback | kSuback | kUnsuback | kServerLeaves},
    {Reason::server_unavailable, "Server unavailable", kConnack},
    {Reason::server_busy, "Server busy", kConnack | kServerLeaves},
    {Reason::banned, "Banned", kConnack},
    {Reason::server_shutting_down, "Server shutting down", kServerLeaves},
    {Reason::bad_authentication_method, "Bad authentication method", kConnack | kServerLeaves},
    {Reason::keep_alive_timeout, "Keep Alive timeout", kServerLeaves},
    {Reason::session_taken_over, "Session taken over", kServerLeaves},
    {Reason::topic_filter_invalid, "Topic Filter invalid", kSuback | kUnsuback | kServerLeaves},
    {Reason::topic_name_invalid, "Topic Name invalid", kConnack | kPuback | kLeaves},
    {Reason::packet_identifier_in_use, "Packet Identifier in use", kPuback | kSuback | kUnsuback},
    {Reason::packet_identifier_not_found, "Packet Identifier not found", kPubrel},
    {Reason::receive_maximum_exceeded, "Receive Maximum exceeded", kLeaves},
    {Reason::topic_alias_invalid, "Topic Alias invalid", kLeaves},
    {Reason::packet_too_large, "Packet too large", kConnack | kLeaves},
    {Reason::message_rate_too_high, "Message rate too high", kLeaves},
    {Reason::quota_exceeded, "Quota exceeded", kConnack | kPuback | kSuback | kLeaves},
    {Reason::administrative_action, "Administrative action", kLeaves},
    {Reason::payload_format_invalid, "Payload format invalid", kConnack | kPuback | kLeaves},
    {Reason::retain_not_supported, "Retain not supported", kConnack | kServerLeaves},
    {Reason::qos_not_supported, "QoS not supported", kConnack | kServerLeaves},
    {Reason::use_another_server, "Use another server", kConnack | kServerLeaves},
    {Reason::server_moved, "Server moved", kConnack | kServerLeaves},
    {Reason::shared_subscriptions_not_supported, "Shared Subscriptions not supported", kSuback | kServerLeaves},
    {Reason::connection_rate_exceeded, "Connection rate exceeded", kConnack | kServerLeaves},
    {Reason::maximum_connect_time, "Maximum connect time", kServerLeaves},
    {Reason::subscription_identifiers_not_supported, "Subscription Identifiers not supported", kSuback | kServerLeaves},
    {Reason::wildcard_subscriptions_not_supported, "Wildcard Subscriptions not supported", kSuback | kServerLeaves},
};

// Rows by number.
constexpr auto kByCode = [] {
  std::array<Row, 256> rows{};
  for (Row& row : rows) row = {Reason::success, "", 0};
  for (const Row& row : kRows) rows[static_cast<std::uint8_t>(row.reason)] = row;
  return rows;
}();

}  // namespace

const char* name(Reason reason) noexcept { return kByCode[static_cast<std::uint8_t>(reason)].name; }

const char* name(PacketType type) noexcept {
  constexpr const char* kNames[] = {"",        "CONNECT",  "CONNACK",    "PUBLISH", "PUBACK",      "PUBREC",
                                    "PUBREL",  "PUBCOMP",  "SUBSCRIBE",  "SUBACK",  "UNSUBSCRIBE", "UNSUBACK",
                                    "PINGREQ", "PINGRESP", "DISCONNECT", "AUTH"};
  const auto index = static_cast<std::size_t>(type);
  return index < std::size(kNames) ? kNames[index] : "";
}

bool may_say(PacketType type, Sender sender, Reason reason) noexcept {
  const bool by_end = type == PacketType::disconnect || type == PacketType::auth;
  const Places place = in(type) << (by_end && sender == Sender::client ? kClientShift : 0);
  return (kByCode[static_cast<std::uint8_t>(reason)].places & place) != 0;
}

}  // namespace holdfast::wire::mqtt
