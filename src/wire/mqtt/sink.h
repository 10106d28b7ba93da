// wire/mqtt/sink.h: how packets are written: each is described once, counted first and then written in one piece.
// Only for the files of this folder.
//
// Thread: values of the caller's. Cost: a packet is walked twice; `out` grows at most once.
#pragma once

#include <cstring>

#include "wire/big_endian.h"
#include "wire/mqtt/encode.h"
#include "wire/mqtt/varint.h"

namespace holdfast::wire::mqtt {

// Adds up what a Writer would write.
class Counter {
 public:
  void u8(std::uint8_t) noexcept { bytes_ += 1; }
  void u16(std::uint16_t) noexcept { bytes_ += 2; }
  void u32(std::uint32_t) noexcept { bytes_ += 4; }
  void varint(std::size_t value) noexcept {
    fits_ = fits_ && value <= kVarintMax;
    bytes_ += varint_bytes(value);
  }
  void raw(std::span<const std::byte> bytes) noexcept { bytes_ += bytes.size(); }
  void field(std::span<const std::byte> bytes) noexcept {
    fits_ = fits_ && bytes.size() <= kTextBytesMax;
    bytes_ += 2 + bytes.size();
  }
  void field(std::string_view text) noexcept { field(std::as_bytes(std::span(text))); }
  // What is not written by the Writer but belongs to the packet.
  void follows(std::size_t bytes) noexcept { bytes_ += bytes; }

  [[nodiscard]] std::size_t bytes() const noexcept { return bytes_; }
  [[nodiscard]] bool fits() const noexcept { return fits_ && bytes_ <= kBodyBytesMax; }

 private:
  std::size_t bytes_ = 0;
  bool fits_ = true;
};

// Writes to where there is room for all that was counted.
class Writer {
 public:
  explicit Writer(std::byte* at) noexcept : at_(at) {}

  void u8(std::uint8_t value) noexcept { *at_++ = std::byte{value}; }
  void u16(std::uint16_t value) noexcept {
    write_u16(std::span<std::byte, 2>(at_, 2), value);
    at_ += 2;
  }
  void u32(std::uint32_t value) noexcept {
    write_u32(std::span<std::byte, 4>(at_, 4), value);
    at_ += 4;
  }
  void varint(std::size_t value) noexcept { at_ = write_varint(at_, value); }
  void raw(std::span<const std::byte> bytes) noexcept {
    if (!bytes.empty()) std::memcpy(at_, bytes.data(), bytes.size());
    at_ += bytes.size();
  }
  void field(std::span<const std::byte> bytes) noexcept {
    u16(static_cast<std::uint16_t>(bytes.size()));
    raw(bytes);
  }
  void field(std::string_view text) noexcept { field(std::as_bytes(std::span(text))); }
  void follows(std::size_t) noexcept {}

 private:
  std::byte* at_;
};

[[nodiscard]] constexpr std::uint8_t first_byte(PacketType type, unsigned flags = 0) noexcept {
  return static_cast<std::uint8_t>(static_cast<unsigned>(type) << 4 | flags);
}

// Room for `bytes` more at the end of `out`.
[[nodiscard]] inline std::byte* grow(Bytes& out, std::size_t bytes) {
  const std::size_t before = out.size();
  out.resize(before + bytes);
  return out.data() + before;
}

// A packet whose body is what `put(sink)` writes; `follows` bytes of it are written by somebody else.
template <typename Put>
[[nodiscard]] bool append_packet(Bytes& out, std::uint8_t first, const Put& put, std::size_t follows = 0) {
  Counter counter;
  put(counter);
  const std::size_t here = counter.bytes();
  counter.follows(follows);
  if (!counter.fits()) return false;
  Writer writer(grow(out, 1 + varint_bytes(counter.bytes()) + here));
  writer.u8(first);
  writer.varint(counter.bytes());
  put(writer);
  return true;
}

}  // namespace holdfast::wire::mqtt
