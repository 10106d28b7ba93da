#include "wire/websocket/frame_reader.h"

#include <algorithm>

#include "base/utf8.h"
#include "wire/big_endian.h"

namespace holdfast::wire::websocket {
namespace {

constexpr FrameFault kReservedBits{CloseCode::protocol_error, "RFC6455 5.2", "reserved bits without an extension"};
constexpr FrameFault kOpcode{CloseCode::protocol_error, "RFC6455 5.2", "an unknown opcode"};
constexpr FrameFault kLongLength{CloseCode::protocol_error, "RFC6455 5.2", "a length in more bytes than it needs"};
constexpr FrameFault kSignedLength{CloseCode::protocol_error, "RFC6455 5.2", "a length of 64 bits"};
constexpr FrameFault kNotMasked{CloseCode::protocol_error, "RFC6455 5.1", "a client's frame without a mask"};
constexpr FrameFault kMasked{CloseCode::protocol_error, "RFC6455 5.1", "a server's frame with a mask"};
constexpr FrameFault kControlInPieces{CloseCode::protocol_error, "RFC6455 5.5", "a control frame in pieces"};
constexpr FrameFault kControlTooLong{CloseCode::protocol_error, "RFC6455 5.5", "a control frame above 125 bytes"};
constexpr FrameFault kNothingContinued{CloseCode::protocol_error, "RFC6455 5.4", "a continuation of nothing"};
constexpr FrameFault kNotContinued{CloseCode::protocol_error, "RFC6455 5.4", "a new message within another"};
//= MQTT5 [MQTT-6.0.0-1]
//= MQTT311 [MQTT-6.0.0-1]
constexpr FrameFault kText{CloseCode::unsupported_data, "MQTT5 [MQTT-6.0.0-1]", "a text message"};
constexpr FrameFault kTooBig{CloseCode::message_too_big, "RFC6455 7.4.1", "a frame above the limit"};
constexpr FrameFault kHalfCode{CloseCode::protocol_error, "RFC6455 5.5.1", "a close with half a code"};
constexpr FrameFault kBadCode{CloseCode::protocol_error, "RFC6455 7.4.1", "a close with a code that is not to be sent"};
constexpr FrameFault kBadReason{CloseCode::invalid_payload, "RFC6455 5.5.1", "a close whose reason is not UTF-8"};

constexpr std::uint8_t kFin = 0x80;
constexpr std::uint8_t kReserved = 0x70;
constexpr std::uint8_t kOpcodeBits = 0x0f;
constexpr std::uint8_t kControl = 0x08;
constexpr std::uint8_t kMaskBit = 0x80;
constexpr std::uint8_t kLengthBits = 0x7f;
constexpr std::uint8_t kLength16 = 126;
constexpr std::uint8_t kLength64 = 127;

bool is_known(Opcode opcode) {
  switch (opcode) {
    case Opcode::continuation:
    case Opcode::text:
    case Opcode::binary:
    case Opcode::close:
    case Opcode::ping:
    case Opcode::pong: return true;
  }
  return false;
}

}  // namespace

// As far as it has come. What is judged first shows first.
struct FrameReader::Head {
  std::uint8_t first = 0;
  std::uint8_t second = 0;
  bool has_second = false;
  bool has_length = false;
  bool is_whole = false;
  std::uint8_t bytes = 2;
  std::uint64_t payload_bytes = 0;
  Mask mask{};

  explicit Head(std::span<const std::byte> input) noexcept {
    first = std::to_integer<std::uint8_t>(input[0]);
    if (input.size() < 2) return;
    has_second = true;
    second = std::to_integer<std::uint8_t>(input[1]);
    const std::uint8_t length = second & kLengthBits;
    const std::size_t length_bytes = length == kLength16 ? 2 : length == kLength64 ? 8 : 0;
    if (input.size() < 2 + length_bytes) return;
    has_length = true;
    payload_bytes = length;
    if (length == kLength16) payload_bytes = read_u16(input.subspan<2, 2>());
    if (length == kLength64) {
      payload_bytes = std::uint64_t{read_u32(input.subspan<2, 4>())} << 32 | read_u32(input.subspan<6, 4>());
    }
    bytes = static_cast<std::uint8_t>(2 + length_bytes + (is_masked() ? 4 : 0));
    is_whole = input.size() >= bytes;
    if (is_whole && is_masked()) std::ranges::copy(input.subspan(2 + length_bytes, 4), mask.begin());
  }

