// broker/core/filter_store.h: the filters of a topic tree: their texts and who subscribes to each. For topic_tree.h.
//
// Thread: one owner. Cost: add, remove O(1) whatever a filter has of subscribers; up to kSearchedMax are searched.
// Memory: 32 bytes a filter with its first subscriber, and a block of the text's length. The second subscriber makes a
//         block of 8 bytes each, at least a quarter full; above kSearchedMax an index of 11 to 21 bytes each comes to
//         it.
// A filter has an index while it has subscribers; then its place is used again.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "base/hash.h"
#include "broker/core/flat_table.h"
#include "broker/core/subscription.h"

namespace holdfast::broker {

class FilterStore {
 public:
  static constexpr std::uint32_t kNone = ~0U;
  static constexpr std::uint32_t kSearchedMax = 32;

  FilterStore() = default;
  FilterStore(const FilterStore&) = delete;
  FilterStore& operator=(const FilterStore&) = delete;
  ~FilterStore();

  // A new filter with its first subscriber.
  std::uint32_t add(std::string_view text, const Subscription& first);

  enum class Put : std::uint8_t { added, replaced };
  Put put(std::uint32_t filter, const Subscription& subscription);

  enum class Taken : std::uint8_t { not_there, taken, was_last };  // after was_last the filter must be released
  Taken take(std::uint32_t filter, std::uint32_t subscriber);
  void release(std::uint32_t filter) noexcept;

  [[nodiscard]] std::string_view text(std::uint32_t filter) const noexcept {
    const Record& record = at(filter);
    return {record.text, record.text_bytes};
  }
  // A chain through filters that share a slot.
  [[nodiscard]] std::uint32_t next(std::uint32_t filter) const noexcept { return at(filter).next; }
  void set_next(std::uint32_t filter, std::uint32_t next) noexcept { at(filter).next = next; }

  template <typename Visit>
  void visit(std::uint32_t filter, Visit& visit) const {
    const std::string_view text = this->text(filter);
    for (const PackedSubscription& each : subscribers(at(filter))) visit(text, each.unpacked());
  }
  // Backwards from the `left`th, which 0 says is the last, at most `max` of them. Sets how many are left.
  template <typename Visit>
  std::size_t visit_some(std::uint32_t filter, std::uint32_t& left, std::size_t max, Visit& visit) const;

  [[nodiscard]] std::size_t size() const noexcept { return size_; }
  [[nodiscard]] std::size_t places() const noexcept { return chunks_.size() * kChunk; }
  [[nodiscard]] std::size_t subscriptions() const noexcept { return subscriptions_; }
  [[nodiscard]] std::size_t memory_bytes() const noexcept;

 private:
  static constexpr std::size_t kChunk = 256;

  struct Many;
  struct Record {
    Record() noexcept : many(nullptr) {}

    char* text = nullptr;  // null where the place is free
    union {
      Many* many;
      PackedSubscription one;  // with one subscriber
    };
    std::uint32_t count = 0;
    std::uint32_t next = kNone;  // of free places too
    std::uint16_t text_bytes = 0;
    bool is_many = false;
    bool is_indexed = false;
  };
  static_assert(sizeof(Record) == 32);

  struct Many {
    std::uint32_t capacity;
    std::uint32_t unused;
    [[nodiscard]] PackedSubscription* items() noexcept { return reinterpret_cast<PackedSubscription*>(this + 1); }
  };
  // Where a subscriber of a filter with many stands.
  struct Place {
    std::uint32_t hash = 0;
    std::uint32_t position = 0;
  };

  [[nodiscard]] Record& at(std::uint32_t filter) noexcept { return chunks_[filter / kChunk][filter % kChunk]; }
  [[nodiscard]] const Record& at(std::uint32_t filter) const noexcept {
    return chunks_[filter / kChunk][filter % kChunk];
  }
  [[nodiscard]] static std::span<PackedSubscription> subscribers(Record& record) noexcept {
    return {record.is_many ? record.many->items() : &record.one, record.count};
  }
  [[nodiscard]] static std::span<const PackedSubscription> subscribers(const Record& record) noexcept {
    return subscribers(const_cast<Record&>(record));
  }
  [[nodiscard]] static std::uint32_t place_hash(std::uint32_t filter, std::uint32_t subscriber) noexcept {
    const auto hash = static_cast<std::uint32_t>(base::mix(std::uint64_t{filter} << 32 | subscriber) >> 32);
    return hash == 0 ? 1 : hash;
  }

  [[nodiscard]] Place* find_place(std::uint32_t filter, std::uint32_t subscriber) noexcept;
  [[nodiscard]] std::uint32_t position_of(std::uint32_t filter, std::uint32_t subscriber) noexcept;
  void index(std::uint32_t filter);
  void forget_index(std::uint32_t filter);
  void set_capacity(Record& record, std::uint32_t capacity);
  void append(std::uint32_t filter, const Subscription& subscription);
  void grow();

  std::vector<std::unique_ptr<Record[]>> chunks_;
  FlatTable<Place> places_;
  std::uint32_t free_ = kNone;
  std::size_t size_ = 0;
  std::size_t subscriptions_ = 0;
  std::size_t text_bytes_ = 0;
  std::size_t many_bytes_ = 0;
};

template <typename Visit>
std::size_t FilterStore::visit_some(std::uint32_t filter, std::uint32_t& left, std::size_t max, Visit& visit) const {
  const Record& record = at(filter);
  if (record.text == nullptr) return left = 0;
  if (left == 0 || left > record.count) left = record.count;
  const std::span<const PackedSubscription> all = subscribers(record);
  std::size_t visited = 0;
  for (; left > 0 && visited < max; ++visited) visit(text(filter), all[--left].unpacked());
  return visited;
}

}  // namespace holdfast::broker
