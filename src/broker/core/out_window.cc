#include "broker/core/out_window.h"

namespace holdfast::broker {

std::uint32_t OutWindow::find(std::uint16_t packet_id) const noexcept {
  if (items_.empty()) return kNone;
  if (!sorted_) {
    for (std::uint32_t i = 0; i < items_.size(); ++i) {
      if (items_[i].packet_id == packet_id) return i;
    }
    return kNone;
  }
  // No entry is further to the back than its distance; without gaps it is just there.
  const std::uint32_t wanted = distance(packet_id);
  std::uint32_t first = 0;
  std::uint32_t last = wanted < items_.size() ? wanted : items_.size() - 1;
  if (items_[last].packet_id == packet_id) return last;
  while (first < last) {
    const std::uint32_t middle = (first + last) / 2;
    if (distance(items_[middle].packet_id) < wanted) {
      first = middle + 1;
    } else {
      last = middle;
    }
  }
  return items_[first].packet_id == packet_id ? first : kNone;
}

//= MQTT5 [MQTT-2.2.1-4]
//= MQTT5 [MQTT-4.3.2-1]
//= MQTT5 [MQTT-4.3.3-1]
//= MQTT311 [MQTT-2.3.1-4]
std::uint16_t OutWindow::free_packet_id() noexcept {
  if (items_.size() >= kSizeMax) std::abort();
  const auto is_taken = [this](std::uint16_t id) {
    return !items_.empty() && !(sorted_ && is_behind_all(id)) && find(id) != kNone;
  };
  while (next_packet_id_ == 0 || is_taken(next_packet_id_)) ++next_packet_id_;
  return next_packet_id_;
}

void OutWindow::append(OutItem item) {
  sorted_ = items_.empty() || (sorted_ && is_behind_all(item.packet_id));
  items_.push_back(std::move(item));
}

void OutWindow::add(OutItem item) {
  next_packet_id_ = static_cast<std::uint16_t>(item.packet_id + 1);
  append(std::move(item));
  ++sent_;
}

OutItem OutWindow::take(std::uint32_t index) {
  sent_ -= index < sent_ ? 1 : 0;
  return items_.take(index);
}

std::size_t OutWindow::memory_bytes() const noexcept {
  std::size_t bytes = items_.memory_bytes();
  for (std::uint32_t i = 0; i < items_.size(); ++i) bytes += items_[i].subscription_ids.memory_bytes();
  return bytes;
}

}  // namespace holdfast::broker
