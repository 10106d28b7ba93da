#include "load/hold.h"

namespace holdfast::load {

HoldModel::HoldModel(net::Loop& loop, const Settings& settings, Share share, const Window& window, base::Waker& leader)
    : Model(loop, settings, share, window, leader), arrived_(connections()) {}

void HoldModel::on_begin() {
  schedule_ = RateSchedule(base::Clock::now(), settings_.ramp, share_.thread, share_.threads);
  on_pace();
}

void HoldModel::on_pace() {
  const base::Time now = base::Clock::now();
  for (; next_ < connections() && schedule_.at(next_) <= now && !window_.over(now); ++next_) dial(next_);
  if (next_ < connections()) pacer_.arm(schedule_.at(next_));
}

void HoldModel::on_open(base::Key key, Connection& connection) {
  if (settings_.message_bytes == 0) return note_arrived(connection.number);
  set_deadline(key, settings_.timeout);
  ask(key, connection);
}

// Pings are spread evenly over the first interval, and so over every one after it.
void HoldModel::on_start() {
  if (settings_.ping_interval.count() == 0) return;
  slab_.for_each([&](base::Key key, const Connection& connection) {
    set_deadline(key, settings_.ping_interval * (connection.number + 1) / (connections() + 1));
  });
}

void HoldModel::on_due(base::Key key, Connection& connection) {
  const bool unanswered = connection.messages.received < connection.messages.sent || connection.messages.mid_message();
  if (connection.state == Connection::State::dialling || unanswered) return lose(key, Failure::timeout);
  if (window_.over(loop_.now())) return;
  set_deadline(key, settings_.ping_interval);
  ask(key, connection);
}

void HoldModel::note_arrived(std::uint32_t number) {
  if (arrived_[number]) return;
  arrived_[number] = true;
  ++arrivals_;
}

void HoldModel::ask(base::Key key, Connection& connection) {
  ++connection.due;
  flush(key, connection);
}

void HoldModel::flush(base::Key key, Connection& connection) {
  const auto sent = messages_.send(connection.transport, connection.messages, connection.due,
                                   [](std::uint64_t) { return base::Clock::now(); });
  (void)survives(key, sent);
}

void HoldModel::on_writable(base::Key key, Connection& connection) {
  if (connection.messages.sent < connection.due) flush(key, connection);
}

void HoldModel::on_readable(base::Key key, Connection& connection, net::Ready ready) {
  bool first = false;
  const auto outcome = messages_.receive(connection.transport, connection.messages, ready, [&](const Stamp& stamp) {
    first |= stamp.number == 0;
    note_round_trip(stamp.counted_from(), base::Clock::now());
  });
  if (!survives(key, outcome) || !first) return;
  clear_deadline(key);
  note_arrived(connection.number);
}

}  // namespace holdfast::load
