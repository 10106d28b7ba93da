// gateway/wakers.h: how workers wake each other, by number, while more of them may come.
//
// Thread: add() on control; the rest from any thread. Limits: kWorkersMax.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdlib>

#include "base/event_fd.h"
#include "gateway/pools.h"

namespace holdfast::gateway {

class Wakers {
 public:
  void add(base::Waker& waker) noexcept {
    const std::size_t number = size_.load(std::memory_order_relaxed);
    if (number == kWorkersMax) std::abort();
    wakers_[number] = &waker;
    size_.store(number + 1, std::memory_order_release);
  }
  [[nodiscard]] std::size_t size() const noexcept { return size_.load(std::memory_order_acquire); }
  // `number` is below a size() that was seen.
  void wake(std::size_t number) const noexcept { wakers_[number]->wake(); }
  void wake_all() const noexcept {
    for (std::size_t i = 0, count = size(); i < count; ++i) wake(i);
  }

 private:
  std::array<base::Waker*, kWorkersMax> wakers_{};
  std::atomic<std::size_t> size_{0};
};

}  // namespace holdfast::gateway
