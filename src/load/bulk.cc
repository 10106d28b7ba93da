#include "load/bulk.h"

#include "load/discard.h"

namespace holdfast::load {
namespace {

constexpr std::size_t kBufferBytes = 256 * 1024;
constexpr int kCallsPerTurn = 4;  // then it is another connection's turn

}  // namespace

BulkModel::BulkModel(net::Loop& loop, const Settings& settings, Share share, const Window& window, base::Waker& leader)
    : Model(loop, settings, share, window, leader), buffer_(kBufferBytes, std::byte{'h'}) {}

void BulkModel::on_start() {
  slab_.for_each([&](base::Key key, Connection& connection) { resume(key, connection); });
}

void BulkModel::note_bytes(std::size_t bytes, base::Time now) {
  tally_.progress.add(bytes);
  if (window_.counts(now)) tally_.bytes.add(bytes);
}

void BulkModel::on_readable(base::Key key, Connection& connection, net::Ready ready) {
  if (window_.over(loop_.now())) return;
  if (settings_.direction == Direction::down) {
    if (window_.started(loop_.now())) read_some(key, connection);
  } else if (ready.hangup || ready.broken) {
    lose(key, ready.broken ? Failure::reset : Failure::ended);
  }
}

void BulkModel::on_writable(base::Key key, Connection& connection) {
  const base::Time now = loop_.now();
  if (settings_.direction == Direction::up && window_.started(now) && !window_.over(now)) write_some(key, connection);
}

void BulkModel::on_more(base::Key key, Connection& connection) {
  if (window_.over(loop_.now())) return;
  return settings_.direction == Direction::up ? write_some(key, connection) : read_some(key, connection);
}

void BulkModel::read_some(base::Key key, Connection& connection) {
  for (int call = 0; call < kCallsPerTurn; ++call) {
    const net::IoResult result = discard(connection.transport, buffer_);
    if (result.status == net::IoStatus::again) return;
    if (result.status == net::IoStatus::end) return lose(key, Failure::ended);
    if (!survives(key, result)) return;
    note_bytes(result.bytes, base::Clock::now());
  }
  resume(key, connection);
}

void BulkModel::write_some(base::Key key, Connection& connection) {
  for (int call = 0; call < kCallsPerTurn; ++call) {
    const net::IoResult result = connection.transport.write(buffer_);
    if (!survives(key, result)) return;
    note_bytes(result.bytes, base::Clock::now());
    if (result.bytes < buffer_.size()) return;
  }
  resume(key, connection);
}

}  // namespace holdfast::load
