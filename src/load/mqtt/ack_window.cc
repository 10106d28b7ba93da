#include "load/mqtt/ack_window.h"

#include <utility>

namespace holdfast::load {

using wire::mqtt::PacketType;

std::uint16_t AckWindow::add(wire::mqtt::Qos qos) noexcept {
  place(next_) = qos == wire::mqtt::Qos::at_least_once ? Place::puback : Place::pubrec;
  ++waiting_;
  return static_cast<std::uint16_t>(next_++ % kIds + 1);
}

AckWindow::Verdict AckWindow::on_ack(PacketType type, std::uint16_t packet_id, wire::mqtt::Reason reason) noexcept {
  if (packet_id == 0) return Verdict::unknown;
  const std::uint32_t distance = (packet_id - 1U + kIds - oldest_ % kIds) % kIds;  // behind the oldest
  if (distance >= next_ - oldest_) return Verdict::unknown;
  Place& waiting_for = place(oldest_ + distance);
  const bool fits = (type == PacketType::puback && waiting_for == Place::puback) ||
                    (type == PacketType::pubrec && waiting_for == Place::pubrec) ||
                    (type == PacketType::pubcomp && waiting_for == Place::pubcomp);
  if (!fits) return Verdict::unknown;
  if (type == PacketType::pubrec && !wire::mqtt::is_failure(reason)) {
    waiting_for = Place::pubcomp;
    return Verdict::release;
  }
  waiting_for = Place::free;
  --waiting_;
  while (oldest_ < next_ && place(oldest_) == Place::free) ++oldest_;
  return Verdict::done;
}

}  // namespace holdfast::load
