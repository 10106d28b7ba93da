// policy/maglev.h: which server a key belongs to: a table of slots, each with the index of a server.
//
// Thread: immutable; built by control, shared by workers. Cost: a look-up is one load; a table is 128 KiB and takes
//         some milliseconds to build, mostly whatever the number of servers.
// Shares: of W in all, a server of weight w gets 65537 * w / W slots, rounded up or down.
// Limits: 65,534 servers. One whose part is less than a slot may get none (with equal weights nobody, as long as there
//         are that few); keys come to it only when the servers of theirs do not take them. Above some 16,000 servers
//         the rounding is felt: of equal servers some have one slot, others two. Weight 0 gets none.
// Source: Eisenbud et al., Maglev, NSDI 2016, 3.4: every server takes slots in turn in an order of its own. Plain
//         Maglev moves up to twice the keys it must when servers come and go. Here a table that has a predecessor
//         keeps every slot of a server that stays, up to its new number, and only the others are given away. So the
//         fewest keys move, but the table depends on its history; without a predecessor it is the same on every
//         gateway.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

namespace holdfast::policy {

class MaglevTable {
 public:
  static constexpr std::uint32_t kSlots = 65'537;  // a prime, so that every step visits every slot
  static constexpr std::uint16_t kNone = 0xffff;   // in every slot, when no server has a weight

  struct Entry {
    std::uint64_t name_hash = 0;  // of the name that stays with the server: who it is, from table to table
    std::uint32_t weight = 0;     // as configured: a server that is down, aside or in slow start keeps its slots
  };

  // The order of `entries` is that of the servers in the view. A server of `previous` is found again by its name_hash;
  // nothing is kept of `previous` itself. Throws std::length_error beyond the limit.
  [[nodiscard]] static std::shared_ptr<const MaglevTable> build(std::span<const Entry> entries,
                                                                const MaglevTable* previous = nullptr);

  [[nodiscard]] std::uint16_t operator[](std::uint32_t slot) const noexcept { return slots_[slot]; }
  [[nodiscard]] std::span<const std::uint16_t> slots() const noexcept { return slots_; }
  [[nodiscard]] std::size_t servers() const noexcept { return names_.size(); }

 private:
  std::array<std::uint16_t, kSlots> slots_{};
  std::vector<std::uint64_t> names_;  // of the servers, by index
};

}  // namespace holdfast::policy
