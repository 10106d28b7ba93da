#include "broker/rate_meter.h"

#include <numeric>

namespace holdfast::broker {

void RateMeter::look(const Totals& totals, base::Time now) {
  const auto sum = [](const std::uint64_t(&by_qos)[3]) {
    return static_cast<double>(by_qos[0] + by_qos[1] + by_qos[2]);
  };
  auto dropped = static_cast<double>(totals.no_member);
  for (const auto& [reason, count] : totals.dropped) dropped += static_cast<double>(count);
  looks_.push_back({now, {sum(totals.messages_received), sum(totals.messages_sent), dropped}});
  while (looks_.size() > 2 && now - looks_[1].at >= kSpan) looks_.pop_front();
}

MessageRates RateMeter::rates() const {
  if (looks_.size() < 2) return {};
  const Look& first = looks_.front();
  const Look& last = looks_.back();
  const double seconds = std::chrono::duration<double>(last.at - first.at).count();
  if (seconds <= 0) return {};
  return {(last.totals.received - first.totals.received) / seconds, (last.totals.sent - first.totals.sent) / seconds,
          (last.totals.dropped - first.totals.dropped) / seconds};
}

}  // namespace holdfast::broker
