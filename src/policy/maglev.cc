#include "policy/maglev.h"

#include <algorithm>
#include <numeric>
#include <stdexcept>

#include "base/hash.h"
#include "policy/server.h"

namespace holdfast::policy {
namespace {

constexpr std::uint32_t kSlots = MaglevTable::kSlots;
constexpr std::uint16_t kNone = MaglevTable::kNone;
using Order = std::vector<std::uint16_t>;
using Counts = std::vector<std::uint32_t>;

// Indexes by name, so that the order of a list does not count.
Order order_of(std::span<const std::uint64_t> names) {
  Order order(names.size());
  std::iota(order.begin(), order.end(), std::uint16_t{0});
  std::ranges::stable_sort(order, {}, [names](std::uint16_t i) { return names[i]; });
  return order;
}

// For each server of the table before: its index now, or kNone when it has gone.
Order indexes_now(std::span<const std::uint64_t> before, std::span<const std::uint64_t> now) {
  Order found(before.size(), kNone);
  const Order order_before = order_of(before);
  const Order order_now = order_of(now);
  for (std::size_t b = 0, n = 0; b < before.size() && n < now.size();) {
    const std::uint64_t name_before = before[order_before[b]];
    const std::uint64_t name_now = now[order_now[n]];
    if (name_before == name_now) found[order_before[b]] = order_now[n];
    b += name_before <= name_now ? 1U : 0U;
    n += name_now <= name_before ? 1U : 0U;
  }
  return found;
}

// How many slots each server is to have. Where the part is no whole number some are rounded up: first those that hold
// the slot already, then those with the largest remainder, then by name.
Counts targets_of(std::span<const MaglevTable::Entry> entries, const Order& order, const Counts& held) {
  std::uint64_t sum = 0;
  for (const auto& entry : entries) sum += entry.weight;
  Counts targets(entries.size(), 0);
  if (sum == 0) return targets;
  std::uint32_t left = kSlots;
  Order candidates;
  for (const std::uint16_t i : order) {
    const std::uint64_t part = std::uint64_t{kSlots} * entries[i].weight;
    targets[i] = static_cast<std::uint32_t>(part / sum);
    left -= targets[i];
    if (part % sum != 0) candidates.push_back(i);
  }
  const auto key = [&](std::uint16_t i) {
    return std::pair(held[i] <= targets[i], sum - std::uint64_t{kSlots} * entries[i].weight % sum);
  };
  std::ranges::stable_sort(candidates, {}, key);
  for (std::uint32_t i = 0; i < left; ++i) ++targets[candidates[i]];
  return targets;
}

// A server's own order of the slots.
struct Permutation {
  explicit Permutation(std::uint64_t name) noexcept
      : slot(static_cast<std::uint32_t>(base::mix(name) % kSlots)),
        step(static_cast<std::uint32_t>(base::mix(name + 0x9e3779b97f4a7c15) % (kSlots - 1) + 1)) {}

  std::uint32_t take() noexcept {
    const std::uint32_t taken = slot;
    slot += step;
    if (slot >= kSlots) slot -= kSlots;
    return taken;
  }

  std::uint32_t slot;
  std::uint32_t step;
};

class Filler {
 public:
  Filler(std::span<std::uint16_t> slots, const Counts& targets, Counts held)
      : slots_(slots), targets_(targets), held_(std::move(held)) {}

  // In turn every server that has too few takes the next slot of its order that is free or that its owner must give up.
  void fill(const Order& order, std::span<const std::uint64_t> names) {
    std::vector<std::pair<std::uint16_t, Permutation>> short_of;
    for (const std::uint16_t i : order) {
      if (held_[i] < targets_[i]) short_of.emplace_back(i, Permutation(names[i]));
    }
    while (!short_of.empty()) {
      for (auto& [i, permutation] : short_of) take_one(i, permutation);
      std::erase_if(short_of, [this](const auto& each) { return held_[each.first] == targets_[each.first]; });
    }
  }

 private:
  void take_one(std::uint16_t i, Permutation& permutation) {
    for (;;) {  // ends: what all are short of is what is free or to be given up, and a permutation visits every slot
      std::uint16_t& owner = slots_[permutation.take()];
      if (owner != kNone && held_[owner] <= targets_[owner]) continue;
      if (owner != kNone) --held_[owner];
      owner = i;
      ++held_[i];
      return;
    }
  }

  std::span<std::uint16_t> slots_;
  const Counts& targets_;
  Counts held_;
};

}  // namespace

std::shared_ptr<const MaglevTable> MaglevTable::build(std::span<const Entry> entries, const MaglevTable* previous) {
  if (entries.size() > kServersMax) throw std::length_error("a hash table holds at most 65534 servers");
  auto table = std::make_shared<MaglevTable>();
  table->slots_.fill(kNone);
  for (const Entry& entry : entries) table->names_.push_back(entry.name_hash);

  Counts held(entries.size(), 0);
  const bool any = std::ranges::any_of(entries, [](const Entry& entry) { return entry.weight > 0; });
  if (!any) return table;
  if (previous != nullptr) {
    const Order now = indexes_now(previous->names_, table->names_);
    for (std::uint32_t slot = 0; slot < kSlots; ++slot) {
      const std::uint16_t before = previous->slots_[slot];
      if (before == kNone || now[before] == kNone) continue;
      table->slots_[slot] = now[before];
      ++held[now[before]];
    }
  }
  const Order order = order_of(table->names_);
  const Counts targets = targets_of(entries, order, held);
  Filler(table->slots_, targets, std::move(held)).fill(order, table->names_);
  return table;
}

}  // namespace holdfast::policy
