// wire/mqtt/cursor.h: takes the fields of a packet one after the other. Only for the files of this folder.
//
// Thread: a value of the caller's. Limits: never reads behind the end: a field that does not fit is not taken.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "wire/big_endian.h"
#include "wire/mqtt/varint.h"

namespace holdfast::wire::mqtt {

class Cursor {
 public:
  explicit Cursor(std::span<const std::byte> bytes) noexcept : rest_(bytes) {}

  [[nodiscard]] std::span<const std::byte> rest() const noexcept { return rest_; }
  [[nodiscard]] bool at_end() const noexcept { return rest_.empty(); }

  // Each is false, and takes nothing, when the field is not all there.
  [[nodiscard]] bool take(std::uint8_t& out) noexcept {
    if (rest_.empty()) return false;
    out = std::to_integer<std::uint8_t>(rest_.front());
    rest_ = rest_.subspan(1);
    return true;
  }

  [[nodiscard]] bool take(std::uint16_t& out) noexcept {
    if (rest_.size() < 2) return false;
    out = read_u16(rest_.first<2>());
    rest_ = rest_.subspan(2);
    return true;
  }

  [[nodiscard]] bool take(std::uint32_t& out) noexcept {
    if (rest_.size() < 4) return false;
    out = read_u32(rest_.first<4>());
    rest_ = rest_.subspan(4);
    return true;
  }

  // Binary Data: MQTT5 1.5.6.
  [[nodiscard]] bool take(std::span<const std::byte>& out) noexcept {
    if (rest_.size() < 2) return false;
    const std::size_t bytes = read_u16(rest_.first<2>());
    if (rest_.size() - 2 < bytes) return false;
    out = rest_.subspan(2, bytes);
    rest_ = rest_.subspan(2 + bytes);
    return true;
  }

  // The bytes of a UTF-8 Encoded String, which are not looked at.
  [[nodiscard]] bool take(std::string_view& out) noexcept {
    std::span<const std::byte> bytes;
    if (!take(bytes)) return false;
    out = {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
    return true;
  }

  [[nodiscard]] bool take_bytes(std::size_t count, std::span<const std::byte>& out) noexcept {
    if (rest_.size() < count) return false;
    out = rest_.first(count);
    rest_ = rest_.subspan(count);
    return true;
  }

  // Of MQTT 5, where a padded one is none.
  [[nodiscard]] bool take_varint(std::uint32_t& out) noexcept {
    const Varint varint = read_varint(rest_);
    if (varint.status != VarintStatus::ok || varint.is_padded()) return false;
    out = varint.value;
    rest_ = rest_.subspan(varint.bytes);
    return true;
  }

 private:
  std::span<const std::byte> rest_;
};

}  // namespace holdfast::wire::mqtt
