// gateway/drain_order.h: how connections are to end when a listener or the node is drained, and how far that is.
//
// Thread: values, on control.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <optional>

#include "base/time.h"
#include "base/units.h"
#include "config/settings.h"
#include "gateway/pools.h"
#include "gateway/status.h"
#include "policy/rate_limit.h"

namespace holdfast::gateway {

struct DrainOrder {
  std::optional<base::Rate> rate;            // none: they end by themselves
  std::optional<config::Duration> deadline;  // those that are left then are closed at once; none: never
};

// A drain under way.
class Drain {
 public:
  // `ended`: how many connections had ended before, of all that are drained.
  Drain(const DrainOrder& order, base::Time now, std::uint64_t ended) : order_(order), began_(now), ended_(ended) {}

  [[nodiscard]] bool is_late(base::Time now) const { return order_.deadline && now - began_ >= *order_.deadline; }
  [[nodiscard]] Closing pace(base::Time now) const {
    if (is_late(now)) return Closing::at_once;
    return order_.rate ? Closing::paced : Closing::no;
  }
  // What comes in a tenth of a second may come at once: rates are about seconds.
  [[nodiscard]] policy::AcceptRate rate() const {
    const double rate = order_.rate ? order_.rate->per_second : 0;
    return policy::AcceptRate::per_second(rate, static_cast<std::uint32_t>(std::ceil(rate / 10)));
  }
  [[nodiscard]] DrainStatus status(base::Time now, std::uint64_t remaining, std::uint64_t ended) const {
    DrainStatus status;
    status.rate = order_.rate ? order_.rate->per_second : 0;
    status.remaining = remaining;
    status.closed = ended - ended_;
    if (!order_.deadline) return status;
    const auto left = std::chrono::duration<double>(*order_.deadline - (now - began_));
    status.deadline_seconds_left = std::max(0.0, left.count());
    return status;
  }

 private:
  DrainOrder order_;
  base::Time began_;
  std::uint64_t ended_;
};

}  // namespace holdfast::gateway
