// Moving bytes from one end to the other, and what follows when an end stops. The rest of Relays is in relays.cc.
#include <algorithm>
#include <array>
#include <cerrno>

#include "gateway/relays.h"

namespace holdfast::gateway {
namespace {

// Once everything that `from` sent is written to `to`, `to` is told that no more will come.
void pass_end_on(const Leg& from, Leg& to) {
  if (!from.ended || !to.pending.empty() || to.told_end || to.gone) return;
  to.transport.end_writing();
  to.told_end = true;
}

}  // namespace

void Relays::on_relaying(base::Key key, Relay& relay, End end, net::Ready ready) {
  Leg& leg = relay.leg(end);
  leg.readable |= ready.readable || ready.broken;
  leg.hangup |= ready.hangup || ready.broken;
  leg.broken |= ready.broken;
  if (ready.broken && !leg.ended && break_off(key, relay, end) == Fate::ended) return;
  if (ready.writable && !leg.pending.empty() && flush(key, relay, end) == Fate::ended) return;
  if (pump(key, relay, end) == Fate::ended) return;
  if (relay.leg(other(end)).readable && pump(key, relay, other(end)) == Fate::ended) return;
  if (leg.hangup || relay.leg(other(end)).hangup) (void)finish(key, relay);
}

// The kernel has given this connection up. What that means must not wait until it is read again, which
// may never be: the other end may take nothing.
Relays::Fate Relays::break_off(base::Key key, Relay& relay, End end) {
  const int error = relay.leg(end).transport.take_error();
  if (error == 0) return Fate::lives;  // both sides were shut down in order; reading will tell
  return write_failed(key, relay, end, error);
}

void Relays::on_resume(net::Token token) {
  Relay* relay = relays_.find(token.key);
  if (relay == nullptr) return;
  relay->resuming = false;
  if (relay->stage == Relay::Stage::parting) return (void)go_on_parting(token.key, *relay);
  for (const End end : kEnds) {
    if (pump(token.key, *relay, end) == Fate::ended) return;
  }
  (void)finish(token.key, *relay);
}

// Reads one end until it has nothing more, the other end does not take more, or the turn's budget is used up.
Relays::Fate Relays::pump(base::Key key, Relay& relay, End from) {
  Leg& in = relay.leg(from);
  const Leg& out = relay.leg(other(from));
  std::size_t budget = kTurnBytesMax;
  while (in.readable && !in.ended && out.pending.empty()) {
    if (budget == 0) {
      resume_later(key, relay, from);
      break;
    }
    if (receive(key, relay, from, budget) == Fate::ended) return Fate::ended;
  }
  return Fate::lives;
}

Relays::Fate Relays::receive(base::Key key, Relay& relay, End from, std::size_t& budget) {
  Leg& in = relay.leg(from);
  const net::IoResult got = in.transport.read({scratch_.get(), kPendingMax});
  switch (got.status) {
    case net::IoStatus::again: in.readable = false; return Fate::lives;
    case net::IoStatus::failed: reset(key, relay, from); return Fate::ended;
    case net::IoStatus::end:
      in.ended = in.hangup = true;
      if (!relay.leg(other(from)).ended) {
        relay.reason = from == End::client ? CloseReason::client_closed : CloseReason::server_closed;
        if (from == End::server) note_early_close(relay);
      }
      return Fate::lives;
    case net::IoStatus::ok: break;
  }
  // A short read has emptied the socket, and whatever comes now is a new event. Not so when the end is near.
  if (got.bytes < kPendingMax && !in.hangup) in.readable = false;
  budget -= std::min(budget, got.bytes);
  relay.bytes[static_cast<std::size_t>(from)] += got.bytes;
  counters(relay).bytes[static_cast<std::size_t>(from)].add(got.bytes);
  if (!relay.leg(other(from)).gone) relay.last_activity = loop_.tick();  // throwing away is no activity
  return deliver(key, relay, other(from), {scratch_.get(), got.bytes});
}

// Writes at once; what does not fit waits.
Relays::Fate Relays::deliver(base::Key key, Relay& relay, End to, std::span<const std::byte> bytes) {
  Leg& out = relay.leg(to);
  if (out.gone) return Fate::lives;
  const net::IoResult sent = out.transport.write(bytes);
  if (sent.status == net::IoStatus::failed) return write_failed(key, relay, to, sent.error);
  bytes = bytes.subspan(sent.bytes);
  if (bytes.empty()) [[likely]]
    return Fate::lives;
  const bool kept = buffers_.append(out.pending, bytes);
  tell_buffer_memory();
  if (kept) return Fate::lives;
  out.transport.abort();  // what was read for it is lost
  return end(key, relay, CloseReason::no_memory), Fate::ended;
}

// Writes what waits.
Relays::Fate Relays::flush(base::Key key, Relay& relay, End to) {
  Leg& out = relay.leg(to);
  while (!out.pending.empty()) {
    std::array<iovec, 16> pieces;
    const std::size_t count = buffers_.peek(out.pending, pieces);
    const net::IoResult sent = out.transport.write(std::span<const iovec>(pieces.data(), count));
    if (sent.status == net::IoStatus::failed) return write_failed(key, relay, to, sent.error);
    if (sent.status == net::IoStatus::again) break;
    buffers_.consume(out.pending, sent.bytes);
    tell_buffer_memory();
    relay.last_activity = loop_.tick();
  }
  return Fate::lives;
}

void Relays::resume_later(base::Key key, Relay& relay, End end) {
  if (!relay.resuming) loop_.resume(token(key, end));
  relay.resuming = true;
}

// EPIPE: it had ended in order before it went away, so what it sent is still to be read. Anything else is a reset.
Relays::Fate Relays::write_failed(base::Key key, Relay& relay, End to, int error) {
  if (error == EPIPE) return lose(relay, to), Fate::lives;
  if (relay.stage == Relay::Stage::parting) return fall_away(relay, to), Fate::lives;
  return reset(key, relay, to), Fate::ended;
}

// Passes ends on, and ends the relay when both ends have nothing more to say.
Relays::Fate Relays::finish(base::Key key, Relay& relay) {
  Leg& client = relay.leg(End::client);
  Leg& server = relay.leg(End::server);
  // It ended in order, and then refused what was sent to it: a client that closed without reading all.
  for (const End end : kEnds) {
    const Leg& leg = relay.leg(end);
    if (leg.ended && leg.broken && !leg.told_end) lose(relay, end);
  }
  const bool delivered = client.pending.empty() && server.pending.empty();
  if (delivered && ((client.ended && server.ended) || (client.gone && server.gone))) {
    return end(key, relay, relay.reason), Fate::ended;
  }
  for (const End end : kEnds) pass_end_on(relay.leg(end), relay.leg(other(end)));
  const bool one_gone = (client.gone && client.ended) || (server.gone && server.ended);
  if (delivered && one_gone && relay.stage == Relay::Stage::relaying) linger(key, relay);
  return Fate::lives;
}

// This end takes nothing any more. What it sent before is still read and delivered.
void Relays::lose(Relay& relay, End end) {
  Leg& leg = relay.leg(end);
  leg.gone = true;
  leg.readable = true;
  leg.hangup = true;
  drop_pending(leg);
}

void Relays::drop_pending(Leg& leg) {
  if (leg.pending.empty()) return;
  buffers_.release(leg.pending);
  tell_buffer_memory();
}

void Relays::tell_buffer_memory() {
  context_.counters->buffer_memory_bytes.set(static_cast<std::int64_t>(buffers_.memory_bytes()));
}

// Everything the lost end sent is written to the other one, but may not have arrived: closing now, with bytes unread,
// would reset the connection and throw it away. on_deadline() looks until it has arrived.
void Relays::linger(base::Key key, Relay& relay) {
  relay.stage = Relay::Stage::lingering;
  relay.last_activity = loop_.tick();
  timers_.arm(key.index, base::Tick{loop_.tick().count + 1});
}

void Relays::reset(base::Key key, Relay& relay, End broken) {
  relay.leg(other(broken)).transport.abort();
  end(key, relay, broken == End::client ? CloseReason::client_reset : CloseReason::server_reset);
}

}  // namespace holdfast::gateway
