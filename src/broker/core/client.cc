#include "broker/core/client.h"

#include "broker/core/session.h"

namespace holdfast::broker {

using wire::mqtt::Property;

void Client::publish(const OutgoingPublish& publish) {
  tools_.scratch.clear();
  if (!wire::mqtt::encode_publish_head(tools_.scratch, publish.head, publish.message->payload().size())) return;
  tools_.counters.messages_sent[static_cast<std::size_t>(publish.head.qos)].add();
  tools_.ports.send(link, tools_.scratch, publish.message);
  if (tools_.hooks.wants(HookKind::delivered) && !publish.head.dup) tell_delivered(publish);
}

void Client::tell_delivered(const OutgoingPublish& publish) const {
  const Session& session = publish.session;
  told::MessageView view = told::view_of(*publish.message);
  view.qos = publish.head.qos;
  view.retain = publish.head.retain;
  tools_.hooks.tell(told::Delivered{.to = {session.client_id(), session.user_name()}, .message = view});
}

void Client::ack(wire::mqtt::PacketType type, std::uint16_t packet_id, wire::mqtt::Reason reason) {
  tools_.scratch.clear();
  wire::mqtt::encode_ack(tools_.scratch, type, packet_id, reason, terms.version);
  send_scratch();
}

void Client::send(const wire::mqtt::Connack& connack) {
  tools_.scratch.clear();
  if (wire::mqtt::encode_connack(tools_.scratch, connack, terms.version)) send_scratch();
}

void Client::send(const wire::mqtt::Suback& suback) {
  tools_.scratch.clear();
  if (wire::mqtt::encode_suback(tools_.scratch, suback, terms.version)) send_scratch();
}

void Client::send(const wire::mqtt::Unsuback& unsuback) {
  tools_.scratch.clear();
  if (wire::mqtt::encode_unsuback(tools_.scratch, unsuback, terms.version)) send_scratch();
}

void Client::send_pingresp() {
  tools_.scratch.clear();
  wire::mqtt::encode_pingresp(tools_.scratch);
  send_scratch();
}

bool Client::send_auth(const AuthStep& step) {
  tools_.scratch.clear();
  if (!auth->answer(tools_.scratch, step, terms.packet_bytes_max)) return false;
  send_scratch();
  return true;
}

//= MQTT5 [MQTT-3.1.2-29]
//= MQTT5 [MQTT-3.14.2-3]
void Client::send_disconnect(wire::mqtt::Reason reason, const char* what) {
  if (!is_v5()) return;
  wire::mqtt::Disconnect disconnect;
  disconnect.reason = reason;
  if (what != nullptr && *what != '\0' && wants_reasons) {
    disconnect.properties.set(Property::reason_string, std::string_view(what));
  }
  tools_.scratch.clear();
  if (!wire::mqtt::encode_disconnect(tools_.scratch, disconnect, terms.version)) return;
  if (terms.packet_bytes_max != 0 && tools_.scratch.size() > terms.packet_bytes_max) {
    tools_.scratch.clear();
    disconnect.properties = {};
    if (!wire::mqtt::encode_disconnect(tools_.scratch, disconnect, terms.version)) return;
  }
  send_scratch();
}

void Client::send_scratch() { tools_.ports.send(link, tools_.scratch); }

}  // namespace holdfast::broker
