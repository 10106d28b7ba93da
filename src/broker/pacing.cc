// Clients that may send so much a second. The rest of Connections is in connections.cc.
//
// Who has used up what it may send is not listened to until it has that again, packet by packet: what it sends
// meanwhile stays in the kernel, and nothing is lost. Its order is kept: whatever comes after a message that waits,
// waits with it, the end of the connection included.
#include <algorithm>
#include <utility>

#include "broker/connections.h"

namespace holdfast::broker {

using Stage = Connection::Stage;

// `bytes_sent` with CONNECT, before anybody could know who it is.
void Connections::start_pace(Connection& connection, std::size_t bytes_sent) {
  const ClientRates& rates = listener(connection).rates;
  connection.pace = std::make_unique<Pace>();
  connection.pace->messages = rates.message_burst;
  connection.pace->bytes = rates.byte_burst - static_cast<double>(bytes_sent);
  connection.pace->filled = loop_.now();
}

// What one gets while it waits may be more than its burst: timers are late by some milliseconds, and the rate is to be
// reached.
void Connections::refill(Connection& connection) const {
  Pace& pace = *connection.pace;
  if (pace.filled == loop_.now()) return;
  const ClientRates& rates = listener(connection).rates;
  const double seconds = std::chrono::duration<double>(loop_.now() - pace.filled).count();
  pace.filled = loop_.now();
  pace.messages += seconds * rates.messages;
  pace.bytes += seconds * rates.bytes;
  if (pace.waits_for != Pace::WaitsFor::message) pace.messages = std::min(pace.messages, rates.message_burst);
  if (pace.waits_for != Pace::WaitsFor::bytes) pace.bytes = std::min(pace.bytes, rates.byte_burst);
  pace.waits_for = Pace::WaitsFor::nothing;
}

// Asked once for each packet that is whole: it is paid for here.
bool Connections::must_wait(base::Key key, Connection& connection, const wire::mqtt::Header& header) {
  if (!connection.pace || header.type != wire::mqtt::PacketType::publish) return false;
  refill(connection);
  if (connection.pace->messages < 1) {
    wait(key, connection, Pace::WaitsFor::message);
    return true;
  }
  connection.pace->messages -= 1;
  return false;
}

// How many bytes may be read at once; if none, it waits for some.
std::size_t Connections::may_read(base::Key key, Connection& connection) {
  if (!connection.pace) return kScratchBytes;
  refill(connection);
  if (connection.pace->bytes < 1) {
    wait(key, connection, Pace::WaitsFor::bytes);
    return 0;
  }
  return static_cast<std::size_t>(std::min<double>(connection.pace->bytes, kScratchBytes));
}

// Goes on where it was made to wait.
void Connections::take_held(base::Key key, Connection& connection) {
  std::vector<std::byte> held = std::exchange(connection.pace->held, {});
  const std::size_t taken = std::exchange(connection.pace->held_taken, 0);
  const std::span<const std::byte> rest = take_mqtt(key, connection, std::span(held).subspan(taken));
  if (!rest.empty()) {
    connection.pace->held_taken = held.size() - rest.size();
    connection.pace->held = std::move(held);
  } else if (connection.websocket && connection.stage == Stage::open) {
    take_frames(key, connection, {});  // those that came after it
  }
}

void Connections::hold(Connection& connection, std::span<const std::byte> bytes) {
  if (!bytes.empty()) connection.pace->held.assign(bytes.begin(), bytes.end());
}

void Connections::wait(base::Key key, Connection& connection, Pace::WaitsFor what) {
  context_.counters->paced.add();
  connection.pace->waits_for = what;
  connection.waiting = true;
  arm_open(key.index, connection);
}

base::Duration Connections::wait_of(const Connection& connection) const {
  constexpr double kLongestSeconds = 3600;  // and then it is looked at again
  const ClientRates& rates = listener(connection).rates;
  const Pace& pace = *connection.pace;
  const double bytes = std::max(1.0, std::min(rates.byte_burst, rates.bytes * kByteGrainSeconds));
  const double seconds = pace.waits_for == Pace::WaitsFor::message ? (1 - pace.messages) / rates.messages
                                                                   : (bytes - pace.bytes) / rates.bytes;
  return std::chrono::duration_cast<base::Duration>(std::chrono::duration<double>(std::min(seconds, kLongestSeconds)));
}

}  // namespace holdfast::broker
