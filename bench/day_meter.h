// bench/day_meter.h: what is measured during the simulated day.
#pragma once

#include <vector>

#include "day.h"

namespace holdfast::day {

class Meter {
 public:
  explicit Meter(std::uint32_t servers) : in_second_(servers), up_since_(servers) {}

  void connected(std::uint32_t server, base::Time now);
  void came_up(std::uint32_t server, base::Time now);
  void event_over(Mark mark, base::Time now);
  // Each kSample.
  void sample(const Pool& pool, base::Time now);
  void cut() { ++outcome_.cuts; }
  void over_bound() { ++outcome_.over_bound; }
  void found_nobody() { ++outcome_.nobody; }
  [[nodiscard]] Outcome finish();

  static constexpr std::chrono::seconds kSample{10};

 private:
  struct Return {  // of a server, and what came in the first seconds after
    std::uint32_t server = 0;
    base::Time at{};
    std::uint32_t own = 0;
    std::uint32_t all = 0;
  };

  void close_second();

  Outcome outcome_;
  std::vector<std::uint32_t> in_second_;  // connects of each server in the second that runs
  std::vector<base::Time> up_since_;      // the clock's zero: since before the day
  std::int64_t second_ = 0;
  std::vector<Return> returns_;
  std::optional<Mark> unsettled_;
  base::Time unsettled_since_{};
  double spread_sum_ = 0;
  double samples_ = 0;
};

}  // namespace holdfast::day
