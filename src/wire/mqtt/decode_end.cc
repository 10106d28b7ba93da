// PINGREQ, PINGRESP, DISCONNECT and AUTH.
#include "wire/mqtt/cursor.h"
#include "wire/mqtt/decode_begin.h"
#include "wire/mqtt/decode_properties.h"
#include "wire/mqtt/rule.h"

namespace holdfast::wire::mqtt {
namespace {

//= MQTT5 [MQTT-3.14.2-1]
constexpr Fault kDisconnectReason{Reason::protocol_error, "MQTT5 [MQTT-3.14.2-1]",
                                  "a reason code that this end's DISCONNECT has not"};
//= MQTT5 [MQTT-3.15.2-1]
constexpr Fault kAuthReason{Reason::protocol_error, "MQTT5 [MQTT-3.15.2-1]",
                            "a reason code that this end's AUTH has not"};
constexpr Fault kNoMethod{Reason::protocol_error, "MQTT5 3.15.2.2.2", "an AUTH without an Authentication Method"};

// The two packets whose body may end before the reason, or before the properties.
const Fault* take_rest(Cursor& cursor, PropertiesOf whose, Reason& reason, Properties& properties) {
  reason = Reason::success;
  clear(properties);
  std::uint8_t code = 0;
  if (!cursor.take(code)) return nullptr;
  reason = static_cast<Reason>(code);
  if (cursor.at_end()) return nullptr;
  if (const Fault* fault = take_properties(cursor, whose, properties)) return fault;
  return cursor.at_end() ? nullptr : &kTooLong.v5;
}

}  // namespace

const Fault* decode_ping(const Header& header, Body body, Version version, Ping& ping) noexcept {
  ping.type = header.type;
  return begin(header, body, version, ping.type == PacketType::pingreq ? Sender::client : Sender::server);
}

//= MQTT5 3.14.2
const Fault* decode_disconnect(const Header& header, Body body, Version version, Sender sender,
                               Disconnect& disconnect) noexcept {
  if (const Fault* fault = begin(header, body, version, sender)) return fault;
  const auto whose = sender == Sender::client ? PropertiesOf::disconnect_of_client : PropertiesOf::disconnect_of_server;
  Cursor cursor(body);
  const Fault* fault = take_rest(cursor, whose, disconnect.reason, disconnect.properties);
  if (fault != nullptr) return fault;
  return may_say(PacketType::disconnect, sender, disconnect.reason) ? nullptr : &kDisconnectReason;
}

//= MQTT5 3.15.2
// Without a body it is a success without properties (3.15.2.1); otherwise the method is never left out.
const Fault* decode_auth(const Header& header, Body body, Version version, Sender sender, Auth& auth) noexcept {
  if (const Fault* fault = begin(header, body, version, sender)) return fault;
  Cursor cursor(body);
  if (const Fault* fault = take_rest(cursor, PropertiesOf::auth, auth.reason, auth.properties)) return fault;
  if (!may_say(PacketType::auth, sender, auth.reason)) return &kAuthReason;
  return body.empty() || auth.properties.has(Property::auth_method) ? nullptr : &kNoMethod;
}

}  // namespace holdfast::wire::mqtt
