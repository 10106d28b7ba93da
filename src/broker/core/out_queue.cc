#include "broker/core/out_queue.h"

namespace holdfast::broker {

void OutQueue::push(OutItem item) {
  bytes_ += item.message->bytes();
  qos0_ += item.qos == Qos::at_most_once ? 1 : 0;
  items_.push_back(std::move(item));
}

OutItem OutQueue::pop() {
  forget(items_.front());
  return items_.pop_front();
}

void OutQueue::forget(const OutItem& item) noexcept {
  bytes_ -= item.message->bytes();
  qos0_ -= item.qos == Qos::at_most_once ? 1 : 0;
}

std::size_t OutQueue::memory_bytes() const noexcept {
  std::size_t bytes = items_.memory_bytes();
  for (std::uint32_t i = 0; i < items_.size(); ++i) bytes += items_[i].subscription_ids.memory_bytes();
  return bytes;
}

}  // namespace holdfast::broker
