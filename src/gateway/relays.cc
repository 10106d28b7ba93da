// The begin of a relay, its deadlines and its end. In between: greeting.cc, waiting.cc, dialling.cc, pump.cc,
// parting.cc; and renewal.cc, when the configuration changes.
#include "gateway/relays.h"

#include <algorithm>
#include <array>
#include <utility>

#include "base/hash.h"

namespace holdfast::gateway {
namespace {

constexpr std::chrono::milliseconds kLingerPoll{50};

// What a server may end on its own and still be well: ten at once, and ten a second. Beyond, two notices a second.
constexpr policy::AcceptRate kUsualLosses{100'000, 10};
constexpr policy::AcceptRate kLossNotices{500'000, 1};

std::chrono::microseconds microseconds_between(base::Time from, base::Time to) {
  return std::chrono::duration_cast<std::chrono::microseconds>(to - from);
}

std::uint32_t ticks(std::chrono::milliseconds duration) {
  return static_cast<std::uint32_t>(duration / base::Tick::kLength);
}

}  // namespace

Relays::Relays(net::Loop& loop, const WorkerContext& context)
    : loop_(loop),
      context_(context),
      source_(loop.add_source(*this)),
      timers_(*this, loop.tick()),
      listeners_(*context.listeners),
      pools_(*context.pools),
      chooser_(pools_.get(), context.number),
      lines_(pools_.get().pools.size(), WaitingLine(relays_)),
      closings_(loop, *context.servers, relays_,
                [this](base::Key key, CloseReason reason) { part(key, *relays_.find(key), reason); }),
      scan_(loop, relays_, context.number, context.scan_results,
            {.pool_of = [this](const Relay& relay) { return relay.pool == kNoPool ? rules(relay).pool : relay.pool; },
             .kick = [this](base::Key key) { part(key, *relays_.find(key), CloseReason::kicked); }}),
      scratch_(std::make_unique_for_overwrite<std::byte[]>(kPendingMax)),
      next_id_(context.first_id) {
  loop.add_timers(timers_);
  note_pools();
}

Relays::~Relays() { end_all(CloseReason::stopped); }

entry::Door Relays::door(std::uint16_t listener) const {
  const ListenerRules& rules = this->rules(listener);
  return {*rules.admission, rules.proxy_protocol};
}

void Relays::count_refused(std::uint16_t listener, entry::RefuseReason reason) {
  counters(listener).refused[static_cast<std::size_t>(reason)].add();
}

void Relays::accepting_changed(entry::Accepting now) {
  const bool paused = now == entry::Accepting::paused;
  if (paused) context_.counters->accept_pauses.add();
  context_.counters->accept_paused.set(paused ? 1 : 0);
  (void)context_.notices->post(AcceptChanged{context_.number, paused});
}

void Relays::begin(int client_fd, const base::PeerAddress& client, std::uint16_t listener, entry::Placed placed) {
  const base::Key key = relays_.add();
  context_.counters->relay_memory_bytes.set(static_cast<std::int64_t>(relays_.memory_bytes()));
  Relay& relay = *relays_.find(key);
  relay.id = std::exchange(next_id_, next_id_ + context_.id_step);
  relay.client = client;
  relay.listener = listener;
  relay.placed = placed == entry::Placed::yes;
  relay.accepted = loop_.now();
  relay.last_activity = loop_.tick();
  relay.leg(End::client).transport = net::Transport(client_fd);
  ListenerCounters& counters = this->counters(relay);
  counters.accepted.add();
  counters.connections.add(1);
  // Watched from the start: a client that goes away while a server is sought is noticed.
  if (!loop_.watch(client_fd, token(key, End::client))) return end(key, relay, CloseReason::no_memory);
  if (rules(relay).proxy_protocol == config::ProxyIn::off) return seek(key, relay);
  relay.stage = Relay::Stage::greeting;
  timers_.arm(key.index, base::Tick::not_before(loop_.now() + rules(relay).proxy_protocol_timeout));
}

void Relays::on_ready(net::Token token, net::Ready ready) {
  Relay* relay = relays_.find(token.key);
  if (relay == nullptr) return;
  const auto end = static_cast<End>(token.part);
  if (relay->stage < Relay::Stage::relaying) return on_connecting(token.key, *relay, end, ready);
  if (relay->stage == Relay::Stage::parting) return on_parting(token.key, *relay, end, ready);
  on_relaying(token.key, *relay, end, ready);
}

void Relays::on_deadline(std::uint32_t index) {
  const base::Key key = relays_.key_of(index);
  Relay& relay = relays_[index];
  switch (relay.stage) {
    case Relay::Stage::greeting:
    case Relay::Stage::checking: return hear(key, relay, Heard::nothing);
    case Relay::Stage::waiting: return on_waited(key, relay);
    case Relay::Stage::connecting: return dial_again(key, relay);
    case Relay::Stage::relaying: return on_relaying_deadline(key, relay);
    case Relay::Stage::parting: return on_parting_deadline(key, relay);
    case Relay::Stage::lingering: {
      const End remaining = relay.leg(End::client).gone ? End::server : End::client;
      const bool late = loop_.tick().since(relay.last_activity) >= kLingerTimeout;
      if (late || relay.leg(remaining).transport.all_delivered()) return end(key, relay, relay.reason);
      return timers_.arm(index, base::Tick::not_before(loop_.now() + kLingerPoll));
    }
  }
}

// Once for each connection and idle period, not for each message: activity only notes the time.
void Relays::arm_relaying(base::Key key, Relay& relay) {
  const ListenerRules& rules = this->rules(relay);
  const base::Tick idle{relay.last_activity.count + ticks(rules.idle_timeout) + 2};
  if (rules.max_age.count() == 0) {
    if (rules.idle_timeout.count() == 0) return timers_.cancel(key.index);
    return timers_.arm(key.index, idle);
  }
  const base::Tick age = age_limit(relay);
  const bool idle_first = rules.idle_timeout.count() != 0 && idle.since(age).count() < 0;
  timers_.arm(key.index, idle_first ? idle : age);
}

void Relays::on_relaying_deadline(base::Key key, Relay& relay) {
  const ListenerRules& rules = this->rules(relay);
  // The last byte may have come at the end of its tick, so one tick more than the timeout.
  const auto idle = loop_.tick().since(relay.last_activity);
  if (rules.idle_timeout.count() != 0 && idle >= rules.idle_timeout + base::Tick::kLength) {
    return end(key, relay, CloseReason::idle_timeout);
  }
  if (rules.max_age.count() != 0 && loop_.tick().since(age_limit(relay)).count() >= 0) {
    return end(key, relay, CloseReason::max_age);
  }
  arm_relaying(key, relay);
}

// The jitter follows from the id, so that nothing has to be kept, and another process comes to the same.
base::Tick Relays::age_limit(const Relay& relay) const {
  const ListenerRules& rules = this->rules(relay);
  const double chance = static_cast<double>(base::mix(relay.id) >> 11) / static_cast<double>(1ULL << 53);
  const double factor = 1 + rules.max_age_jitter * (2 * chance - 1);
  const auto age = std::chrono::duration_cast<base::Duration>(factor * rules.max_age);
  return base::Tick::not_before(relay.accepted + age);
}

void Relays::end_all(CloseReason reason) {
  relays_.for_each([this, reason](base::Key key, Relay& relay) { end(key, relay, reason); });
}

// Whether what this end was sent is a part only. A stream that is cut must not look as if it had come to its end.
bool Relays::is_cut(Relay& relay, End to) {
  const Leg& from = relay.leg(other(to));
  const Leg& leg = relay.leg(to);
  if (!leg.pending.empty() || leg.cut) return true;
  return !leg.told_end && from.readable && !from.ended && from.transport.open();
}

void Relays::end(base::Key key, Relay& relay, CloseReason reason) {
  const std::array<bool, 2> cut{is_cut(relay, End::client), is_cut(relay, End::server)};  // before either is closed
  for (const End end : kEnds) {
    Leg& leg = relay.leg(end);
    if (leg.transport.open() && cut[static_cast<std::size_t>(end)]) leg.transport.abort();
    if (leg.transport.open()) leg.transport.close();
    drop_pending(leg);
  }
  timers_.cancel(key.index);
  if (relay.stage == Relay::Stage::waiting) leave_line(key, relay);
  counters(relay).connections.add(-1);
  counters(relay).closed[static_cast<std::size_t>(reason)].add();
  const entry::Admission& admission = *rules(relay).admission;
  if (relay.placed) admission.forget(relay.client);
  admission.leave();
  context_.descriptors->give(kRelayDescriptors);
  if (reason == CloseReason::server_reset && !relay.leg(End::server).ended) note_early_close(relay);
  if (reason == CloseReason::server_reset || reason == CloseReason::server_closed) note_loss(relay);
  if (listeners().verbosity >= Verbosity::ends) announce_end(relay, reason);
  if (relay.server != kNoServer) release_server(relay);
  relays_.remove(key);
}

// The server has ended its stream, or reset it; the client may be there for long.
void Relays::note_early_close(const Relay& relay) {
  const auto limit = pool(relay).early_close;
  if (limit.count() == 0 || relay.server == kNoServer || relay.bytes[1] > 0) return;
  if (loop_.now() - relay.accepted - std::chrono::microseconds(relay.connect_us) >= limit) return;
  slot_of(relay).early_closes_total.fetch_add(1, std::memory_order_relaxed);
  (void)context_.notices->post(ClosedEarly{relay.server});
}

// A server that ends many at once may have died: it is asked then, and not only when its next check is due.
void Relays::note_loss(const Relay& relay) {
  if (relay.server == kNoServer) return;
  ServerSlot& slot = slot_of(relay);
  if (slot.losses.try_take(loop_.now(), kUsualLosses)) return;
  if (slot.loss_notices.try_take(loop_.now(), kLossNotices)) {
    (void)context_.notices->post(ConnectionsLost{relay.server});
  }
}

void Relays::announce_end(const Relay& relay, CloseReason reason) {
  const bool under_way = relay.server != kNoServer;  // relay.attempts counts those that failed
  const bool relayed = relay.stage >= Relay::Stage::relaying;
  const auto attempts = static_cast<std::uint8_t>(relay.attempts + (under_way ? 1 : 0));
  (void)context_.notices->post(ConnectionEnded{.id = relay.id,
                                               .client = relay.client,
                                               .listener = relay.listener,
                                               .server = relay.server,
                                               .reason = reason,
                                               .attempts = attempts,
                                               .connect = std::chrono::microseconds{relay.connect_us},
                                               .duration = microseconds_between(relay.accepted, loop_.now()),
                                               .bytes_from_client = relayed ? relay.bytes[0] : 0,
                                               .bytes_from_server = relayed ? relay.bytes[1] : 0});
}

}  // namespace holdfast::gateway
