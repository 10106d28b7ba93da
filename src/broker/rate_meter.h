// broker/rate_meter.h: how many messages a second there were of late, from totals that are looked at now and then.
//
// Thread: one owner. Cost: some additions a look. Precision: over the looks of the last kSpan, or since the first.
#pragma once

#include <deque>

#include "base/time.h"
#include "broker/status.h"

namespace holdfast::broker {

class RateMeter {
 public:
  static constexpr std::chrono::seconds kSpan{5};

  void look(const Totals& totals, base::Time now);
  [[nodiscard]] MessageRates rates() const;

 private:
  struct Look {
    base::Time at;
    MessageRates totals;
  };
  std::deque<Look> looks_;
};

}  // namespace holdfast::broker
