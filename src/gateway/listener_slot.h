// gateway/listener_slot.h: what all workers and control share about one listener, over every change of its rules.
//
// Thread: add_worker() on control, before that worker starts or the listener is published; the counters of a worker are
//         written by it alone, and read by control.
#pragma once

#include <array>
#include <cstdint>
#include <memory>

#include "gateway/counters.h"
#include "gateway/pools.h"

namespace holdfast::gateway {

class ListenerSlot {
 public:
  explicit ListenerSlot(std::size_t workers) {
    for (std::size_t i = 0; i < workers; ++i) add_worker();
  }

  void add_worker() { counters_.at(workers_++) = std::make_unique<ListenerCounters>(); }
  [[nodiscard]] ListenerCounters& counters(std::size_t worker) noexcept { return *counters_[worker]; }
  [[nodiscard]] const ListenerCounters& counters(std::size_t worker) const noexcept { return *counters_[worker]; }
  [[nodiscard]] std::size_t workers() const noexcept { return workers_; }  // for control alone

 private:
  std::array<std::unique_ptr<ListenerCounters>, kWorkersMax> counters_;
  std::size_t workers_ = 0;
};

}  // namespace holdfast::gateway
