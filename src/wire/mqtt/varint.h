// wire/mqtt/varint.h: the Variable Byte Integer: 7 bits a byte, the lowest first, at most 4 bytes.
//
// Source: MQTT5 1.5.5, MQTT311 2.2.3. Thread: pure functions.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace holdfast::wire::mqtt {

inline constexpr std::size_t kVarintBytesMax = 4;
inline constexpr std::uint32_t kVarintMax = 268'435'455;

[[nodiscard]] constexpr std::size_t varint_bytes(std::size_t value) noexcept {
  return value < 0x80 ? 1 : value < 0x4000 ? 2 : value < 0x20'0000 ? 3 : 4;
}

enum class VarintStatus : std::uint8_t { ok, more, too_long };

struct Varint {
  VarintStatus status = VarintStatus::more;
  std::uint8_t bytes = 0;  // 0 unless ok
  std::uint32_t value = 0;

  //= MQTT5 [MQTT-1.5.5-1]
  // More bytes than it needs: malformed in MQTT 5; the older versions do not forbid it.
  [[nodiscard]] constexpr bool is_padded() const noexcept { return bytes > varint_bytes(value); }
};

[[nodiscard]] constexpr Varint read_varint(std::span<const std::byte> input) noexcept {
  std::uint32_t value = 0;
  for (std::size_t i = 0; i < kVarintBytesMax; ++i) {
    if (i == input.size()) return {};
    const auto byte = std::to_integer<std::uint32_t>(input[i]);
    value |= (byte & 0x7f) << (7 * i);
    if (byte < 0x80) return {VarintStatus::ok, static_cast<std::uint8_t>(i + 1), value};
  }
  return {VarintStatus::too_long, 0, 0};
}

// `out` has room for varint_bytes(value), `value` is at most kVarintMax. Returns where it ends.
constexpr std::byte* write_varint(std::byte* out, std::size_t value) noexcept {
  for (; value >= 0x80; value >>= 7) *out++ = static_cast<std::byte>(value & 0x7f) | std::byte{0x80};
  *out++ = static_cast<std::byte>(value);
  return out;
}

}  // namespace holdfast::wire::mqtt
