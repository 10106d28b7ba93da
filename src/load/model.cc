#include "load/model.h"

#include <algorithm>
#include <utility>

#include "load/bulk.h"
#include "load/connect.h"
#include "load/dial_from.h"
#include "load/echo.h"
#include "load/hold.h"
#include "net/socket.h"

namespace holdfast::load {

Model::Model(net::Loop& loop, const Settings& settings, Share share, const Window& window, base::Waker& leader)
    : loop_(loop),
      settings_(settings),
      share_(share),
      window_(window),
      messages_(std::clamp(settings.message_bytes, kMessageBytesMin, kMessageBytesMax)),
      leader_(leader),
      timers_(*this, loop.tick()),
      source_(loop.add_source(*this)),
      wanted_(share.of(settings.connections)) {
  loop.add_timers(timers_);
}

Model::~Model() {
  slab_.for_each([](base::Key, Connection& connection) { connection.transport.close(); });
}

base::Result<void> Model::begin() {
  const auto watched = pacer_.watch(loop_, net::Token{source_, kPacerPart, {}});
  if (!watched) return watched;
  on_begin();
  settle();
  return {};
}

void Model::on_turn() {
  const base::Time now = base::Clock::now();
  if (window_.over(now)) {
    if (!started_ || all_answered() || now >= window_.until() + kGrace) {
      on_finish();
      loop_.stop();
    }
  } else if (!started_ && window_.started(now)) {
    started_ = true;
    on_start();
  }
}

// After whatever may have brought a connection or taken one.
void Model::settle() {
  if (settled()) return;
  fill();
  if (!all_settled()) return;
  settled_.store(true, std::memory_order_release);
  leader_.wake();
}

void Model::dial_more() {
  while (dialled_ < wanted_ && dialling_ < kDiallingMax) dial(dialled_);
}

base::Result<int> Model::open_socket(std::uint32_t number) const {
  if (settings_.sources.empty()) return net::dial(settings_.target, {});
  const std::uint32_t turn = number * share_.threads + share_.thread;
  return dial_from(settings_.sources[turn % settings_.sources.size()], settings_.target);
}

void Model::dial(std::uint32_t number) {
  dialled_ = std::max(dialled_, number + 1);
  const auto fd = open_socket(number);
  if (!fd) {
    tally_.fail(failure_of(fd.error()));
    return on_gone(number);
  }
  const base::Key key = slab_.add();
  Connection& connection = slab_[key.index];
  connection.transport = net::Transport(*fd);
  connection.number = number;
  connection.dialled = base::Clock::now();
  ++dialling_;
  if (!loop_.watch(*fd, net::Token{source_, kConnectionPart, key})) return lose(key, Failure::exhausted);
  set_deadline(key, settings_.timeout);
}

void Model::finish_dialling(base::Key key, Connection& connection, net::Ready ready) {
  if (!ready.writable && !ready.broken) return;
  if (ready.broken) return lose(key, failure_of(connection.transport.take_error()));
  timers_.cancel(key.index);
  --dialling_;
  connection.state = Connection::State::open;
  tally_.opened.add();
  tally_.open.add(1);
  on_open(key, connection);
}

void Model::on_ready(net::Token token, net::Ready ready) {
  if (token.part == kPacerPart) {
    on_pace();
  } else {
    serve(token.key, ready);
  }
  settle();
}

// One event may tell that a connection stands, has something to read and has ended; so look again after each step.
void Model::serve(base::Key key, net::Ready ready) {
  Connection* connection = slab_.find(key);
  if (connection != nullptr && connection->state == Connection::State::dialling) {
    finish_dialling(key, *connection, ready);
    connection = slab_.find(key);
  }
  if (connection == nullptr || connection->state == Connection::State::dialling) return;
  if (ready.readable || ready.hangup || ready.broken) on_readable(key, *connection, ready);
  connection = slab_.find(key);
  if (connection != nullptr && ready.writable) on_writable(key, *connection);
}

void Model::on_resume(net::Token token) {
  Connection* connection = slab_.find(token.key);
  if (connection == nullptr) return;
  connection->resuming = false;
  on_more(token.key, *connection);
}

void Model::resume(base::Key key, Connection& connection) {
  if (!std::exchange(connection.resuming, true)) loop_.resume(net::Token{source_, kConnectionPart, key});
}

void Model::set_deadline(base::Key key, base::Duration from_now) {
  timers_.arm(key.index, base::Tick::not_before(base::Clock::now() + from_now));
}

void Model::on_deadline(std::uint32_t index) {
  on_due(slab_.key_of(index), slab_[index]);
  settle();
}

void Model::on_due(base::Key key, Connection&) { lose(key, Failure::timeout); }

void Model::lose(base::Key key, Failure failure) {
  tally_.fail(failure);
  forget(key);
}

void Model::drop(base::Key key) { forget(key); }

void Model::forget(base::Key key) {
  Connection& connection = slab_[key.index];
  const std::uint32_t number = connection.number;
  timers_.cancel(key.index);
  if (connection.transport.open()) connection.transport.close();
  if (connection.state == Connection::State::dialling) {
    --dialling_;
  } else {
    tally_.open.add(-1);
  }
  slab_.remove(key);
  on_gone(number);
}

bool Model::survives(base::Key key, const net::IoResult& result) {
  if (result.status != net::IoStatus::failed) return true;
  lose(key, failure_of(result.error));
  return false;
}

bool Model::survives(base::Key key, Messages::Outcome outcome) {
  switch (outcome) {
    case Messages::Outcome::again: return true;
    case Messages::Outcome::ended: lose(key, Failure::ended); break;
    case Messages::Outcome::failed: lose(key, failure_of(messages_.last_error())); break;
    case Messages::Outcome::wrong: lose(key, Failure::wrong_reply); break;
  }
  return false;
}

void Model::note_round_trip(base::Time from, base::Time now) {
  tally_.progress.add();
  if (!window_.counts(from)) return;
  tally_.operations.add();
  tally_.latency.record(now - from);
}

std::unique_ptr<Model> make_model(net::Loop& loop, const Settings& settings, Share share, const Window& window,
                                  base::Waker& leader) {
  switch (settings.traffic) {
    case Traffic::echo: return std::make_unique<EchoModel>(loop, settings, share, window, leader);
    case Traffic::bulk: return std::make_unique<BulkModel>(loop, settings, share, window, leader);
    case Traffic::connect: return std::make_unique<ConnectModel>(loop, settings, share, window, leader);
    case Traffic::hold: break;
  }
  return std::make_unique<HoldModel>(loop, settings, share, window, leader);
}

}  // namespace holdfast::load
