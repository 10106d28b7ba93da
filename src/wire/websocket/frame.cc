#include "wire/websocket/frame.h"

#include <algorithm>
#include <cstdlib>
#include <cstring>

#include "base/utf8.h"
#include "wire/big_endian.h"

namespace holdfast::wire::websocket {
namespace {

constexpr std::uint8_t kFin = 0x80;
constexpr std::uint8_t kMasked = 0x80;
constexpr std::uint8_t kLength16 = 126;
constexpr std::uint8_t kLength64 = 127;

bool is_control(Opcode opcode) { return (static_cast<std::uint8_t>(opcode) & 0x8) != 0; }

// The longest beginning of `text` of at most `bytes` that does not cut a character.
std::string_view cut(std::string_view text, std::size_t bytes) {
  std::size_t end = 0;
  while (end < text.size()) {
    const std::size_t next = end + base::first_character(text.substr(end)).length;
    if (next > bytes) break;
    end = next;
  }
  return text.substr(0, end);
}

}  // namespace

//= RFC6455 7.4.1
//= RFC6455 7.4.2
bool may_be_sent(CloseCode code) noexcept {
  const auto number = static_cast<std::uint16_t>(code);
  return (number >= 1000 && number <= 1003) || (number >= 1007 && number <= 1014) || (number >= 3000 && number <= 4999);
}

//= RFC6455 5.3
Mask apply_mask(std::span<std::byte> payload, const Mask& mask) noexcept {
  std::array<std::byte, 8> twice;
  std::ranges::copy(mask, twice.begin());
  std::ranges::copy(mask, twice.begin() + 4);
  std::uint64_t wide_mask;
  std::memcpy(&wide_mask, twice.data(), sizeof wide_mask);

  std::size_t at = 0;
  for (; at + sizeof wide_mask <= payload.size(); at += sizeof wide_mask) {
    std::uint64_t word;
    std::memcpy(&word, payload.data() + at, sizeof word);
    word ^= wide_mask;
    std::memcpy(payload.data() + at, &word, sizeof word);
  }
  for (; at < payload.size(); ++at) payload[at] ^= mask[at % 4];

  Mask next;
  for (std::size_t i = 0; i < next.size(); ++i) next[i] = mask[(payload.size() + i) % 4];
  return next;
}

std::size_t frame_head_bytes(std::uint64_t payload_bytes) noexcept {
  return payload_bytes < kLength16 ? 2 : payload_bytes <= 0xffff ? 4 : 10;
}

//= RFC6455 5.2
FrameHead frame_head(Opcode opcode, std::uint64_t payload_bytes, const std::optional<Mask>& mask) noexcept {
  FrameHead head;
  const std::size_t bytes = frame_head_bytes(payload_bytes);
  const std::span<std::byte> out(head.storage);
  out[0] = std::byte{kFin} | static_cast<std::byte>(opcode);
  if (bytes == 2) {
    out[1] = static_cast<std::byte>(payload_bytes);
  } else if (bytes == 4) {
    out[1] = std::byte{kLength16};
    write_u16(out.subspan<2, 2>(), static_cast<std::uint16_t>(payload_bytes));
  } else {
    out[1] = std::byte{kLength64};
    write_u32(out.subspan<2, 4>(), static_cast<std::uint32_t>(payload_bytes >> 32));
    write_u32(out.subspan<6, 4>(), static_cast<std::uint32_t>(payload_bytes & 0xffff'ffff));
  }
  head.size = static_cast<std::uint8_t>(bytes);
  if (!mask) return head;
  out[1] |= std::byte{kMasked};
  std::ranges::copy(*mask, out.subspan(bytes).begin());
  head.size = static_cast<std::uint8_t>(bytes + mask->size());
  return head;
}

void append_frame(std::vector<std::byte>& out, Opcode opcode, std::span<const std::byte> payload,
                  const std::optional<Mask>& mask) {
  if (is_control(opcode) && payload.size() > kControlBytesMax) std::abort();
  const FrameHead head = frame_head(opcode, payload.size(), mask);
  out.insert(out.end(), head.bytes().begin(), head.bytes().end());
  out.insert(out.end(), payload.begin(), payload.end());
  if (mask) apply_mask(std::span(out).last(payload.size()), *mask);
}

//= RFC6455 5.5.1
void append_close(std::vector<std::byte>& out, CloseCode code, std::string_view reason,
                  const std::optional<Mask>& mask) {
  if (!may_be_sent(code)) return append_frame(out, Opcode::close, {}, mask);
  const std::string_view fitting = cut(reason, kCloseReasonBytesMax);
  std::array<std::byte, kControlBytesMax> payload;
  write_u16(std::span(payload).first<2>(), static_cast<std::uint16_t>(code));
  std::ranges::copy(std::as_bytes(std::span(fitting)), payload.begin() + 2);
  append_frame(out, Opcode::close, std::span(payload).first(2 + fitting.size()), mask);
}

}  // namespace holdfast::wire::websocket
