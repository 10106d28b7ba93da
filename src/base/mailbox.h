// base/mailbox.h: one of the two doors between the worlds. A bounded queue that wakes its reader.
//
// Thread: post() from any thread; take() by the one reader.
// Cost:   post O(1), lock-free, no allocation; one wake-up for a burst, not one for each value.
// Limits: the capacity, a power of two, given at construction; post() to a full mailbox returns false and counts it.
// Source: the bounded queue with a sequence number in each cell, by Dmitry Vyukov.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <utility>

#include "base/event_fd.h"

namespace holdfast::base {

template <typename T>
class Mailbox {
 public:
  // `reader` is woken when there is something to take; it must outlive the mailbox.
  Mailbox(std::size_t capacity, Waker& reader)
      : cells_(std::make_unique<Cell[]>(capacity)), mask_(capacity - 1), reader_(reader) {
    if (capacity == 0 || (capacity & mask_) != 0) std::abort();
    for (std::size_t i = 0; i < capacity; ++i) cells_[i].turn.store(i, std::memory_order_relaxed);
  }

  // False when the mailbox is full; the value is then gone, and dropped() says so.
  [[nodiscard]] bool post(T value) {
    std::size_t place = tail_.load(std::memory_order_relaxed);
    for (;;) {
      Cell& cell = cells_[place & mask_];
      const auto ahead = static_cast<std::intptr_t>(cell.turn.load(std::memory_order_acquire) - place);
      if (ahead < 0) {
        dropped_.fetch_add(1, std::memory_order_relaxed);
        return false;
      }
      if (ahead > 0) {
        place = tail_.load(std::memory_order_relaxed);
      } else if (tail_.compare_exchange_weak(place, place + 1, std::memory_order_relaxed)) {
        cell.value = std::move(value);
        cell.turn.store(place + 1, std::memory_order_release);
        break;
      }
    }
    if (!woken_.exchange(true, std::memory_order_acq_rel)) reader_.wake();
    return true;
  }

  // Hands every value that is there to `handle`, oldest first, but at most `limit`. Returns how many.
  template <typename Handle>
  std::size_t take(Handle&& handle, std::size_t limit = ~std::size_t{0}) {
    if (!woken_.load(std::memory_order_relaxed)) return 0;  // nothing new: who posts now also wakes
    woken_.exchange(false, std::memory_order_acq_rel);      // before looking, so that a later post wakes again
    std::size_t taken = 0;
    for (; taken < limit; ++taken) {
      Cell& cell = cells_[head_ & mask_];
      if (cell.turn.load(std::memory_order_acquire) != head_ + 1) return taken;
      T value = std::move(cell.value);
      cell.turn.store(head_ + mask_ + 1, std::memory_order_release);
      ++head_;
      depth_base_.store(head_, std::memory_order_relaxed);
      handle(std::move(value));
    }
    if (!woken_.exchange(true, std::memory_order_acq_rel)) reader_.wake();  // the rest, next time
    return taken;
  }

  [[nodiscard]] std::uint64_t dropped() const noexcept { return dropped_.load(std::memory_order_relaxed); }
  [[nodiscard]] std::size_t capacity() const noexcept { return mask_ + 1; }
  // How many wait now; from any thread, exact only when nobody posts or takes.
  [[nodiscard]] std::size_t depth() const noexcept {
    const std::size_t head = depth_base_.load(std::memory_order_relaxed);
    const std::size_t tail = tail_.load(std::memory_order_relaxed);
    return tail > head ? tail - head : 0;
  }

 private:
  struct Cell {
    std::atomic<std::size_t> turn;  // place: free for it; place + 1: filled; place + capacity: taken
    T value{};
  };

  std::unique_ptr<Cell[]> cells_;
  const std::size_t mask_;
  Waker& reader_;
  alignas(64) std::atomic<std::size_t> tail_{0};
  std::atomic<bool> woken_{false};
  std::atomic<std::uint64_t> dropped_{0};
  alignas(64) std::size_t head_ = 0;        // the reader's
  std::atomic<std::size_t> depth_base_{0};  // a copy of head_ for depth()
};

}  // namespace holdfast::base
