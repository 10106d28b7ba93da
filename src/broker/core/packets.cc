// What a connected client says, packet by packet. The rest of Shard is in shard.cc.
#include "broker/core/shard.h"

namespace holdfast::broker {

using wire::mqtt::Fault;
using wire::mqtt::PacketType;
using wire::mqtt::Reason;

namespace {

//= MQTT5 [MQTT-3.1.0-2]
//= MQTT311 [MQTT-3.1.0-2]
constexpr Fault kSecondConnect{Reason::protocol_error, "MQTT5 [MQTT-3.1.0-2]", "a second CONNECT"};
constexpr Fault kUnaskedAuth{Reason::protocol_error, "MQTT5 [MQTT-4.12.0-6]",
                             "AUTH, but CONNECT named no authentication method"};

}  // namespace

void Shard::on_packet(std::uint32_t at, const wire::mqtt::Header& header, wire::mqtt::Body body, base::Time now) {
  counters_.packets_received[static_cast<std::size_t>(header.type)].add();
  switch (header.type) {
    case PacketType::publish: return on_publish(at, header, body, now);
    case PacketType::puback:
    case PacketType::pubrec:
    case PacketType::pubrel:
    case PacketType::pubcomp: return on_ack(at, header, body, now);
    case PacketType::subscribe: return on_subscribe(at, header, body, now);
    case PacketType::unsubscribe: return on_unsubscribe(at, header, body, now);
    case PacketType::pingreq: return places_[at].client->send_pingresp();  //= MQTT5 [MQTT-3.12.4-1]
    case PacketType::disconnect: return on_disconnect(at, header, body, now);
    case PacketType::connect: return fail(at, kSecondConnect, now);
    case PacketType::auth: return on_auth(at, header, body, now);
    default: return;  // check_header() lets a client send nothing else
  }
}

void Shard::on_ack(std::uint32_t at, const wire::mqtt::Header& header, wire::mqtt::Body body, base::Time now) {
  Place& place = places_[at];
  wire::mqtt::Ack ack;
  const Fault* fault = wire::mqtt::decode_ack(header, body, place.client->terms.version, ack);
  if (fault == nullptr) {
    const Context context = this->context(place, now);
    switch (ack.type) {
      case PacketType::puback: fault = place.session.on_puback(ack.packet_id, ack.reason, context); break;
      case PacketType::pubrec: fault = place.session.on_pubrec(ack.packet_id, ack.reason, context); break;
      case PacketType::pubrel: fault = place.session.on_pubrel(ack.packet_id, context); break;
      default: fault = place.session.on_pubcomp(ack.packet_id, ack.reason, context); break;
    }
  }
  if (fault != nullptr) return fail(at, *fault, now);
  scan_soon(at);
}

//= MQTT5 [MQTT-3.14.4-3]
//= MQTT311 [MQTT-3.14.4-3]
void Shard::on_disconnect(std::uint32_t at, const wire::mqtt::Header& header, wire::mqtt::Body body, base::Time now) {
  Place& place = places_[at];
  wire::mqtt::Disconnect disconnect;
  const Fault* fault =
      wire::mqtt::decode_disconnect(header, body, place.client->terms.version, wire::mqtt::Sender::client, disconnect);
  if (fault == nullptr && disconnect.properties.has(wire::mqtt::Property::session_expiry)) {
    fault = place.session.change_expiry(place.client->limits.capped_expiry(disconnect.properties.session_expiry));
  }
  if (fault != nullptr) return fail(at, *fault, now);
  const bool with_will = disconnect.reason != Reason::normal_disconnection;
  ports_.end(place.client->link, EndReason::client_disconnected);
  end_client(at, EndReason::client_disconnected, with_will ? WillNow::yes : WillNow::no, now);
}

//= MQTT5 [MQTT-4.13.1-1]
//= MQTT311 [MQTT-4.8.0-1]
void Shard::fail(std::uint32_t at, const Fault& fault, base::Time now) {
  const bool malformed = fault.reason == Reason::malformed_packet || fault.reason == Reason::packet_too_large;
  const bool too_many = fault.reason == Reason::receive_maximum_exceeded;
  const EndReason why = too_many ? EndReason::receive_maximum : EndReason::protocol_error;
  send_away(at, fault.reason, fault.what, malformed ? EndReason::malformed : why, now);
}

// A client that has authenticated by a method may do so again, at any time, and goes on with the rest meanwhile.
void Shard::on_auth(std::uint32_t at, const wire::mqtt::Header& header, wire::mqtt::Body body, base::Time now) {
  Place& place = places_[at];
  Client& client = *place.client;
  wire::mqtt::Auth auth;
  const Fault* fault = wire::mqtt::decode_auth(header, body, client.terms.version, wire::mqtt::Sender::client, auth);
  if (fault == nullptr && !client.auth) fault = &kUnaskedAuth;
  const bool is_new = auth.reason == Reason::re_authenticate;
  if (fault == nullptr) fault = is_new ? client.auth->may_begin_again(auth) : client.auth->hear(auth);
  if (fault != nullptr) return fail(at, *fault, now);
  if (!is_new) return;
  const AuthQuestion question{
      .client_id = place.session.client_id(), .user_name = place.session.user_name(), .method = client.auth->method()};
  if (client.auth->begin(ports_, client.link, question, auth.properties.auth_data)) return;
  send_away(at, Reason::not_authorized, "its authentication method is not offered any more", EndReason::refused, now);
}

//= MQTT5 [MQTT-4.12.1-2]
void Shard::on_auth_step(std::uint32_t at, const AuthStep& step, base::Time now) {
  const Place& place = places_[at];
  if (!place.client || !place.client->auth || !place.client->auth->is_asking()) return;
  if (step.what == AuthStep::What::failure) {
    return send_away(at, step.reason, "it has not shown who it is", EndReason::refused, now);
  }
  // What the access rules say of it, and where its topics are mounted, belongs to the one it came as.
  if (step.what == AuthStep::What::success && step.user != place.session.user_name()) {
    return send_away(at, Reason::not_authorized, "it is another one than before", EndReason::refused, now);
  }
  if (place.client->send_auth(step)) return;
  send_away(at, Reason::packet_too_large, "AUTH would be above its maximum packet size", EndReason::refused, now);
}

void Shard::on_room(std::uint32_t at, base::Time now) {
  Place& place = places_[at];
  place.session.pump(context(place, now));
  scan_soon(at);
}

}  // namespace holdfast::broker
