// broker/core/delayed_room.h: what a node has for messages that wait for their time, on whichever shard.
//
// Thread: any; nothing waits. Cost: two atomic additions a message.
// Limits: never more messages or bytes than it has. While a message is refused, others may be refused for which there
//         would have been room.
#pragma once

#include <atomic>
#include <cstdint>

namespace holdfast::broker {

class DelayedRoom {
 public:
  DelayedRoom(std::uint64_t messages_max, std::uint64_t bytes_max) noexcept
      : messages_max_(messages_max), bytes_max_(bytes_max) {}

  [[nodiscard]] bool take(std::uint64_t bytes) noexcept {
    const std::uint64_t messages = messages_.fetch_add(1, std::memory_order_relaxed);
    const std::uint64_t before = bytes_.fetch_add(bytes, std::memory_order_relaxed);
    if (messages < messages_max_ && before + bytes <= bytes_max_) return true;
    give(bytes);
    return false;
  }
  void give(std::uint64_t bytes) noexcept {
    messages_.fetch_sub(1, std::memory_order_relaxed);
    bytes_.fetch_sub(bytes, std::memory_order_relaxed);
  }

 private:
  const std::uint64_t messages_max_;
  const std::uint64_t bytes_max_;
  std::atomic<std::uint64_t> messages_{0};
  std::atomic<std::uint64_t> bytes_{0};
};

}  // namespace holdfast::broker
