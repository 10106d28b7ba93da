#include "net/timer_wheel.h"

#include <algorithm>
#include <bit>

namespace holdfast::net {

TimerWheel::TimerWheel(Owner& owner, base::Tick now) noexcept : owner_(owner), elapsed_(now) {
  first_.fill(Node::kUnarmed);
}

void TimerWheel::arm(std::uint32_t index, base::Tick deadline) noexcept {
  Node& node = owner_.timer_node(index);
  unlink(node);
  const auto ahead = static_cast<std::int32_t>(deadline.count - elapsed_.count);
  node.deadline = ahead > 0 ? deadline : base::Tick{elapsed_.count + 1};
  place(index, node);
}

void TimerWheel::cancel(std::uint32_t index) noexcept { unlink(owner_.timer_node(index)); }

// The level is that of the highest group of six bits in which the deadline differs from the present: a node in a slot
// of level 2, say, will be looked at when level 2 turns to that slot, and then finds its place in level 1 or 0.
void TimerWheel::place(std::uint32_t index, Node& node) noexcept {
  const std::uint32_t distance = std::min(node.deadline.count - elapsed_.count, kHorizon - 1);
  const std::uint32_t tick = elapsed_.count + distance;
  const std::uint32_t differing = (tick ^ elapsed_.count) | 1;
  const std::uint32_t level =
      std::min((static_cast<std::uint32_t>(std::bit_width(differing)) - 1) / kSlotBits, kLevels - 1);
  const std::uint32_t slot = (tick >> (level * kSlotBits)) % kSlots;
  std::uint32_t& first = first_[level * kSlots + slot];
  node.prev = kHead | (level * kSlots + slot);
  node.next = first;
  if (first != Node::kUnarmed) owner_.timer_node(first).prev = index;
  first = index;
  occupied_[level] |= 1ULL << slot;
}

void TimerWheel::unlink(Node& node) noexcept {
  if (!node.armed()) return;
  if (node.next != Node::kUnarmed) owner_.timer_node(node.next).prev = node.prev;
  if ((node.prev & kHead) != 0) {
    const std::uint32_t place = node.prev & ~kHead;
    first_[place] = node.next;
    if (node.next == Node::kUnarmed) occupied_[place / kSlots] &= ~(1ULL << (place % kSlots));
  } else {
    owner_.timer_node(node.prev).next = node.next;
  }
  node.prev = node.next = Node::kUnarmed;
}

std::optional<TimerWheel::Expiry> TimerWheel::next_expiry() const noexcept {
  for (std::uint32_t level = 0; level < kLevels; ++level) {
    if (occupied_[level] == 0) continue;
    // Slots come round in order, beginning after the present one; the present one itself is a whole turn away.
    const std::uint32_t shift = level * kSlotBits;
    const std::uint32_t present = (elapsed_.count >> shift) % kSlots;
    const auto ahead = static_cast<std::uint32_t>(
        std::countr_zero(std::rotr(occupied_[level], static_cast<int>((present + 1) % kSlots))));
    const std::uint32_t slot = (present + 1 + ahead) % kSlots;
    const std::uint32_t tick = ((elapsed_.count >> shift) + 1 + ahead) << shift;
    return Expiry{level, slot, base::Tick{tick}};
  }
  return std::nullopt;
}

std::optional<base::Tick> TimerWheel::next() const noexcept {
  const auto expiry = next_expiry();
  if (!expiry) return std::nullopt;
  return expiry->tick;
}

void TimerWheel::advance(base::Tick now) {
  for (;;) {
    const auto expiry = next_expiry();
    if (!expiry || static_cast<std::int32_t>(now.count - expiry->tick.count) < 0) break;
    elapsed_ = expiry->tick;
    const std::uint32_t place_index = expiry->level * kSlots + expiry->slot;
    while (first_[place_index] != Node::kUnarmed) {  // one at a time: what fires may change the list
      const std::uint32_t index = first_[place_index];
      Node& node = owner_.timer_node(index);
      unlink(node);
      if (static_cast<std::int32_t>(node.deadline.count - elapsed_.count) > 0) {
        place(index, node);
      } else {
        owner_.on_deadline(index);
      }
    }
  }
  if (static_cast<std::int32_t>(now.count - elapsed_.count) > 0) elapsed_ = now;
}

}  // namespace holdfast::net
