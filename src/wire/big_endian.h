// wire/big_endian.h: numbers in network order.
//
// Thread: pure functions. Cost: a load or a store; the sizes are checked while compiling.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace holdfast::wire {

[[nodiscard]] constexpr std::uint16_t read_u16(std::span<const std::byte, 2> in) noexcept {
  return static_cast<std::uint16_t>(std::to_integer<unsigned>(in[0]) << 8 | std::to_integer<unsigned>(in[1]));
}

[[nodiscard]] constexpr std::uint32_t read_u32(std::span<const std::byte, 4> in) noexcept {
  return std::uint32_t{read_u16(in.first<2>())} << 16 | read_u16(in.last<2>());
}

constexpr void write_u16(std::span<std::byte, 2> out, std::uint16_t value) noexcept {
  out[0] = static_cast<std::byte>(value >> 8);
  out[1] = static_cast<std::byte>(value & 0xff);
}

constexpr void write_u32(std::span<std::byte, 4> out, std::uint32_t value) noexcept {
  write_u16(out.first<2>(), static_cast<std::uint16_t>(value >> 16));
  write_u16(out.last<2>(), static_cast<std::uint16_t>(value & 0xffff));
}

}  // namespace holdfast::wire
