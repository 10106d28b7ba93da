// broker/core/flat_table.h: small records found by their hash, in 64 parts of which each grows alone.
//
// Thread: one owner. Cost: find, insert, erase O(1); no insert moves more than 1/64 of the table.
// Memory: a part of more than 8 slots is 3/8 to 3/4 full after growing, so a record costs 1.33 to 2.67 times its size;
//         it shrinks when it is less than 3/16 full. An empty table owns nothing but 1 kB.
// `Slot` is a trivially copied struct with an unsigned member `hash`, which 0 marks as free. Several slots of one hash
// may stand side by side. Hashes must be even over all their bits. A slot stays where it is until the next insert or
// erase.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <type_traits>

namespace holdfast::broker {

template <typename Slot>
class FlatTable {
 public:
  using Hash = decltype(Slot::hash);
  static_assert(std::is_unsigned_v<Hash> && std::is_trivially_copyable_v<Slot>);

  // The first slot of that hash that `is_it` accepts, or null.
  template <typename IsIt>
  [[nodiscard]] Slot* find(Hash hash, IsIt&& is_it) noexcept {
    Part& part = part_of(hash);
    if (part.slots == nullptr) return nullptr;
    for (std::size_t i = hash & part.mask; part.slots[i].hash != 0; i = (i + 1) & part.mask) {
      if (part.slots[i].hash == hash && is_it(part.slots[i])) return &part.slots[i];
    }
    return nullptr;
  }
  [[nodiscard]] Slot* find(Hash hash) noexcept {
    return find(hash, [](const Slot&) { return true; });
  }
  template <typename IsIt>
  [[nodiscard]] const Slot* find(Hash hash, IsIt&& is_it) const noexcept {
    return const_cast<FlatTable*>(this)->find(hash, is_it);
  }
  [[nodiscard]] const Slot* find(Hash hash) const noexcept { return const_cast<FlatTable*>(this)->find(hash); }

  // For a find() that follows a little later.
  void prefetch(Hash hash) const noexcept {
    const Part& part = part_of(hash);
    if (part.slots != nullptr) __builtin_prefetch(&part.slots[hash & part.mask]);
  }

  // Adds, whatever is there already; `slot.hash` must not be 0.
  Slot& insert(const Slot& slot) {
    Part& part = part_of(slot.hash);
    if (part.slots == nullptr || (part.size + 1) * 4 > capacity(part) * 3) resize(part, capacity(part) * 2);
    ++part.size;
    ++size_;
    return place(part, slot);
  }

  // `slot` must be one that find() or insert() gave.
  void erase(Slot* slot) {
    Part& part = part_of(slot->hash);
    close_gap(part, static_cast<std::size_t>(slot - part.slots.get()));
    --size_;
    if (--part.size == 0) {
      drop(part);
    } else if (capacity(part) > kSlotsMin && part.size * 16 < capacity(part) * 3) {
      resize(part, capacity(part) / 2);
    }
  }

  [[nodiscard]] std::size_t size() const noexcept { return size_; }
  [[nodiscard]] std::size_t memory_bytes() const noexcept { return slots_ * sizeof(Slot); }

 private:
  static constexpr std::size_t kParts = 64;
  static constexpr std::size_t kSlotsMin = 8;

  struct Part {
    std::unique_ptr<Slot[]> slots;
    std::uint32_t mask = 0;
    std::uint32_t size = 0;
  };

  [[nodiscard]] Part& part_of(Hash hash) noexcept { return parts_[hash >> (std::numeric_limits<Hash>::digits - 6)]; }
  [[nodiscard]] const Part& part_of(Hash hash) const noexcept {
    return parts_[hash >> (std::numeric_limits<Hash>::digits - 6)];
  }
  [[nodiscard]] static std::size_t capacity(const Part& part) noexcept {
    return part.slots == nullptr ? 0 : std::size_t{part.mask} + 1;
  }

  static Slot& place(Part& part, const Slot& slot) noexcept {
    std::size_t i = slot.hash & part.mask;
    while (part.slots[i].hash != 0) i = (i + 1) & part.mask;
    return part.slots[i] = slot;
  }

  // Moves back what stands behind the gap and would no longer be found.
  static void close_gap(Part& part, std::size_t gap) noexcept {
    for (std::size_t i = (gap + 1) & part.mask; part.slots[i].hash != 0; i = (i + 1) & part.mask) {
      const std::size_t home = part.slots[i].hash & part.mask;
      if (((i - home) & part.mask) < ((i - gap) & part.mask)) continue;
      part.slots[gap] = part.slots[i];
      gap = i;
    }
    part.slots[gap].hash = 0;
  }

  void drop(Part& part) noexcept {
    slots_ -= capacity(part);
    part = Part{};
  }

  void resize(Part& part, std::size_t wanted) {
    const std::size_t count = std::max(wanted, kSlotsMin);
    Part grown{std::make_unique<Slot[]>(count), static_cast<std::uint32_t>(count - 1), part.size};
    for (std::size_t i = 0; i < capacity(part); ++i) {
      if (part.slots[i].hash != 0) place(grown, part.slots[i]);
    }
    slots_ += count - capacity(part);
    part = std::move(grown);
  }

  std::array<Part, kParts> parts_;
  std::size_t size_ = 0;
  std::size_t slots_ = 0;
};

}  // namespace holdfast::broker
