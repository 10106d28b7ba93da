#include "wire/mqtt/cursor.h"
#include "wire/mqtt/decode_begin.h"
#include "wire/mqtt/decode_properties.h"
#include "wire/mqtt/rule.h"
#include "wire/mqtt/text.h"

namespace holdfast::wire::mqtt {
namespace {

//= MQTT5 [MQTT-3.1.2-1]
//= MQTT311 [MQTT-3.1.2-1]
constexpr Rule kName{Reason::unsupported_protocol_version, "MQTT311 [MQTT-3.1.2-1]", "MQTT5 [MQTT-3.1.2-1]",
                     "the protocol name is neither MQTT nor MQIsdp"};
//= MQTT5 [MQTT-3.1.2-2]
//= MQTT311 [MQTT-3.1.2-2]
constexpr Rule kLevel{Reason::unsupported_protocol_version, "MQTT311 [MQTT-3.1.2-2]", "MQTT5 [MQTT-3.1.2-2]",
                      "the protocol level is none of 3.1, 3.1.1 and 5.0"};
//= MQTT5 [MQTT-3.1.2-3]
//= MQTT311 [MQTT-3.1.2-3]
constexpr Rule kReserved{Reason::malformed_packet, "MQTT311 [MQTT-3.1.2-3]", "MQTT5 [MQTT-3.1.2-3]",
                         "the reserved connect flag is set"};
//= MQTT5 [MQTT-3.1.2-11]
//= MQTT311 [MQTT-3.1.2-11]
//= MQTT311 [MQTT-3.1.2-13]
constexpr Rule kQosWithoutWill{Reason::malformed_packet, "MQTT311 [MQTT-3.1.2-13]", "MQTT5 [MQTT-3.1.2-11]",
                               "a will QoS without a will"};
//= MQTT5 [MQTT-3.1.2-13]
//= MQTT311 [MQTT-3.1.2-15]
constexpr Rule kRetainWithoutWill{Reason::malformed_packet, "MQTT311 [MQTT-3.1.2-15]", "MQTT5 [MQTT-3.1.2-13]",
                                  "will retain without a will"};
//= MQTT5 [MQTT-3.1.2-12]
//= MQTT311 [MQTT-3.1.2-14]
constexpr Rule kWillQos3{Reason::malformed_packet, "MQTT311 [MQTT-3.1.2-14]", "MQTT5 [MQTT-3.1.2-12]",
                         "a will of QoS 3"};
//= MQTT311 [MQTT-3.1.2-22]
constexpr Rule kPasswordAlone{Reason::malformed_packet, "MQTT311 [MQTT-3.1.2-22]", "MQTT5 3.1.2.9",
                              "a password without a user name"};
//= MQTT311 [MQTT-3.1.3-8]
constexpr Rule kNoClientId{Reason::client_identifier_not_valid, "MQTT311 [MQTT-3.1.3-8]", "MQTT5 [MQTT-3.1.3-8]",
                           "no client identifier, and the session is to be kept"};
//= MQTT5 [MQTT-4.7.3-1]
//= MQTT311 [MQTT-4.7.3-1]
constexpr Rule kNoWillTopic{Reason::topic_name_invalid, "MQTT311 [MQTT-4.7.3-1]", "MQTT5 [MQTT-4.7.3-1]",
                            "the will's topic is empty"};
//= MQTT5 [MQTT-3.2.2-1]
constexpr Rule kConnackFlags{Reason::malformed_packet, "MQTT311 3.2.2.1", "MQTT5 [MQTT-3.2.2-1]",
                             "reserved flags of CONNACK"};
//= MQTT5 [MQTT-3.2.2-6]
//= MQTT311 [MQTT-3.2.2-4]
constexpr Rule kSessionOfRefused{Reason::protocol_error, "MQTT311 [MQTT-3.2.2-4]", "MQTT5 [MQTT-3.2.2-6]",
                                 "a refusal with a session present"};
//= MQTT5 [MQTT-3.2.2-8]
constexpr Rule kConnackCode{Reason::protocol_error, "MQTT311 3.2.2.3", "MQTT5 [MQTT-3.2.2-8]",
                            "a code that CONNACK has not"};

constexpr std::uint8_t kCleanStart = 0x02;
constexpr std::uint8_t kWill = 0x04;
constexpr std::uint8_t kWillRetain = 0x20;
constexpr std::uint8_t kPassword = 0x40;
constexpr std::uint8_t kUserName = 0x80;

constexpr unsigned will_qos(std::uint8_t flags) { return (flags >> 3) & 0b11U; }

// The protocol's name and level; sets the version as decode_connect() promises.
const Fault* take_version(Cursor& cursor, Version& version) {
  version = Version::v311;
  std::string_view name;
  if (!cursor.take(name)) return broken(kCutShort, version);
  if (name != "MQTT" && name != "MQIsdp") return broken(kName, version);
  std::uint8_t level = 0;
  if (!cursor.take(level)) return broken(kCutShort, version);
  const bool is_old = name == "MQIsdp";
  if (is_old && level == 3) return version = Version::v31, nullptr;
  if (!is_old && level == 4) return version = Version::v311, nullptr;
  if (!is_old && level == 5) return version = Version::v5, nullptr;
  // Bridges set the highest bit beside the level they speak, and try again without when they are refused in it.
  if (!is_old && (level & 0x7f) >= 5) version = Version::v5;
  return broken(kLevel, version);
}

const Fault* check_flags(std::uint8_t flags, Version version) {
  if ((flags & kWill) != 0 && will_qos(flags) == 3) return broken(kWillQos3, version);
  if (version != Version::v5 && (flags & kPassword) != 0 && (flags & kUserName) == 0) {
    return broken(kPasswordAlone, version);
  }
  if (version == Version::v31) return nullptr;  // which does not say what the others are without a will
  if ((flags & 0x01) != 0) return broken(kReserved, version);
  if ((flags & kWill) == 0 && will_qos(flags) != 0) return broken(kQosWithoutWill, version);
  if ((flags & kWill) == 0 && (flags & kWillRetain) != 0) return broken(kRetainWithoutWill, version);
  return nullptr;
}

//= MQTT5 [MQTT-3.1.3-3]
//= MQTT5 [MQTT-3.1.3-4]
//= MQTT311 [MQTT-3.1.3-3]
//= MQTT311 [MQTT-3.1.3-4]
// MQTT 3.1 allows at most 23 characters; nobody holds clients to that any more.
const Fault* take_client_id(Cursor& cursor, Connect& connect) {
  if (!cursor.take(connect.client_id)) return broken(kCutShort, connect.version);
  if (const Fault* fault = check_text(connect.client_id, connect.version)) return fault;
  if (!connect.client_id.empty() || connect.version == Version::v5) return nullptr;
  const bool may_be_empty = connect.version == Version::v311 && connect.clean_start;
  return may_be_empty ? nullptr : broken(kNoClientId, connect.version);
}

//= MQTT5 [MQTT-3.1.2-9]
//= MQTT5 [MQTT-3.1.3-11]
//= MQTT311 [MQTT-3.1.2-9]
//= MQTT311 [MQTT-3.1.3-10]
const Fault* take_will(Cursor& cursor, std::uint8_t flags, Connect& connect) {
  if ((flags & kWill) == 0) return nullptr;
  Will& will = connect.will.emplace();
  will.qos = static_cast<Qos>(will_qos(flags));
  will.retain = (flags & kWillRetain) != 0;
  if (connect.version == Version::v5) {
    if (const Fault* fault = take_properties(cursor, PropertiesOf::will, will.properties)) return fault;
  }
  if (!cursor.take(will.topic)) return broken(kCutShort, connect.version);
  if (const Fault* fault = check_topic(will.topic, connect.version)) return fault;
  if (will.topic.empty()) return broken(kNoWillTopic, connect.version);
  return cursor.take(will.payload) ? nullptr : broken(kCutShort, connect.version);
}

//= MQTT5 [MQTT-3.1.2-17]
//= MQTT5 [MQTT-3.1.2-19]
//= MQTT5 [MQTT-3.1.3-12]
//= MQTT311 [MQTT-3.1.2-19]
//= MQTT311 [MQTT-3.1.2-21]
//= MQTT311 [MQTT-3.1.3-11]
const Fault* take_credentials(Cursor& cursor, std::uint8_t flags, Connect& connect) {
  // In MQTT 3.1 the length of the packet goes before the flags (its section 3.1).
  const auto is_left_out = [&] { return connect.version == Version::v31 && cursor.at_end(); };
  if ((flags & kUserName) != 0 && !is_left_out()) {
    if (!cursor.take(connect.user_name.emplace())) return broken(kCutShort, connect.version);
    if (const Fault* fault = check_text(*connect.user_name, connect.version)) return fault;
  }
  if ((flags & kPassword) != 0 && !is_left_out()) {
    if (!cursor.take(connect.password.emplace())) return broken(kCutShort, connect.version);
  }
  return nullptr;
}

// The payload has nothing but what the flags announce.
//= MQTT5 [MQTT-3.1.3-1]
//= MQTT5 [MQTT-3.1.2-16]
//= MQTT5 [MQTT-3.1.2-18]
//= MQTT311 [MQTT-3.1.3-1]
//= MQTT311 [MQTT-3.1.2-18]
//= MQTT311 [MQTT-3.1.2-20]
const Fault* take_payload(Cursor& cursor, std::uint8_t flags, Connect& connect) {
  if (const Fault* fault = take_client_id(cursor, connect)) return fault;
  if (const Fault* fault = take_will(cursor, flags, connect)) return fault;
  if (const Fault* fault = take_credentials(cursor, flags, connect)) return fault;
  return cursor.at_end() ? nullptr : broken(kTooLong, connect.version);
}

//= MQTT311 3.2.2.3
// The return codes of CONNACK before MQTT 5, by number.
constexpr Reason kOfReturnCode[] = {Reason::success,
                                    Reason::unsupported_protocol_version,
                                    Reason::client_identifier_not_valid,
                                    Reason::server_unavailable,
                                    Reason::bad_user_name_or_password,
                                    Reason::not_authorized};

const Fault* check_code(std::uint8_t code, Version version, Reason& reason) {
  reason = static_cast<Reason>(code);
  if (version == Version::v5) {
    return may_say(PacketType::connack, Sender::server, reason) ? nullptr : broken(kConnackCode, version);
  }
  if (code >= std::size(kOfReturnCode)) return broken(kConnackCode, version);
  reason = kOfReturnCode[code];
  return nullptr;
}

}  // namespace

//= MQTT5 [MQTT-3.1.4-1]
//= MQTT311 [MQTT-3.1.4-1]
const Fault* decode_connect(const Header& header, Body body, Connect& connect) noexcept {
  if (body.size() != header.body_bytes) std::abort();
  connect = {};
  Cursor cursor(body);
  if (const Fault* fault = take_version(cursor, connect.version)) return fault;
  if (const Fault* fault = check_header(header, connect.version, Sender::client)) return fault;
  std::uint8_t flags = 0;
  std::uint16_t keep_alive = 0;
  if (!cursor.take(flags)) return broken(kCutShort, connect.version);
  if (const Fault* fault = check_flags(flags, connect.version)) return fault;
  if (!cursor.take(keep_alive)) return broken(kCutShort, connect.version);
  connect.clean_start = (flags & kCleanStart) != 0;
  connect.keep_alive = Seconds(keep_alive);
  if (connect.version == Version::v5) {
    if (const Fault* fault = take_properties(cursor, PropertiesOf::connect, connect.properties)) return fault;
  }
  return take_payload(cursor, flags, connect);
}

const Fault* decode_connack(const Header& header, Body body, Version version, Connack& connack) noexcept {
  if (const Fault* fault = begin(header, body, version, Sender::server)) return fault;
  clear(connack.properties);
  Cursor cursor(body);
  std::uint8_t flags = 0;
  std::uint8_t code = 0;
  if (!cursor.take(flags) || !cursor.take(code)) return broken(kCutShort, version);
  if (version == Version::v31) flags = 0;  // which does not use them
  if (flags > 1) return broken(kConnackFlags, version);
  connack.session_present = flags == 1;
  if (const Fault* fault = check_code(code, version, connack.reason)) return fault;
  if (connack.session_present && connack.reason != Reason::success) return broken(kSessionOfRefused, version);
  if (version != Version::v5) return nullptr;
  if (const Fault* fault = take_properties(cursor, PropertiesOf::connack, connack.properties)) return fault;
  return cursor.at_end() ? nullptr : broken(kTooLong, version);
}

}  // namespace holdfast::wire::mqtt
