// wire/mqtt/reason.h: the versions, packets, qualities of service and reason codes of MQTT by name, and what a fault
// is.
//
// Source: MQTT5 2.1.2, 2.4; MQTT311 2.2.1. Thread: values and pure functions.
#pragma once

#include <cstdint>

namespace holdfast::wire::mqtt {

// The number is the protocol level of CONNECT.
enum class Version : std::uint8_t { v31 = 3, v311 = 4, v5 = 5 };

enum class PacketType : std::uint8_t {
  connect = 1,
  connack = 2,
  publish = 3,
  puback = 4,
  pubrec = 5,
  pubrel = 6,
  pubcomp = 7,
  subscribe = 8,
  suback = 9,
  unsubscribe = 10,
  unsuback = 11,
  pingreq = 12,
  pingresp = 13,
  disconnect = 14,
  auth = 15,  // MQTT 5 only
};

enum class Qos : std::uint8_t { at_most_once = 0, at_least_once = 1, exactly_once = 2 };

// Which end of a connection wrote a packet: some are allowed from one of them only.
enum class Sender : std::uint8_t { client, server };

// MQTT5 2.4. From 0x80 on, something has failed.
enum class Reason : std::uint8_t {
  success = 0x00,
  normal_disconnection = 0x00,
  granted_qos_0 = 0x00,
  granted_qos_1 = 0x01,
  granted_qos_2 = 0x02,
  disconnect_with_will = 0x04,
  no_matching_subscribers = 0x10,
  no_subscription_existed = 0x11,
  continue_authentication = 0x18,
  re_authenticate = 0x19,
  unspecified_error = 0x80,
  malformed_packet = 0x81,
  protocol_error = 0x82,
  implementation_specific_error = 0x83,
  unsupported_protocol_version = 0x84,
  client_identifier_not_valid = 0x85,
  bad_user_name_or_password = 0x86,
  not_authorized = 0x87,
  server_unavailable = 0x88,
  server_busy = 0x89,
  banned = 0x8a,
  server_shutting_down = 0x8b,
  bad_authentication_method = 0x8c,
  keep_alive_timeout = 0x8d,
  session_taken_over = 0x8e,
  topic_filter_invalid = 0x8f,
  topic_name_invalid = 0x90,
  packet_identifier_in_use = 0x91,
  packet_identifier_not_found = 0x92,
  receive_maximum_exceeded = 0x93,
  topic_alias_invalid = 0x94,
  packet_too_large = 0x95,
  message_rate_too_high = 0x96,
  quota_exceeded = 0x97,
  administrative_action = 0x98,
  payload_format_invalid = 0x99,
  retain_not_supported = 0x9a,
  qos_not_supported = 0x9b,
  use_another_server = 0x9c,
  server_moved = 0x9d,
  shared_subscriptions_not_supported = 0x9e,
  connection_rate_exceeded = 0x9f,
  maximum_connect_time = 0xa0,
  subscription_identifiers_not_supported = 0xa1,
  wildcard_subscriptions_not_supported = 0xa2,
};

[[nodiscard]] constexpr bool is_failure(Reason reason) noexcept { return static_cast<std::uint8_t>(reason) >= 0x80; }

// The standard's words: "Topic Filter invalid", "PUBACK". A literal; "" for a number that has none.
[[nodiscard]] const char* name(Reason reason) noexcept;
[[nodiscard]] const char* name(PacketType type) noexcept;

// Whether the standard has this code in a packet of this type from that end (MQTT5 2.4 and the tables of 3.x.2.1).
[[nodiscard]] bool may_say(PacketType type, Sender sender, Reason reason) noexcept;

// What is wrong with a packet. Faults are constants that live as long as the process: hold them by pointer.
//
// MQTT 5 tells the peer the reason in CONNACK or DISCONNECT; a 3.1 or 3.1.1 server closes without a word, except where
// connack_return_code() (encode.h) has an answer for the CONNECT.
struct Fault {
  Reason reason{};
  const char* clause = "";  // "MQTT5 [MQTT-3.1.2-24]", or a section where the standard has no number for it
  const char* what = "";    // for the log and the reason string
};

}  // namespace holdfast::wire::mqtt
