// wire/mqtt/encode_properties.h: writes the properties of one packet. Only for the files of this folder.
//
// Source: MQTT5 2.2.2.
#pragma once

#include "wire/mqtt/sink.h"

namespace holdfast::wire::mqtt {

// Those of `properties` that are also in `wanted`, without a length.
void put_properties(Counter& sink, const Properties& properties, std::uint64_t wanted) noexcept;
void put_properties(Writer& sink, const Properties& properties, std::uint64_t wanted) noexcept;

//= MQTT5 [MQTT-2.2.2-1]
// All of them, behind their length; nothing before MQTT 5.
template <typename Sink>
void put_with_length(Sink& sink, const Properties& properties, Version version) noexcept {
  if (version != Version::v5) return;
  constexpr std::uint64_t kAll = ~std::uint64_t{0};
  Counter counter;
  put_properties(counter, properties, kAll);
  sink.varint(counter.bytes());
  put_properties(sink, properties, kAll);
}

}  // namespace holdfast::wire::mqtt
