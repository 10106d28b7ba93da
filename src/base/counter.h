// base/counter.h: numbers that one thread writes and any thread may read.
//
// Thread: one writer; readers anywhere. A reader sees each number whole, not several at one instant.
// Cost:   a plain load, add and store: no lock prefix, because there is only one writer.
#pragma once

#include <atomic>
#include <cstdint>

namespace holdfast::base {

// Only grows.
class Counter {
 public:
  void add(std::uint64_t amount = 1) noexcept {
    value_.store(value_.load(std::memory_order_relaxed) + amount, std::memory_order_relaxed);
  }
  [[nodiscard]] std::uint64_t value() const noexcept { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<std::uint64_t> value_{0};
};

// Goes up and down.
class Gauge {
 public:
  void add(std::int64_t amount) noexcept { set(value() + amount); }
  void set(std::int64_t value) noexcept { value_.store(value, std::memory_order_relaxed); }
  [[nodiscard]] std::int64_t value() const noexcept { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<std::int64_t> value_{0};
};

}  // namespace holdfast::base
