#include "wire/mqtt/encode_properties.h"

namespace holdfast::wire::mqtt {
namespace {

template <typename Sink>
class PropertyWriter {
 public:
  PropertyWriter(Sink& sink, std::uint64_t wanted) noexcept : sink_(sink), wanted_(wanted) {}

  void byte(Property property, bool value) { byte(property, static_cast<std::uint8_t>(value)); }
  void byte(Property property, std::uint8_t value) {
    if (begins(property)) sink_.u8(value);
  }
  void two_bytes(Property property, std::uint32_t value) {
    if (begins(property)) sink_.u16(static_cast<std::uint16_t>(value));
  }
  void four_bytes(Property property, std::uint32_t value) {
    if (begins(property)) sink_.u32(value);
  }
  void varint(Property property, std::uint32_t value) {
    if (begins(property)) sink_.varint(value);
  }
  template <typename Value>
  void field(Property property, Value value) {
    if (begins(property)) sink_.field(value);
  }
  void pair(const UserProperty& pair) {
    if (!begins(Property::user_property)) return;
    sink_.field(pair.name);
    sink_.field(pair.value);
  }

 private:
  // Writes the identifier when the property is wanted.
  bool begins(Property property) {
    if ((wanted_ & bit(property)) == 0) return false;
    sink_.u8(static_cast<std::uint8_t>(property));
    return true;
  }

  Sink& sink_;
  std::uint64_t wanted_;
};

template <typename Sink>
void put_numbers(PropertyWriter<Sink>& out, const Properties& p) {
  out.byte(Property::payload_format, p.payload_format);
  out.four_bytes(Property::message_expiry, p.message_expiry.count());
  out.four_bytes(Property::session_expiry, p.session_expiry.count());
  out.two_bytes(Property::server_keep_alive, p.server_keep_alive.count());
  out.byte(Property::request_problem_information, p.request_problem_information);
  out.four_bytes(Property::will_delay, p.will_delay.count());
  out.byte(Property::request_response_information, p.request_response_information);
  out.two_bytes(Property::receive_maximum, p.receive_maximum);
  out.two_bytes(Property::topic_alias_maximum, p.topic_alias_maximum);
  out.two_bytes(Property::topic_alias, p.topic_alias);
  out.byte(Property::maximum_qos, static_cast<std::uint8_t>(p.maximum_qos));
  out.byte(Property::retain_available, p.retain_available);
  out.four_bytes(Property::maximum_packet_size, p.maximum_packet_size);
  out.byte(Property::wildcard_subscription_available, p.wildcard_subscription_available);
  out.byte(Property::subscription_id_available, p.subscription_id_available);
  out.byte(Property::shared_subscription_available, p.shared_subscription_available);
}

template <typename Sink>
void put_texts(PropertyWriter<Sink>& out, const Properties& p) {
  out.field(Property::content_type, p.content_type);
  out.field(Property::response_topic, p.response_topic);
  out.field(Property::correlation_data, p.correlation_data);
  out.field(Property::assigned_client_id, p.assigned_client_id);
  out.field(Property::auth_method, p.auth_method);
  out.field(Property::auth_data, p.auth_data);
  out.field(Property::response_information, p.response_information);
  out.field(Property::server_reference, p.server_reference);
  out.field(Property::reason_string, p.reason_string);
}

template <typename Sink>
void put_all(Sink& sink, const Properties& p, std::uint64_t wanted) {
  wanted &= p.present;
  if (wanted == 0) return;
  PropertyWriter<Sink> out(sink, wanted);
  put_numbers(out, p);
  put_texts(out, p);
  if (p.subscription_id_count > 1) {
    for (const std::uint32_t id : p.subscription_ids()) out.varint(Property::subscription_id, id);
  } else {
    out.varint(Property::subscription_id, p.subscription_id);
  }
  if (!p.has(Property::user_property)) return;
  for (const UserProperty& each : p.user_properties()) out.pair(each);
}

}  // namespace

void put_properties(Counter& sink, const Properties& properties, std::uint64_t wanted) noexcept {
  put_all(sink, properties, wanted);
}

void put_properties(Writer& sink, const Properties& properties, std::uint64_t wanted) noexcept {
  put_all(sink, properties, wanted);
}

void append_forwarded(Bytes& out, const Properties& properties) {
  Counter counter;
  put_properties(counter, properties, kForwarded);
  Writer writer(grow(out, counter.bytes()));
  put_properties(writer, properties, kForwarded);
}

std::optional<std::span<const std::byte>> forwarded_as_they_came(const Properties& properties) noexcept {
  if (properties.present == 0) return std::span<const std::byte>();
  const bool has_others = (properties.present & ~kForwarded) != 0;
  if (has_others || !properties.block_has_all) return std::nullopt;
  return properties.block;
}

bool append_user_property(Bytes& out, std::string_view name, std::string_view value) {
  if (name.size() > kTextBytesMax || value.size() > kTextBytesMax) return false;
  Writer writer(grow(out, 1 + 2 + name.size() + 2 + value.size()));
  writer.u8(static_cast<std::uint8_t>(Property::user_property));
  writer.field(name);
  writer.field(value);
  return true;
}

}  // namespace holdfast::wire::mqtt
