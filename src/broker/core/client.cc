#include "broker/core/client.h"

namespace holdfast::broker {

using wire::mqtt::Property;

void Client::publish(const OutgoingPublish& publish) {
  wire::mqtt::Bytes& scratch = writing_.scratch;
  scratch.clear();
  if (!wire::mqtt::encode_publish_head(scratch, publish.head, publish.message->payload().size())) return;
  writing_.counters.messages_sent[static_cast<std::size_t>(publish.head.qos)].add();
  writing_.ports.send(link, scratch, publish.message);
}

void Client::ack(wire::mqtt::PacketType type, std::uint16_t packet_id, wire::mqtt::Reason reason) {
  writing_.scratch.clear();
  wire::mqtt::encode_ack(writing_.scratch, type, packet_id, reason, terms.version);
  send_scratch();
}

void Client::send(const wire::mqtt::Connack& connack) {
  writing_.scratch.clear();
  if (wire::mqtt::encode_connack(writing_.scratch, connack, terms.version)) send_scratch();
}

void Client::send(const wire::mqtt::Suback& suback) {
  writing_.scratch.clear();
  if (wire::mqtt::encode_suback(writing_.scratch, suback, terms.version)) send_scratch();
}

void Client::send(const wire::mqtt::Unsuback& unsuback) {
  writing_.scratch.clear();
  if (wire::mqtt::encode_unsuback(writing_.scratch, unsuback, terms.version)) send_scratch();
}

void Client::send_pingresp() {
  writing_.scratch.clear();
  wire::mqtt::encode_pingresp(writing_.scratch);
  send_scratch();
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
  writing_.scratch.clear();
  if (!wire::mqtt::encode_disconnect(writing_.scratch, disconnect, terms.version)) return;
  if (terms.packet_bytes_max != 0 && writing_.scratch.size() > terms.packet_bytes_max) {
    writing_.scratch.clear();
    disconnect.properties = {};
    if (!wire::mqtt::encode_disconnect(writing_.scratch, disconnect, terms.version)) return;
  }
  send_scratch();
}

void Client::send_scratch() { writing_.ports.send(link, writing_.scratch); }

}  // namespace holdfast::broker
