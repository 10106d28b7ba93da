// broker/core/out_window.h: the QoS 1 and 2 messages that were sent to a client and are not yet acknowledged.
//
// Thread: the worker's. Limits: 65,535 entries (packet identifiers); the session keeps it to inflight_max.
// Cost:   add and an acknowledgement in the order of sending O(1); one out of order O(window) at worst.
//
// They are kept in the order in which they were first sent. After a new connection all of them have to be sent again in
// that order before anything new: the first sent() entries have been sent on the present connection.
#pragma once

#include <cstdint>

#include "broker/core/out_item.h"
#include "broker/core/ring.h"

namespace holdfast::broker {

class OutWindow {
 public:
  static constexpr std::uint32_t kNone = ~0U;

  static constexpr std::uint32_t kSizeMax = 65'535;

  [[nodiscard]] bool empty() const noexcept { return items_.empty(); }
  [[nodiscard]] std::uint32_t size() const noexcept { return items_.size(); }
  [[nodiscard]] OutItem& operator[](std::uint32_t index) noexcept { return items_[index]; }
  [[nodiscard]] const OutItem& operator[](std::uint32_t index) const noexcept { return items_[index]; }
  // Where the one with this identifier is, or kNone.
  [[nodiscard]] std::uint32_t find(std::uint16_t packet_id) const noexcept;

  // The next identifier that is free. A window with kSizeMax entries has none: a programming error.
  [[nodiscard]] std::uint16_t free_packet_id() noexcept;
  // `item` has been sent with the identifier that free_packet_id() gave. All others are sent before.
  void add(OutItem item);
  OutItem take(std::uint32_t index);
  template <typename Chosen, typename Visit>
  void take_if(Chosen&& chosen, Visit&& visit) {
    std::uint32_t index = 0;
    std::uint32_t sent_taken = 0;
    const auto counting = [&](const OutItem& item) {
      const bool is_chosen = chosen(item);
      sent_taken += is_chosen && index < sent_ ? 1 : 0;
      ++index;
      return is_chosen;
    };
    items_.take_if(counting, visit);
    sent_ -= sent_taken;
  }

  // A new connection: all have to be sent again.
  void restart() noexcept { sent_ = 0; }
  // How many were sent on the present connection.
  [[nodiscard]] std::uint32_t sent() const noexcept { return sent_; }
  [[nodiscard]] bool all_sent() const noexcept { return sent_ == items_.size(); }
  void mark_sent() noexcept { ++sent_; }

  // For records. restore() takes entries in their order; they count as not sent on this connection.
  [[nodiscard]] std::uint16_t next_packet_id() const noexcept { return next_packet_id_; }
  void restore_next_packet_id(std::uint16_t next) noexcept { next_packet_id_ = next; }
  void restore(OutItem item) { append(std::move(item)); }

  [[nodiscard]] std::size_t memory_bytes() const noexcept;

 private:
  // How far behind the first one an identifier is, on the circle.
  [[nodiscard]] std::uint16_t distance(std::uint16_t packet_id) const noexcept {
    return static_cast<std::uint16_t>(packet_id - items_[0].packet_id);
  }
  [[nodiscard]] bool is_behind_all(std::uint16_t packet_id) const noexcept {
    return distance(packet_id) > distance(items_[items_.size() - 1].packet_id);
  }
  void append(OutItem item);

  Ring<OutItem> items_;
  std::uint32_t sent_ = 0;
  std::uint16_t next_packet_id_ = 1;
  // Distances grow from entry to entry. So it is but for one that is not acknowledged until the identifiers have gone
  // all around; then this is false until the window is empty.
  bool sorted_ = true;
};
static_assert(sizeof(OutWindow) == 32);

}  // namespace holdfast::broker
