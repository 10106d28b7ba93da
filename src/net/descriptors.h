// net/descriptors.h: the process's file descriptors as a resource: grown once, counted, never run out of by surprise.
//
// Thread: grow_descriptor_table() before the first thread starts; DescriptorBudget from any.
#pragma once

#include <atomic>
#include <cstdint>

#include "base/result.h"

namespace holdfast::net {

// Raises the soft limit to the hard one and grows the kernel's table to it, at most 2^20 entries. Returns the limit.
// Growing the table later, in a threaded process, stalls a thread for 10 to 20 ms each time it doubles.
[[nodiscard]] base::Result<std::uint64_t> grow_descriptor_table();

// How many descriptors connections may still take. A reserve is left to the rest of the process, so that probes, the
// admin API and the log go on working when connections have used up theirs.
class DescriptorBudget {
 public:
  static constexpr std::int64_t kReserve = 128;

  explicit DescriptorBudget(std::uint64_t limit) noexcept : free_(static_cast<std::int64_t>(limit) - kReserve) {}

  // Takes `count` if so many are free.
  [[nodiscard]] bool take(std::int64_t count) noexcept {
    if (free_.fetch_sub(count, std::memory_order_relaxed) >= count) return true;
    give(count);
    return false;
  }
  void give(std::int64_t count) noexcept { free_.fetch_add(count, std::memory_order_relaxed); }
  [[nodiscard]] std::int64_t free() const noexcept { return free_.load(std::memory_order_relaxed); }

 private:
  std::atomic<std::int64_t> free_;
};

}  // namespace holdfast::net
