// load/mqtt/payload.h: what a message of the generator begins with.
//
// Thread: values. The bytes are this machine's; publisher and subscriber are the same process.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>

#include "base/time.h"
#include "load/settings.h"

namespace holdfast::load {

struct MqttStamp {
  base::Duration::rep time = 0;  // of base::Clock: when it was sent, or meant to be
  std::uint32_t publisher = 0;
  std::uint32_t number = 0;  // 0, 1, 2... of this publisher

  [[nodiscard]] base::Time counted_from() const noexcept { return base::Time{base::Duration{time}}; }
};
static_assert(sizeof(MqttStamp) == kMessageBytesMin);

inline void write_stamp(std::span<std::byte> payload, const MqttStamp& stamp) noexcept {
  std::memcpy(payload.data(), &stamp, sizeof stamp);
}
[[nodiscard]] inline MqttStamp read_stamp(std::span<const std::byte> payload) noexcept {
  MqttStamp stamp;
  std::memcpy(&stamp, payload.data(), sizeof stamp);
  return stamp;
}

}  // namespace holdfast::load
