#include "wire/mqtt/properties.h"

#include <cstdlib>
#include <type_traits>

#include "wire/mqtt/cursor.h"
#include "wire/mqtt/property_kind.h"

namespace holdfast::wire::mqtt {
namespace {

// Takes the value of a property that is not wanted.
bool skip(Cursor& cursor, PropertyKind kind) {
  std::span<const std::byte> bytes;
  std::uint32_t number = 0;
  switch (kind) {
    case PropertyKind::byte: return cursor.take_bytes(1, bytes);
    case PropertyKind::two_bytes: return cursor.take_bytes(2, bytes);
    case PropertyKind::four_bytes: return cursor.take_bytes(4, bytes);
    case PropertyKind::varint: return cursor.take_varint(number);
    case PropertyKind::text:
    case PropertyKind::binary: return cursor.take(bytes);
    case PropertyKind::pair: return cursor.take(bytes) && cursor.take(bytes);
    case PropertyKind::none: break;
  }
  return false;
}

bool take_value(Cursor& cursor, UserProperty& out) { return cursor.take(out.name) && cursor.take(out.value); }
bool take_value(Cursor& cursor, std::uint32_t& out) { return cursor.take_varint(out); }

}  // namespace

template <typename T>
void PropertyRange<T>::Iterator::advance() noexcept {
  constexpr PropertyKind kWanted = std::is_same_v<T, UserProperty> ? PropertyKind::pair : PropertyKind::varint;
  Cursor cursor(rest_);
  at_end_ = true;  // also before what does not fit
  std::uint8_t identifier = 0;
  while (at_end_ && cursor.take(identifier)) {
    const bool is_wanted = kind_of(identifier) == kWanted;
    if (is_wanted ? !take_value(cursor, value_) : !skip(cursor, kind_of(identifier))) break;
    at_end_ = !is_wanted;
  }
  rest_ = cursor.rest();
}

template class PropertyRange<UserProperty>;
template class PropertyRange<std::uint32_t>;

void Properties::set(Property property, std::uint32_t value) noexcept {
  switch (property) {
    case Property::payload_format: payload_format = static_cast<std::uint8_t>(value); break;
    case Property::message_expiry: message_expiry = Seconds(value); break;
    case Property::subscription_id: subscription_id = value; break;
    case Property::session_expiry: session_expiry = Seconds(value); break;
    case Property::server_keep_alive: server_keep_alive = Seconds(value); break;
    case Property::request_problem_information: request_problem_information = value != 0; break;
    case Property::will_delay: will_delay = Seconds(value); break;
    case Property::request_response_information: request_response_information = value != 0; break;
    case Property::receive_maximum: receive_maximum = static_cast<std::uint16_t>(value); break;
    case Property::topic_alias_maximum: topic_alias_maximum = static_cast<std::uint16_t>(value); break;
    case Property::topic_alias: topic_alias = static_cast<std::uint16_t>(value); break;
    case Property::maximum_qos: maximum_qos = static_cast<Qos>(value); break;
    case Property::retain_available: retain_available = value != 0; break;
    case Property::maximum_packet_size: maximum_packet_size = value; break;
    case Property::wildcard_subscription_available: wildcard_subscription_available = value != 0; break;
    case Property::subscription_id_available: subscription_id_available = value != 0; break;
    case Property::shared_subscription_available: shared_subscription_available = value != 0; break;
    default: std::abort();
  }
  present |= bit(property);
  block_has_all = false;
}

void Properties::set(Property property, std::string_view value) noexcept {
  switch (property) {
    case Property::content_type: content_type = value; break;
    case Property::response_topic: response_topic = value; break;
    case Property::assigned_client_id: assigned_client_id = value; break;
    case Property::auth_method: auth_method = value; break;
    case Property::response_information: response_information = value; break;
    case Property::server_reference: server_reference = value; break;
    case Property::reason_string: reason_string = value; break;
    default: std::abort();
  }
  present |= bit(property);
  block_has_all = false;
}

void Properties::set(Property property, std::span<const std::byte> value) noexcept {
  switch (property) {
    case Property::correlation_data: correlation_data = value; break;
    case Property::auth_data: auth_data = value; break;
    default: std::abort();
  }
  present |= bit(property);
  block_has_all = false;
}

void Properties::set_user_properties(std::span<const std::byte> encoded) noexcept {
  block = encoded;
  block_has_all = false;
  present = encoded.empty() ? present & ~bit(Property::user_property) : present | bit(Property::user_property);
}

}  // namespace holdfast::wire::mqtt
