// Ending a relay on purpose, so that nothing is lost that was under way. The rest of Relays is in relays.cc.
//
// What the kernel has received from an end by now is delivered to the other, which is then told that no more will come.
// What an end says after that is thrown away until it ends too: closing with bytes unread would reset the connection,
// and the reset would overtake what was delivered. An end that takes nothing for kLingerTimeout is reset;
// ends that have taken everything and only do not close are given kFarewell.
//
// An end that was still talking when its stream was cut off (there was more by the time that all before it had been
// delivered) has not come to its end: the other one is reset once it has taken what it was given.
#include <algorithm>
#include <cerrno>

#include "gateway/relays.h"

namespace holdfast::gateway {
namespace {

constexpr std::chrono::seconds kFarewell{2};
constexpr std::chrono::milliseconds kLook{50};  // at a leg that is to be reset; an acknowledgement makes no event
constexpr std::chrono::milliseconds kLookForProgress{500};

std::uint32_t& unread(Relay& relay, End end) { return relay.parting.unread[static_cast<std::size_t>(end)]; }

// Whether it is settled what this end gets.
bool is_settled(const Leg& leg) { return leg.told_end || leg.gone || leg.cut; }

bool has_taken_all(const Leg& leg) { return leg.gone || (leg.told_end && leg.transport.all_delivered()); }

bool is_over(const Leg& leg) { return leg.ended && (leg.told_end || leg.gone); }

}  // namespace

// A relay that is ending already goes on as it is.
void Relays::part(base::Key key, Relay& relay, CloseReason reason) {
  if (relay.stage > Relay::Stage::relaying) return;
  if (relay.stage < Relay::Stage::relaying) return end(key, relay, reason);
  relay.stage = Relay::Stage::parting;
  relay.reason = reason;
  relay.last_activity = loop_.tick();
  relay.parting = Parting{};
  for (const End end : kEnds) {
    Leg& leg = relay.leg(end);
    if (!leg.ended) unread(relay, end) = leg.transport.unread_bytes();
    leg.readable |= unread(relay, end) > 0;
  }
  timers_.arm(key.index, base::Tick::not_before(loop_.now() + kLook));
  (void)go_on_parting(key, relay);
}

void Relays::on_parting(base::Key key, Relay& relay, End end, net::Ready ready) {
  Leg& leg = relay.leg(end);
  leg.readable |= ready.readable || ready.broken;
  leg.hangup |= ready.hangup || ready.broken;
  leg.broken |= ready.broken;
  if (ready.broken && leg.transport.open()) {
    const int error = leg.transport.take_error();
    if (error != 0 && write_failed(key, relay, end, error) == Fate::ended) return;
  }
  if (ready.writable && !leg.pending.empty() && flush(key, relay, end) == Fate::ended) return;
  (void)go_on_parting(key, relay);
}

// Does whatever can be done now. Both directions end for themselves.
Relays::Fate Relays::go_on_parting(base::Key key, Relay& relay) {
  for (const End end : kEnds) {
    if (pass_rest(key, relay, end) == Fate::ended) return Fate::ended;
  }
  for (const End end : kEnds) {
    if (is_settled(relay.leg(other(end)))) throw_away(key, relay, end);
  }
  for (const End end : kEnds) let_go(relay, end);
  if (!is_over(relay.leg(End::client)) || !is_over(relay.leg(End::server))) return Fate::lives;
  return end(key, relay, relay.reason), Fate::ended;
}

Relays::Fate Relays::pass_rest(base::Key key, Relay& relay, End from) {
  const Leg& out = relay.leg(other(from));
  std::size_t budget = kTurnBytesMax;
  while (out.pending.empty() && !is_settled(out)) {
    if (unread(relay, from) == 0) {
      settle_end(relay, from);
      continue;
    }
    if (budget == 0) {
      resume_later(key, relay, from);
      break;
    }
    if (read_rest(key, relay, from, budget) == Fate::ended) return Fate::ended;
  }
  return Fate::lives;
}

Relays::Fate Relays::read_rest(base::Key key, Relay& relay, End from, std::size_t& budget) {
  Leg& in = relay.leg(from);
  std::uint32_t& rest = unread(relay, from);
  const net::IoResult got = in.transport.read({scratch_.get(), std::min<std::size_t>(rest, kPendingMax)});
  if (got.status == net::IoStatus::failed) return fall_away(relay, from), Fate::lives;
  if (got.status != net::IoStatus::ok) {
    in.ended |= got.status == net::IoStatus::end;
    in.readable = false;
    rest = 0;
    return Fate::lives;
  }
  rest -= static_cast<std::uint32_t>(got.bytes);
  budget -= std::min(budget, got.bytes);
  relay.bytes[static_cast<std::size_t>(from)] += got.bytes;
  counters(relay).bytes[static_cast<std::size_t>(from)].add(got.bytes);
  relay.last_activity = loop_.tick();
  return deliver(key, relay, other(from), {scratch_.get(), got.bytes});
}

// The other end has taken all that was under way. If there is more by now, it counts only when it is the last: an end
// that has closed its side cannot go on for ever.
void Relays::settle_end(Relay& relay, End from) {
  const Leg& in = relay.leg(from);
  Leg& out = relay.leg(other(from));
  const std::uint32_t more = in.ended ? 0 : in.transport.unread_bytes();
  if (more > 0 && in.transport.peer_has_ended()) {
    unread(relay, from) = more;
    return;
  }
  if (more > 0) {
    out.cut = true;
    return;
  }
  out.transport.end_writing();
  out.told_end = true;
}

// Nobody is to have this any more, but it must be read, up to its end.
void Relays::throw_away(base::Key key, Relay& relay, End from) {
  Leg& in = relay.leg(from);
  std::size_t budget = kTurnBytesMax;
  while (in.readable && !in.ended) {
    if (budget == 0) return resume_later(key, relay, from);
    const net::IoResult got = in.transport.read({scratch_.get(), kPendingMax});
    budget -= std::min(budget, got.bytes);
    if (got.status == net::IoStatus::again) in.readable = false;
    if (got.status == net::IoStatus::end) in.ended = true;
    if (got.status == net::IoStatus::failed) fall_away(relay, from);
  }
}

// This end is broken: it takes nothing, and says nothing. A stream of it that has not been passed on whole is cut.
void Relays::fall_away(Relay& relay, End end) {
  Leg& leg = relay.leg(end);
  Leg& to = relay.leg(other(end));
  to.cut |= !leg.ended && !to.told_end;
  leg.gone = leg.ended = true;
  unread(relay, end) = 0;
  drop_pending(leg);
}

// A leg that was given a part only is reset as soon as it has taken that, and what it said has been passed on.
void Relays::let_go(Relay& relay, End end) {
  Leg& leg = relay.leg(end);
  const bool heard = is_settled(relay.leg(other(end)));
  if (!leg.cut || leg.gone || !heard || !leg.pending.empty() || !leg.transport.all_delivered()) return;
  leg.transport.abort();
  leg.gone = leg.ended = true;
}

void Relays::note_progress(Relay& relay) {
  for (const End end : kEnds) {
    std::uint32_t& before = relay.parting.untaken[static_cast<std::size_t>(end)];
    const std::uint32_t now = relay.leg(end).transport.untaken_bytes();
    if (now < before) relay.last_activity = loop_.tick();
    before = now;
  }
}

void Relays::on_parting_deadline(base::Key key, Relay& relay) {
  if (go_on_parting(key, relay) == Fate::ended) return;
  note_progress(relay);
  const bool all_taken = has_taken_all(relay.leg(End::client)) && has_taken_all(relay.leg(End::server));
  if (loop_.tick().since(relay.last_activity) >= (all_taken ? kFarewell : kLingerTimeout)) {
    for (const End end : kEnds) relay.leg(end).cut |= !has_taken_all(relay.leg(end));
    return end(key, relay, relay.reason);
  }
  const bool any_cut = relay.leg(End::client).cut || relay.leg(End::server).cut;
  timers_.arm(key.index, base::Tick::not_before(loop_.now() + (any_cut ? kLook : kLookForProgress)));
}

}  // namespace holdfast::gateway
