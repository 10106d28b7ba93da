#include "load/connect.h"

#include <utility>

namespace holdfast::load {

ConnectModel::ConnectModel(net::Loop& loop, const Settings& settings, Share share, const Window& window,
                           base::Waker& leader)
    : Model(loop, settings, share, window, leader), free_(connections()) {}

void ConnectModel::on_start() { on_pace(); }

// A connection that has gone is followed by another in the next turn, not from within: one that fails
// at once would otherwise never let go.
void ConnectModel::on_gone(std::uint32_t) {
  ++free_;
  if (!std::exchange(pacing_, true)) pacer_.arm(loop_.now());
}

void ConnectModel::on_pace() {
  pacing_ = false;
  for (std::uint32_t count = free_; count > 0 && !window_.over(base::Clock::now()); --count) {
    --free_;
    dial(turn_++);
  }
}

void ConnectModel::on_open(base::Key key, Connection& connection) {
  set_deadline(key, settings_.timeout);
  return settings_.message_bytes == 0 ? finish(key, connection) : send(key, connection);
}

void ConnectModel::send(base::Key key, Connection& connection) {
  const auto sent =
      messages_.send(connection.transport, connection.messages, 1, [&](std::uint64_t) { return connection.dialled; });
  (void)survives(key, sent);
}

void ConnectModel::on_writable(base::Key key, Connection& connection) {
  if (connection.state == Connection::State::open && connection.messages.sent == 0) send(key, connection);
}

void ConnectModel::on_readable(base::Key key, Connection& connection, net::Ready ready) {
  const auto outcome = messages_.receive(connection.transport, connection.messages, ready, [](const Stamp&) {});
  const bool closing = connection.state == Connection::State::closing;
  if (closing && outcome == Messages::Outcome::ended) return drop(key);
  const bool answered = connection.messages.received == 1 && !closing;
  const bool whole = outcome == Messages::Outcome::again || outcome == Messages::Outcome::ended;
  if (!answered || !whole) {
    (void)survives(key, outcome);
    return;
  }
  finish(key, connection);
  if (outcome == Messages::Outcome::ended && slab_.find(key) != nullptr) drop(key);  // the peer's end came first
}

void ConnectModel::finish(base::Key key, Connection& connection) {
  note_round_trip(connection.dialled, base::Clock::now());
  if (settings_.ending == Ending::reset) {
    connection.transport.abort();
    return drop(key);
  }
  connection.transport.end_writing();
  connection.state = Connection::State::closing;
}

}  // namespace holdfast::load
