// load/mqtt/ack_window.h: which messages of one publisher wait for PUBACK, or PUBREC and PUBCOMP.
//
// Message `number` has the packet identifier number modulo 65,535, and one. The window slides: a message that is not
// acknowledged keeps all from going more than `size` beyond it, so identifiers in use are never used twice.
// Thread: one owner; pure. Cost: O(1) a message, a byte for each place; allocates once.
#pragma once

#include <bit>
#include <cstdint>
#include <vector>

#include "wire/mqtt/reason.h"

namespace holdfast::load {

class AckWindow {
 public:
  enum class Verdict : std::uint8_t {
    done,     // acknowledged at last
    release,  // PUBREC: PUBREL is to be sent
    unknown,  // nothing waits for this
  };

  AckWindow() = default;
  // `size` in [1, 65,535].
  explicit AckWindow(std::uint32_t size) : places_(std::bit_ceil(size)), size_(size) {}

  [[nodiscard]] std::uint32_t room() const noexcept { return size_ - (next_ - oldest_); }
  [[nodiscard]] std::uint32_t waiting() const noexcept { return waiting_; }
  // The identifier of the next message, which waits from now on. Only while there is room.
  [[nodiscard]] std::uint16_t add(wire::mqtt::Qos qos) noexcept;
  // PUBACK, PUBREC or PUBCOMP. A failure in PUBREC ends it.
  [[nodiscard]] Verdict on_ack(wire::mqtt::PacketType type, std::uint16_t packet_id,
                               wire::mqtt::Reason reason) noexcept;

 private:
  enum class Place : std::uint8_t { free, puback, pubrec, pubcomp };
  static constexpr std::uint32_t kIds = 65'535;

  [[nodiscard]] Place& place(std::uint32_t number) noexcept { return places_[number & (places_.size() - 1)]; }

  std::vector<Place> places_;
  std::uint32_t size_ = 0;
  std::uint32_t oldest_ = 0;  // that waits; next_ when none does
  std::uint32_t next_ = 0;
  std::uint32_t waiting_ = 0;
};

}  // namespace holdfast::load
