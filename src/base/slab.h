// base/slab.h: a home for million-fold objects, each named by a key of index and generation.
//
// Thread: one owner thread; nothing here locks.
// Cost:   add, remove, find O(1). Memory grows by chunks of 256 entries and is kept for reuse; an entry costs
//         sizeof(T) + 4 bytes, rounded up to T's alignment. No allocation while a free entry is at hand.
// Limits: 2^24 entries (16.7 million); add() beyond that is a programming error.
#pragma once

#include <cstdint>
#include <cstdlib>
#include <memory>
#include <new>
#include <type_traits>
#include <utility>
#include <vector>

namespace holdfast::base {

// Names one entry for as long as it lives: a key whose entry is gone finds nothing, even when the place is used again.
struct Key {
  static constexpr std::uint32_t kIndexBits = 24;

  std::uint32_t index = 0;
  std::uint32_t generation = 0;  // odd while the entry lives

  friend bool operator==(Key, Key) = default;
};

template <typename T>
class Slab {
 public:
  Slab() = default;
  Slab(const Slab&) = delete;
  Slab& operator=(const Slab&) = delete;
  ~Slab() {
    for_each([this](Key key, T&) { remove(key); });
  }

  // Makes an entry. Its address stays the same until it is removed.
  template <typename... Args>
  Key add(Args&&... args) {
    if (free_ == kNone) grow();
    const std::uint32_t index = free_;
    Entry& entry = at(index);
    free_ = entry.next_free;
    ::new (entry.storage) T(std::forward<Args>(args)...);
    ++size_;
    return Key{index, ++entry.generation};
  }

  // The entry, or null when it is gone.
  [[nodiscard]] T* find(Key key) noexcept {
    if (key.index >= capacity()) return nullptr;
    Entry& entry = at(key.index);
    return entry.generation == key.generation && (key.generation & 1) != 0 ? entry.object() : nullptr;
  }

  // The living entry at `index`. Asking for another is a programming error.
  [[nodiscard]] T& operator[](std::uint32_t index) noexcept { return *at(index).object(); }
  [[nodiscard]] Key key_of(std::uint32_t index) noexcept { return Key{index, at(index).generation}; }

  void remove(Key key) noexcept {
    T* object = find(key);
    if (object == nullptr) std::abort();
    object->~T();
    Entry& entry = at(key.index);
    ++entry.generation;
    entry.next_free = free_;
    free_ = key.index;
    --size_;
  }

  // Calls visit(Key, T&) for every living entry. `visit` may remove the entry it is given, and no other.
  template <typename Visit>
  void for_each(Visit&& visit) {
    for_each_of(0, capacity(), visit);
  }

  // The same for the places `first` and the `count - 1` after it: for who goes through all of them in several steps.
  // An entry that lives all the time is met exactly once.
  template <typename Visit>
  void for_each_of(std::uint32_t first, std::uint32_t count, Visit&& visit) {
    if (first >= capacity()) return;
    for (std::uint32_t index = first; index - first < count && index < capacity(); ++index) {
      Entry& entry = at(index);
      if ((entry.generation & 1) != 0) visit(Key{index, entry.generation}, *entry.object());
    }
  }

  [[nodiscard]] std::size_t size() const noexcept { return size_; }
  [[nodiscard]] std::uint32_t capacity() const noexcept {
    return static_cast<std::uint32_t>(chunks_.size() * kChunkEntries);
  }
  [[nodiscard]] static constexpr std::size_t entry_bytes() noexcept { return sizeof(Entry); }
  [[nodiscard]] std::size_t memory_bytes() const noexcept { return chunks_.size() * sizeof(Chunk); }

 private:
  static constexpr std::uint32_t kNone = ~0U;
  static constexpr std::uint32_t kChunkEntries = 256;

  struct Entry {
    union {
      alignas(T) std::byte storage[sizeof(T)];
      std::uint32_t next_free;
    };
    std::uint32_t generation;
    T* object() noexcept { return std::launder(reinterpret_cast<T*>(storage)); }
  };
  struct Chunk {
    Entry entries[kChunkEntries];
  };

  Entry& at(std::uint32_t index) noexcept { return chunks_[index / kChunkEntries]->entries[index % kChunkEntries]; }

  void grow() {
    const std::uint32_t first = capacity();
    if (first + kChunkEntries > (1U << Key::kIndexBits)) std::abort();
    chunks_.push_back(std::make_unique_for_overwrite<Chunk>());
    for (std::uint32_t index = first + kChunkEntries; index-- > first;) {
      Entry& entry = at(index);
      entry.generation = 0;
      entry.next_free = free_;
      free_ = index;
    }
  }

  std::vector<std::unique_ptr<Chunk>> chunks_;
  std::uint32_t free_ = kNone;
  std::size_t size_ = 0;
};

}  // namespace holdfast::base
