// wire/mqtt/decode_properties.h: the properties of one packet. Only for the files of this folder.
//
// Source: MQTT5 2.2.2. Thread: pure functions. Cost: one walk; nothing allocates.
#pragma once

#include "wire/mqtt/cursor.h"
#include "wire/mqtt/properties.h"

namespace holdfast::wire::mqtt {

// Whose properties they are.
enum class PropertiesOf : std::uint8_t {
  connect,
  will,
  connack,
  publish_of_client,
  publish_of_server,
  ack,
  subscribe,
  suback,
  unsubscribe,
  disconnect_of_client,
  disconnect_of_server,
  auth,
};

// Takes the length and the properties from the front of `cursor`; `out` is one in which nothing is present.
[[nodiscard]] const Fault* take_properties(Cursor& cursor, PropertiesOf whose, Properties& out) noexcept;

// Nothing is present any more. Cheap when nothing was.
inline void clear(Properties& properties) noexcept {
  if (properties.present != 0 || properties.block.data() != nullptr) properties = Properties{};
}

}  // namespace holdfast::wire::mqtt
