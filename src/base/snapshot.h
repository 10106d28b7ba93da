// base/snapshot.h: one of the two doors between the worlds. Control publishes an immutable value,
// workers read the newest.
//
// Thread: publish() by control. Each worker owns a Reader and calls refresh() at the top of its turn.
// Cost:   refresh() is one atomic load while nothing changed; after a change, one short lock to copy a pointer.
// Lifetime: a value lives until the last reader has let go of it; a reader's reference is good until its next
//           refresh().
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>

namespace holdfast::base {

template <typename T>
class Snapshot {
 public:
  explicit Snapshot(std::shared_ptr<const T> first) : value_(std::move(first)) {}

  void publish(std::shared_ptr<const T> value) {
    {
      const std::scoped_lock lock(mutex_);
      value_.swap(value);
      version_.fetch_add(1, std::memory_order_release);
    }
    // `value`, the former one, is let go of outside the lock.
  }

  [[nodiscard]] std::shared_ptr<const T> newest() const {
    const std::scoped_lock lock(mutex_);
    return value_;
  }

  class Reader {
   public:
    explicit Reader(const Snapshot& source) : source_(source), value_(source.newest()) {}

    // True when there was a newer value, which get() now yields.
    bool refresh() {
      const std::uint64_t version = source_.version_.load(std::memory_order_acquire);
      if (version == seen_) [[likely]]
        return false;
      seen_ = version;
      value_ = source_.newest();
      return true;
    }
    [[nodiscard]] const T& get() const noexcept { return *value_; }

   private:
    const Snapshot& source_;
    std::shared_ptr<const T> value_;
    std::uint64_t seen_ = 0;
  };

 private:
  mutable std::mutex mutex_;
  std::shared_ptr<const T> value_;
  std::atomic<std::uint64_t> version_{0};
};

}  // namespace holdfast::base
