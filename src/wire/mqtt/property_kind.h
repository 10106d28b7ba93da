// wire/mqtt/property_kind.h: how each property is encoded. Only for the files of this folder.
//
// Source: MQTT5 2.2.2.2. Thread: constants.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "wire/mqtt/properties.h"

namespace holdfast::wire::mqtt {

enum class PropertyKind : std::uint8_t { none, byte, two_bytes, four_bytes, varint, text, binary, pair };

inline constexpr std::size_t kPropertyEnd = 0x2b;  // behind the last identifier

//= MQTT5 2.2.2.2
inline constexpr auto kPropertyKinds = [] {
  using enum PropertyKind;
  std::array<PropertyKind, kPropertyEnd> kinds{};
  const auto set = [&kinds](Property property, PropertyKind kind) { kinds[static_cast<std::size_t>(property)] = kind; };
  for (const Property each :
       {Property::payload_format, Property::request_problem_information, Property::request_response_information,
        Property::maximum_qos, Property::retain_available, Property::wildcard_subscription_available,
        Property::subscription_id_available, Property::shared_subscription_available}) {
    set(each, byte);
  }
  for (const Property each :
       {Property::server_keep_alive, Property::receive_maximum, Property::topic_alias_maximum, Property::topic_alias}) {
    set(each, two_bytes);
  }
  for (const Property each :
       {Property::message_expiry, Property::session_expiry, Property::will_delay, Property::maximum_packet_size}) {
    set(each, four_bytes);
  }
  for (const Property each :
       {Property::content_type, Property::response_topic, Property::assigned_client_id, Property::auth_method,
        Property::response_information, Property::server_reference, Property::reason_string}) {
    set(each, text);
  }
  for (const Property each : {Property::correlation_data, Property::auth_data}) set(each, binary);
  set(Property::subscription_id, varint);
  set(Property::user_property, pair);
  return kinds;
}();

[[nodiscard]] constexpr PropertyKind kind_of(std::uint8_t identifier) noexcept {
  return identifier < kPropertyEnd ? kPropertyKinds[identifier] : PropertyKind::none;
}
[[nodiscard]] constexpr PropertyKind kind_of(Property property) noexcept {
  return kind_of(static_cast<std::uint8_t>(property));
}

}  // namespace holdfast::wire::mqtt
