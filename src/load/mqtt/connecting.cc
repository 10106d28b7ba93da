#include "load/mqtt/connecting.h"

#include <algorithm>

namespace holdfast::load {

void MqttConnecting::start() {
  started_ = true;
  schedule_ = RateSchedule(window_.start(), std::max<std::uint64_t>(settings_.rate, 1), 0, 1);
  on_pace();
  after_event();
}

bool MqttConnecting::wants_more() const noexcept {
  return started_ && !window_.over(base::Clock::now()) && (settings_.count == 0 || begun_ < settings_.count);
}

void MqttConnecting::begin_one(base::Time meant) {
  ++under_way_;
  dial(static_cast<std::uint32_t>(begun_++), meant);
}

void MqttConnecting::on_pace() {
  if (settings_.rate == 0) return;
  const base::Time now = base::Clock::now();
  while (wants_more() && schedule_.at(begun_) <= now) begin_one(schedule_.at(begun_));
  if (wants_more()) pacer_.arm(schedule_.at(begun_));
}

// Without a rate, the places that have become free are taken again; one attempt each, as one may fail at once.
void MqttConnecting::after_event() {
  if (settings_.rate != 0) return;
  for (std::uint32_t free = settings_.clients - std::min(settings_.clients, under_way_); free > 0 && wants_more();
       --free) {
    begin_one(base::Clock::now());
  }
}

void MqttConnecting::on_welcome(base::Key key, Client& client) {
  --under_way_;
  ++tally_.progress;
  if (window_.counts(arrived())) ++tally_.operations;
  if (window_.counts(client.counted_from)) tally_.latency.record(arrived() - client.counted_from);
  if (settings_.staying == Staying::keep) return;
  disconnect(key);
}

void MqttConnecting::on_gone(std::uint32_t, Client::State was) {
  if (was != Client::State::ready) --under_way_;
}

}  // namespace holdfast::load
