// net/timer_wheel.h: coarse deadlines for connections (connect, handshake, idle), by the million.
//
// Thread:    the owner loop's thread only; nothing here locks or allocates.
// Cost:      arm, cancel and fire O(1); a deadline is moved at most three times on its way. 12 bytes inside the object.
//            Re-arm lazily: on activity note the time only, and look when the old deadline fires how long is left.
// Precision: fires at or after the deadline, at most one tick (16 ms) plus one turn of the loop late.
// Limits:    objects are named by a slab index below 2^24. A deadline further away than 74 hours is kept, at the cost
//            of one move every 74 hours.
// Source:    hierarchical timing wheels, Varghese and Lauck, SOSP 1987, scheme 7.
#pragma once

#include <array>
#include <cstdint>
#include <optional>

#include "base/time.h"

namespace holdfast::net {

class TimerWheel {
 public:
  struct Node {
    static constexpr std::uint32_t kUnarmed = ~0U;
    std::uint32_t prev = kUnarmed;  // an index, or kHead | slot when it is the first of its slot
    std::uint32_t next = kUnarmed;
    base::Tick deadline;

    [[nodiscard]] bool armed() const noexcept { return prev != kUnarmed; }
  };

  // Where the nodes live, and who is told.
  class Owner {
   public:
    virtual Node& timer_node(std::uint32_t index) noexcept = 0;
    // The node is no longer armed. May arm or cancel any node and may destroy its own object.
    virtual void on_deadline(std::uint32_t index) = 0;

   protected:
    ~Owner() = default;
  };

  TimerWheel(Owner& owner, base::Tick now) noexcept;

  // Replaces any deadline the node already has. A deadline that has passed fires with the next tick.
  void arm(std::uint32_t index, base::Tick deadline) noexcept;
  void cancel(std::uint32_t index) noexcept;  // no-op when not armed

  // Fires what is due by `now`.
  void advance(base::Tick now);
  // When advance() should be called next; none when nothing is armed. May be earlier than the first deadline.
  [[nodiscard]] std::optional<base::Tick> next() const noexcept;

 private:
  static constexpr std::uint32_t kLevels = 4;
  static constexpr std::uint32_t kSlotBits = 6;
  static constexpr std::uint32_t kSlots = 1U << kSlotBits;
  static constexpr std::uint32_t kHorizon = 1U << (kLevels * kSlotBits);
  static constexpr std::uint32_t kHead = 1U << 31;

  struct Expiry {
    std::uint32_t level;
    std::uint32_t slot;
    base::Tick tick;
  };

  void place(std::uint32_t index, Node& node) noexcept;
  void unlink(Node& node) noexcept;
  [[nodiscard]] std::optional<Expiry> next_expiry() const noexcept;

  Owner& owner_;
  base::Tick elapsed_;                             // everything up to and including this tick has fired
  std::array<std::uint64_t, kLevels> occupied_{};  // a bit for each slot that has nodes
  std::array<std::uint32_t, std::size_t{kLevels} * kSlots> first_;  // the first node of each slot
};

}  // namespace holdfast::net
