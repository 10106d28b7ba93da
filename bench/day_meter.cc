#include "day_meter.h"

#include <algorithm>

namespace holdfast::day {
namespace {

using namespace std::chrono_literals;
constexpr auto kJustReturned = 10s;
constexpr auto kReturned = 120s;
constexpr double kEven = 0.1;                // of the mean
constexpr std::uint32_t kConnectsMin = 100;  // fewer in ten seconds say nothing of shares

}  // namespace

void Meter::connected(std::uint32_t server, base::Time now) {
  ++outcome_.connects;
  const auto second = now.time_since_epoch() / 1s;
  if (second != second_) close_second();
  second_ = second;
  const std::uint32_t in_second = ++in_second_[server];
  outcome_.flood = std::max(outcome_.flood, in_second);
  if (now - up_since_[server] < kReturned) outcome_.flood_returned = std::max(outcome_.flood_returned, in_second);
  for (Return& each : returns_) {
    if (now - each.at >= kJustReturned) continue;
    ++each.all;
    each.own += each.server == server ? 1 : 0;
  }
}

void Meter::close_second() { std::ranges::fill(in_second_, 0); }

void Meter::came_up(std::uint32_t server, base::Time now) {
  up_since_[server] = now;
  returns_.push_back({server, now, 0, 0});
}

void Meter::event_over(Mark mark, base::Time now) {
  unsettled_ = mark;
  unsettled_since_ = now;
}

void Meter::sample(const Pool& pool, base::Time now) {
  double sum = 0;
  double most = 0;
  double least = 1e9;
  double serving = 0;
  for (std::uint32_t i = 0; i < pool.size(); ++i) {
    if (!pool.serving(i)) continue;
    const double count = pool.count(i);
    sum += count;
    most = std::max(most, count);
    least = std::min(least, count);
    ++serving;
  }
  const double mean = sum / serving;
  spread_sum_ += most / mean;
  ++samples_;
  outcome_.spread_worst = std::max(outcome_.spread_worst, most / mean);
  if (unsettled_ && most <= (1 + kEven) * mean && least >= (1 - kEven) * mean) {
    outcome_.settled[static_cast<std::size_t>(*unsettled_)] = now - unsettled_since_;
    unsettled_.reset();
  }
  const auto over = [&](const Return& each) { return now - each.at >= kJustReturned; };
  for (const Return& each : returns_) {
    if (!over(each) || each.all < kConnectsMin) continue;
    outcome_.returned_share = std::max(outcome_.returned_share, static_cast<double>(each.own) / each.all);
  }
  std::erase_if(returns_, over);
}

Outcome Meter::finish() {
  outcome_.spread_average = spread_sum_ / samples_;
  return outcome_;
}

}  // namespace holdfast::day