  [[nodiscard]] Opcode opcode() const { return static_cast<Opcode>(first & kOpcodeBits); }
  [[nodiscard]] bool is_last() const { return (first & kFin) != 0; }
  [[nodiscard]] bool is_control() const { return (first & kControl) != 0; }
  [[nodiscard]] bool is_masked() const { return (second & kMaskBit) != 0; }
  [[nodiscard]] std::uint8_t short_length() const { return second & kLengthBits; }
};

// What is wrong with as much of a head as is there, or null.
const FrameFault* FrameReader::check(const Head& head, std::uint64_t frame_bytes_max) const noexcept {
  //= RFC6455 5.2
  if ((head.first & kReserved) != 0) return &kReservedBits;
  if (!is_known(head.opcode())) return &kOpcode;
  //= RFC6455 5.5
  if (head.is_control() && !head.is_last()) return &kControlInPieces;
  //= RFC6455 5.4
  if (!head.is_control()) {
    const bool is_continuation = head.opcode() == Opcode::continuation;
    if (is_continuation && !is_in_message_) return &kNothingContinued;
    if (!is_continuation && is_in_message_) return &kNotContinued;
    if (head.opcode() == Opcode::text) return &kText;
  }
  if (!head.has_second) return nullptr;
  //= RFC6455 5.1
  if (head.is_masked() != (sender_ == Sender::client)) return sender_ == Sender::client ? &kNotMasked : &kMasked;
  if (head.is_control() && head.short_length() > kControlBytesMax) return &kControlTooLong;
  if (!head.has_length) return nullptr;
  if (head.payload_bytes >> 63 != 0) return &kSignedLength;
  const std::uint64_t least = head.short_length() == kLength16   ? kLength16
                              : head.short_length() == kLength64 ? 65'536
                                                                 : 0;
  if (head.payload_bytes < least) return &kLongLength;
  if (head.payload_bytes > frame_bytes_max) return &kTooBig;
  return nullptr;
}

FrameRead FrameReader::read(std::span<std::byte> input, std::uint64_t frame_bytes_max) noexcept {
  if (is_ended_) return {FrameEvent::more, input.size(), {}, CloseCode::none, nullptr};
  if (input.empty()) return {};
  return payload_left_ != 0 ? take_data(input, 0) : begin_frame(input, frame_bytes_max);
}

FrameRead FrameReader::begin_frame(std::span<std::byte> input, std::uint64_t frame_bytes_max) noexcept {
  // Frames without a payload are passed over, so that what is said is always something.
  for (std::size_t before = 0;;) {
    const FrameRead nothing{FrameEvent::more, before, {}, CloseCode::none, nullptr};
    const std::span<std::byte> rest = input.subspan(before);
    if (rest.empty()) return nothing;
    const Head head(rest);
    if (const FrameFault* fault = check(head, frame_bytes_max)) return end(*fault);
    if (!head.is_whole) return nothing;
    if (head.is_control()) {
      FrameRead read = take_control(head, rest);
      read.bytes += before;
      return read;
    }
    is_in_message_ = !head.is_last();
    payload_left_ = head.payload_bytes;
    mask_ = head.mask;
    before += head.bytes;
    if (payload_left_ != 0) return take_data(input, before);
  }
}

//= MQTT5 [MQTT-6.0.0-2]
//= MQTT311 [MQTT-6.0.0-2]
// The part of the payload that is there, behind `before` bytes of heads.
FrameRead FrameReader::take_data(std::span<std::byte> input, std::size_t before) noexcept {
  const std::size_t here = std::min<std::uint64_t>(input.size() - before, payload_left_);
  if (here == 0) return {FrameEvent::more, before, {}, CloseCode::none, nullptr};
  const std::span<std::byte> payload = input.subspan(before, here);
  if (sender_ == Sender::client) mask_ = apply_mask(payload, mask_);
  payload_left_ -= here;
  return {FrameEvent::data, before + here, payload, CloseCode::none, nullptr};
}

// A control frame is taken only as a whole: it is short.
FrameRead FrameReader::take_control(const Head& head, std::span<std::byte> input) noexcept {
  if (input.size() - head.bytes < head.payload_bytes) return {};
  const std::span<std::byte> payload = input.subspan(head.bytes, head.payload_bytes);
  if (sender_ == Sender::client) apply_mask(payload, head.mask);
  const std::size_t bytes = head.bytes + payload.size();
  if (head.opcode() == Opcode::ping) return {FrameEvent::ping, bytes, payload, CloseCode::none, nullptr};
  if (head.opcode() == Opcode::pong) return {FrameEvent::pong, bytes, payload, CloseCode::none, nullptr};
  //= RFC6455 5.5.1
  if (payload.empty()) return is_ended_ = true, FrameRead{FrameEvent::close, bytes, {}, CloseCode::none, nullptr};
  if (payload.size() == 1) return end(kHalfCode);
  const auto code = static_cast<CloseCode>(read_u16(payload.first<2>()));
  if (!may_be_sent(code)) return end(kBadCode);
  const std::span<std::byte> reason = payload.subspan(2);
  if (!base::is_utf8({reinterpret_cast<const char*>(reason.data()), reason.size()})) return end(kBadReason);
  is_ended_ = true;
  return {FrameEvent::close, bytes, reason, code, nullptr};
}

FrameRead FrameReader::end(const FrameFault& fault) noexcept {
  is_ended_ = true;
  return {FrameEvent::fault, 0, {}, CloseCode::none, &fault};
}

}  // namespace holdfast::wire::websocket
