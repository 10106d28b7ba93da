// broker/core/out_queue.h: the messages that wait for a client that is away, slow, or has its window full.
//
// Thread: the worker's. Cost: O(1). Limits: QueueLimits; what does not fit is for the session to drop.
// Bytes are those of Message::bytes(), counted in full by every queue that shares the message.
#pragma once

#include <cstdint>

#include "broker/core/out_item.h"
#include "broker/core/ring.h"

namespace holdfast::broker {

enum class WhenFull : std::uint8_t { drop_oldest, drop_newest, disconnect };

struct SessionLimits {
  std::uint64_t queue_bytes_max = 1 << 20;
  std::uint32_t queue_length_max = 1000;
  std::uint16_t inflight_max = 32;  // not below 1; the client's Receive Maximum may be smaller
  WhenFull when_full = WhenFull::drop_oldest;
  bool store_qos0 = false;  // whether QoS 0 waits as well, when the client is away or its connection full
};
static_assert(sizeof(SessionLimits) == 16);

class OutQueue {
 public:
  [[nodiscard]] bool empty() const noexcept { return items_.empty(); }
  [[nodiscard]] std::uint32_t size() const noexcept { return items_.size(); }
  [[nodiscard]] std::uint64_t bytes() const noexcept { return bytes_; }
  [[nodiscard]] bool has_qos0() const noexcept { return qos0_ > 0; }
  [[nodiscard]] OutItem& front() noexcept { return items_.front(); }
  [[nodiscard]] OutItem& operator[](std::uint32_t index) noexcept { return items_[index]; }
  [[nodiscard]] const OutItem& operator[](std::uint32_t index) const noexcept { return items_[index]; }

  // Whether a message of this size can be added now, and whether it could if the queue were empty.
  [[nodiscard]] bool has_room(std::size_t message_bytes, const SessionLimits& limits) const noexcept {
    return items_.size() < limits.queue_length_max && bytes_ + message_bytes <= limits.queue_bytes_max;
  }
  [[nodiscard]] static bool could_have_room(std::size_t message_bytes, const SessionLimits& limits) noexcept {
    return limits.queue_length_max > 0 && message_bytes <= limits.queue_bytes_max;
  }

  void push(OutItem item);
  OutItem pop();
  template <typename Chosen, typename Visit>
  void take_if(Chosen&& chosen, Visit&& visit) {
    const auto counting = [&](OutItem&& item) {
      forget(item);
      visit(std::move(item));
    };
    items_.take_if(chosen, counting);
  }
  [[nodiscard]] std::size_t memory_bytes() const noexcept;

 private:
  void forget(const OutItem& item) noexcept;

  Ring<OutItem> items_;
  std::uint64_t bytes_ = 0;
  std::uint32_t qos0_ = 0;  // how many of them
};
static_assert(sizeof(OutQueue) == 40);

}  // namespace holdfast::broker
