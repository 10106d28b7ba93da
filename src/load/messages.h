// load/messages.h: what travels on a connection of the generator, and how its echo is checked.
//
// A message is a stamp (its number on this connection, and the time from which its latency counts) and a constant
// filler. A reply is right when its length and its number are; the time comes back with it, so nothing
// is kept for a message.
//
// Thread: one loop's. Cost: one system call for up to 64 KiB of messages; nothing is allocated for a message.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <vector>

#include "base/time.h"
#include "load/settings.h"
#include "net/loop.h"
#include "net/transport.h"

namespace holdfast::load {

struct Stamp {
  std::uint64_t number = 0;
  base::Duration::rep time = 0;  // of base::Clock

  [[nodiscard]] base::Time counted_from() const noexcept { return base::Time{base::Duration{time}}; }
};
static_assert(sizeof(Stamp) == kMessageBytesMin);

// How far a connection is in its two streams of messages.
struct MessageState {
  std::uint64_t sent = 0;            // whole messages
  std::uint64_t received = 0;        // whole messages
  std::uint32_t sent_bytes = 0;      // of the message being sent
  std::uint32_t received_bytes = 0;  // of the message being received
  Stamp sending;                     // of the message being sent
  Stamp receiving;                   // of the message being received

  [[nodiscard]] bool mid_message() const noexcept { return sent_bytes > 0; }
};

class Messages {
 public:
  enum class Outcome : std::uint8_t { again, ended, failed, wrong };

  // `message_bytes` in [kMessageBytesMin, kMessageBytesMax].
  explicit Messages(std::uint32_t message_bytes);

  // Sends until `state.sent` is `target`, as far as the connection takes it. `time_of(number)` tells what to stamp.
  template <typename TimeOf>
  [[nodiscard]] net::IoResult send(net::Transport& to, MessageState& state, std::uint64_t target, TimeOf&& time_of);

  // Reads all that is there and gives the stamp of each whole reply to `on_reply`.
  template <typename OnReply>
  [[nodiscard]] Outcome receive(net::Transport& from, MessageState& state, net::Ready ready, OnReply&& on_reply);

  // The error behind Outcome::failed.
  [[nodiscard]] int last_error() const noexcept { return last_error_; }

 private:
  // Takes the part of `bytes` that belongs to the present message. True when that made it whole.
  bool take(MessageState& state, std::span<const std::byte>& bytes) const noexcept;
  // Notes that `bytes` of the outgoing buffer, which began with the present message, went out.
  void note_sent(MessageState& state, std::size_t bytes) const noexcept;

  std::uint32_t message_bytes_;
  std::size_t batch_max_;  // messages in one write
  std::vector<std::byte> outgoing_;
  std::vector<std::byte> incoming_;
  int last_error_ = 0;
};

template <typename TimeOf>
net::IoResult Messages::send(net::Transport& to, MessageState& state, std::uint64_t target, TimeOf&& time_of) {
  while (state.sent < target) {
    const std::size_t batch = std::min<std::uint64_t>(target - state.sent, batch_max_);
    for (std::size_t i = 0; i < batch; ++i) {
      const std::uint64_t number = state.sent + i;
      const bool begun = i == 0 && state.mid_message();
      const Stamp stamp = begun ? state.sending : Stamp{number, time_of(number).time_since_epoch().count()};
      std::memcpy(outgoing_.data() + i * message_bytes_, &stamp, sizeof stamp);
    }
    const auto bytes = std::span(outgoing_).first(batch * message_bytes_).subspan(state.sent_bytes);
    const net::IoResult result = to.write(bytes);
    if (result.status != net::IoStatus::ok) return result;
    note_sent(state, result.bytes);
    if (result.bytes < bytes.size()) return {};  // the rest when it becomes writable
  }
  return {net::IoStatus::ok, 0, 0};
}

template <typename OnReply>
Messages::Outcome Messages::receive(net::Transport& from, MessageState& state, net::Ready ready, OnReply&& on_reply) {
  for (;;) {
    const net::IoResult result = from.read(incoming_);
    last_error_ = result.error;
    if (result.status == net::IoStatus::again) return Outcome::again;
    if (result.status == net::IoStatus::end) return Outcome::ended;
    if (result.status == net::IoStatus::failed) return Outcome::failed;
    auto bytes = std::span<const std::byte>(incoming_).first(result.bytes);
    while (!bytes.empty()) {
      if (!take(state, bytes)) break;
      if (state.receiving.number != state.received || state.received >= state.sent) return Outcome::wrong;
      ++state.received;
      on_reply(state.receiving);
    }
    // A read that did not fill the buffer took all there was, and what comes later makes a new event;
    // but the end may have come before this event.
    if (result.bytes < incoming_.size() && !ready.hangup && !ready.broken) return Outcome::again;
  }
}

}  // namespace holdfast::load
