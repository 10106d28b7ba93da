// wire/crc32c.h: the checksum CRC32C (Castagnoli).
//
// Source: RFC 4960 appendix B; the value is the usual one, 0xe3069283 for "123456789".
// Thread: a pure function. Cost: one table look-up a byte; made for headers, not for streams.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace holdfast::wire {

// To go on where an earlier call stopped, give it that call's value as `before`.
[[nodiscard]] std::uint32_t crc32c(std::span<const std::byte> bytes, std::uint32_t before = 0) noexcept;

}  // namespace holdfast::wire
