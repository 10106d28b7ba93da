// wire/websocket/frame.h: the frames of WebSocket: their heads, their masks, and why a connection is closed.
//
// Source: RFC 6455, 5 and 7.4. Thread: pure functions and values.
// Cost: nothing allocates but what is appended to a vector; masking takes eight bytes at a time.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

namespace holdfast::wire::websocket {

enum class Opcode : std::uint8_t {
  continuation = 0x0,
  text = 0x1,
  binary = 0x2,
  close = 0x8,
  ping = 0x9,
  pong = 0xa,
};

// RFC6455 7.4.1 and the registry behind it; peers may use others from 3000 to 4999.
enum class CloseCode : std::uint16_t {
  normal = 1000,
  going_away = 1001,
  protocol_error = 1002,
  unsupported_data = 1003,
  none = 1005,  // a close without a code; never sent
  invalid_payload = 1007,
  policy_violation = 1008,
  message_too_big = 1009,
  mandatory_extension = 1010,
  internal_error = 1011,
  service_restart = 1012,
  try_again_later = 1013,
  bad_gateway = 1014,
};

// Whether a close frame may say this code (RFC6455 7.4.2).
[[nodiscard]] bool may_be_sent(CloseCode code) noexcept;

inline constexpr std::size_t kControlBytesMax = 125;      // RFC6455 5.5
inline constexpr std::size_t kCloseReasonBytesMax = 123;  // what is left of it behind the code
inline constexpr std::size_t kFrameHeadBytesMax = 14;

// XORed over the payload of what a client sends.
using Mask = std::array<std::byte, 4>;

// Masks or unmasks, which is the same. Returns the mask for the bytes that follow these in the frame.
Mask apply_mask(std::span<std::byte> payload, const Mask& mask) noexcept;

// The head of a frame that is a whole message, to be sent before its payload.
struct FrameHead {
  std::array<std::byte, kFrameHeadBytesMax> storage;
  std::uint8_t size = 0;

  [[nodiscard]] std::span<const std::byte> bytes() const noexcept { return std::span(storage).first(size); }
};

// With a mask for a client, without for a server. The payload is for the caller to mask.
[[nodiscard]] FrameHead frame_head(Opcode opcode, std::uint64_t payload_bytes,
                                   const std::optional<Mask>& mask = std::nullopt) noexcept;
[[nodiscard]] std::size_t frame_head_bytes(std::uint64_t payload_bytes) noexcept;  // without a mask

// A whole frame, with its payload masked where there is a mask. A control frame with more than kControlBytesMax is a
// programming error and ends the process.
void append_frame(std::vector<std::byte>& out, Opcode opcode, std::span<const std::byte> payload,
                  const std::optional<Mask>& mask = std::nullopt);
// `reason` is UTF-8, and cut before the character that does not fit. A code that may not be sent is left out, and the
// reason with it.
void append_close(std::vector<std::byte>& out, CloseCode code, std::string_view reason,
                  const std::optional<Mask>& mask = std::nullopt);

}  // namespace holdfast::wire::websocket
