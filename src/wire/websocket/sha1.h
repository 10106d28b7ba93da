// wire/websocket/sha1.h: SHA-1, for the one thing WebSocket wants it for. Not for anything secret: it is broken.
//
// Source: FIPS 180-4. Thread: a pure function. Cost: nothing allocates.
#pragma once

#include <array>
#include <cstddef>
#include <span>

namespace holdfast::wire::websocket {

inline constexpr std::size_t kSha1Bytes = 20;

[[nodiscard]] std::array<std::byte, kSha1Bytes> sha1(std::span<const std::byte> input) noexcept;

}  // namespace holdfast::wire::websocket
