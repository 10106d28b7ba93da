// Who a client is, when a balancer before us says so with a PROXY header: entry/greeting.h decides, and the relay keeps
// the stage and the deadline. The rest of Relays is in relays.cc.
#include "entry/greeting.h"

#include "gateway/relays.h"

namespace holdfast::gateway {

void Relays::hear(base::Key key, Relay& relay, Heard heard) {
  Leg& leg = relay.leg(End::client);
  const entry::Newcomer newcomer{leg.transport, relay.client, relay.destination, leg.hangup, leg.broken};
  const entry::Door door = this->door(relay.listener);
  entry::Greeting greeting(newcomer, door, loop_.now(), {scratch_.get(), kPendingMax});
  const bool is_checked = relay.stage == Relay::Stage::checking;
  if (heard == Heard::nothing) return conclude(key, relay, is_checked ? greeting.unchecked() : greeting.late());
  conclude(key, relay, is_checked ? greeting.hear_more() : greeting.hear());
}

void Relays::conclude(base::Key key, Relay& relay, const entry::Verdict& verdict) {
  switch (verdict.what) {
    case entry::Verdict::What::wait: return;
    case entry::Verdict::What::check:
      relay.stage = Relay::Stage::checking;
      return timers_.arm(key.index, base::Tick::not_before(loop_.now() + entry::kCheckTime));
    case entry::Verdict::What::let_in: relay.placed = verdict.placed == entry::Placed::yes; return seek(key, relay);
    case entry::Verdict::What::refused:
      count_refused(relay.listener, verdict.reason);
      return end(key, relay, CloseReason::refused);
    case entry::Verdict::What::probe: return end(key, relay, CloseReason::probe);
    case entry::Verdict::What::reset: return end(key, relay, CloseReason::client_reset);
  }
}

}  // namespace holdfast::gateway
