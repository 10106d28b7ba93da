#include "load/echo.h"

#include <algorithm>

namespace holdfast::load {

EchoModel::EchoModel(net::Loop& loop, const Settings& settings, Share share, const Window& window, base::Waker& leader)
    : Model(loop, settings, share, window, leader), keys_(connections()) {}

void EchoModel::on_start() {
  if (paced()) {
    schedule_ = RateSchedule(window_.start(), settings_.rate, share_.thread, share_.threads);
    return on_pace();
  }
  slab_.for_each([&](base::Key key, Connection& connection) { pump(key, connection, base::Clock::now()); });
}

void EchoModel::on_pace() {
  if (keys_.empty()) return;
  const base::Time now = base::Clock::now();
  const base::Time until = window_.until();
  for (; schedule_.at(next_) <= now && schedule_.at(next_) < until; ++next_) {
    const base::Key key = keys_[next_ % keys_.size()];
    Connection* connection = slab_.find(key);
    if (connection == nullptr) continue;
    ++connection->due;
    pump(key, *connection, now);
  }
  if (schedule_.at(next_) < until) pacer_.arm(schedule_.at(next_));
}

std::uint64_t EchoModel::target_of(const Connection& connection, base::Time now) const noexcept {
  const MessageState& state = connection.messages;
  const std::uint64_t begun = state.sent + (state.mid_message() ? 1 : 0);
  const std::uint64_t allowed = state.received + settings_.in_flight;
  if (paced()) return std::max(begun, std::min(connection.due, allowed));
  return window_.over(now) ? begun : std::max(begun, allowed);
}

void EchoModel::pump(base::Key key, Connection& connection, base::Time now) {
  const std::uint32_t number = connection.number;
  const auto sent = messages_.send(
      connection.transport, connection.messages, target_of(connection, now),
      [&](std::uint64_t message) { return paced() ? schedule_.at(message * keys_.size() + number) : now; });
  (void)survives(key, sent);
}

void EchoModel::on_readable(base::Key key, Connection& connection, net::Ready ready) {
  const auto outcome = messages_.receive(connection.transport, connection.messages, ready, [&](const Stamp& stamp) {
    note_round_trip(stamp.counted_from(), base::Clock::now());
  });
  if (survives(key, outcome)) pump(key, connection, base::Clock::now());
}

void EchoModel::on_writable(base::Key key, Connection& connection) {
  if (connection.messages.sent < target_of(connection, loop_.now())) pump(key, connection, base::Clock::now());
}

bool EchoModel::all_answered() {
  if (paced()) on_pace();  // what was meant to go before the end, though its event has not come yet
  bool answered = true;
  slab_.for_each([&](base::Key, const Connection& connection) {
    answered &= connection.messages.received == std::max(connection.messages.sent, connection.due);
  });
  return answered;
}

void EchoModel::on_finish() {
  slab_.for_each([&](base::Key, const Connection& connection) {
    const MessageState& state = connection.messages;
    tally_.fail(Failure::unanswered, state.sent - state.received);
    tally_.fail(Failure::unsent, std::max(connection.due, state.sent) - state.sent);
  });
}

}  // namespace holdfast::load
