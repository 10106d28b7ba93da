// From accept to connected, deadlines, and the end. pump.cc moves the bytes in between.
#include "gateway/relays.h"

#include <algorithm>
#include <cerrno>
#include <utility>

namespace holdfast::gateway {
namespace {

// Between two rounds over servers that have all failed, so that a refusing server is not dialled without pause.
constexpr std::chrono::milliseconds kRetryPause{500};
constexpr std::chrono::milliseconds kLingerPoll{50};

// Where in the pool's view the servers are that this relay has tried. Few, and only looked up after a failure.
std::span<const std::uint32_t> tried_indexes(const Relay& relay, const Pool& pool,
                                             std::array<std::uint32_t, Relay::kTriedMax>& storage) {
  std::size_t count = 0;
  const std::size_t tried = std::min<std::size_t>(relay.attempts, Relay::kTriedMax);
  for (std::uint32_t i = 0; tried > 0 && i < pool.servers.size() && count < storage.size(); ++i) {
    const auto end = relay.tried.begin() + static_cast<std::ptrdiff_t>(tried);
    if (std::find(relay.tried.begin(), end, pool.servers[i].slot) != end) storage[count++] = i;
  }
  return {storage.data(), count};
}

std::size_t address_count(const Pool& pool) {
  std::size_t count = 0;
  for (const Server& server : pool.servers) count += server.weight > 0 ? server.addresses.size() : 0;
  return count;
}

std::chrono::microseconds microseconds_between(base::Time from, base::Time to) {
  return std::chrono::duration_cast<std::chrono::microseconds>(to - from);
}

}  // namespace

Relays::Relays(net::Loop& loop, const WorkerContext& context)
    : loop_(loop),
      context_(context),
      source_(loop.add_source(*this)),
      timers_(*this, loop.tick()),
      pools_(*context.pools),
      scratch_(std::make_unique_for_overwrite<std::byte[]>(kPendingMax)),
      next_id_(context.first_id) {
  loop.add_timers(timers_);
  for (const Pool& pool : pools_.get().pools) {
    policies_.push_back(policy::make_policy(pool.policy, context.number));
    policies_.back()->changed(pool.view());
  }
}

Relays::~Relays() { end_all(CloseReason::stopped); }

void Relays::refresh() {
  if (!pools_.refresh()) return;
  for (std::size_t i = 0; i < policies_.size(); ++i) policies_[i]->changed(pools_.get().pools[i].view());
}

void Relays::begin(int client_fd, const base::PeerAddress& client, std::uint16_t listener) {
  const base::Key key = relays_.add();
  context_.counters->relay_memory_bytes.set(static_cast<std::int64_t>(relays_.memory_bytes()));
  Relay& relay = *relays_.find(key);
  relay.id = std::exchange(next_id_, next_id_ + context_.id_step);
  relay.client = client;
  relay.listener = listener;
  relay.accepted = loop_.now();
  relay.leg(End::client).transport = net::Transport(client_fd);
  ListenerCounters& counters = this->counters(relay);
  counters.accepted.add();
  counters.connections.add(1);
  // Watched from the start: a client that goes away while a server is sought is noticed.
  if (!loop_.watch(client_fd, token(key, End::client))) return end(key, relay, CloseReason::no_memory);
  dial(key, relay);
}

// Tries servers until a connection is under way. Ends the relay when nothing is left to try.
void Relays::dial(base::Key key, Relay& relay) {
  const Pool& pool = this->pool(relay);
  policy::Policy& policy = *policies_[rules(relay).pool];
  for (;;) {
    if (relay.attempts > pool.retries) return end(key, relay, CloseReason::connect_failed);
    std::array<std::uint32_t, Relay::kTriedMax> storage;
    const auto chosen = policy.choose(pool.view(), {.now = loop_.now(), .tried = tried_indexes(relay, pool, storage)});
    if (!chosen && relay.attempts == 0) return end(key, relay, CloseReason::no_server);
    if (!chosen) {  // all have failed: once more from the beginning; after a pause, unless an address is still untried
      relay.tried.fill(Relay::kNoServer);
      if (relay.attempts < address_count(pool)) continue;
      return arm_connecting(key, relay, kRetryPause);
    }
    if (dial_one(key, relay, pool, *chosen)) return arm_connecting(key, relay, pool.connect_timeout);
  }
}

bool Relays::dial_one(base::Key key, Relay& relay, const Pool& pool, std::uint32_t index) {
  const Server& server = pool.servers[index];
  relay.server = server.slot;
  (*context_.servers)[server.slot].load.connections.fetch_add(1, std::memory_order_relaxed);
  const net::SocketAddress& address = server.addresses[(relay.id + relay.attempts) % server.addresses.size()];
  const auto fd = net::dial(address, rules(relay).tcp);
  if (!fd) {
    give_up_server(relay, fd.error().system_errno);
    return false;
  }
  relay.leg(End::server).transport = net::Transport(*fd);
  if (loop_.watch(*fd, token(key, End::server))) return true;
  give_up_server(relay, ENOMEM);
  return false;
}

// The server of this attempt did not work out; the relay lives on without one.
void Relays::give_up_server(Relay& relay, int error) {
  Leg& leg = relay.leg(End::server);
  if (leg.transport.open()) leg.transport.close();
  leg = Leg{};
  ServerSlot& slot = (*context_.servers)[relay.server];
  slot.load.connections.fetch_sub(1, std::memory_order_relaxed);
  slot.connect_failures_total.fetch_add(1, std::memory_order_relaxed);
  (void)context_.notices->post(ConnectFailed{relay.server, error});
  relay.tried[relay.attempts % Relay::kTriedMax] = relay.server;
  ++relay.attempts;
  relay.server = Relay::kNoServer;
}

void Relays::dial_failed(base::Key key, Relay& relay, int error) {
  give_up_server(relay, error);
  dial(key, relay);
}

void Relays::arm_connecting(base::Key key, Relay& relay, std::chrono::milliseconds step) {
  const base::Time whole = relay.accepted + rules(relay).handshake_timeout;
  timers_.arm(key.index, base::Tick::not_before(std::min<base::Time>(loop_.now() + step, whole)));
}

void Relays::on_connecting(base::Key key, Relay& relay, End end, net::Ready ready) {
  Leg& leg = relay.leg(end);
  if (end == End::client) {  // remembered until a server is there
    leg.readable |= ready.readable;
    leg.hangup |= ready.hangup;
    leg.broken |= ready.broken;  // without an error it has only closed, and what it sent is still to be relayed
    if (ready.broken && leg.transport.take_error() != 0) this->end(key, relay, CloseReason::client_reset);
    return;
  }
  if (ready.broken) {
    const int error = leg.transport.take_error();
    if (error != 0) return dial_failed(key, relay, error);
  }
  if (!ready.writable && !ready.broken) return;
  connected(key, relay);
  on_relaying(key, relay, End::server, ready);
}

void Relays::connected(base::Key key, Relay& relay) {
  const auto taken = microseconds_between(relay.accepted, loop_.now());
  relay.stage = Relay::Stage::relaying;
  relay.connect_us = static_cast<std::uint32_t>(taken.count());
  relay.last_activity = loop_.tick();
  counters(relay).connect.record(taken);
  (*context_.servers)[relay.server].connections_total.fetch_add(1, std::memory_order_relaxed);
  arm_idle(key, relay);
  if (context_.verbosity == Verbosity::opens_and_ends) {
    (void)context_.notices->post(ConnectionOpened{relay.id, relay.client, relay.listener, relay.server});
  }
}

// Once for each connection and idle period, not for each message: activity only notes the time.
void Relays::arm_idle(base::Key key, Relay& relay) {
  const auto timeout = rules(relay).idle_timeout;
  if (timeout.count() == 0) return timers_.cancel(key.index);
  const auto ticks = static_cast<std::uint32_t>(timeout / base::Tick::kLength);
  timers_.arm(key.index, base::Tick{relay.last_activity.count + ticks + 2});
}

void Relays::on_ready(net::Token token, net::Ready ready) {
  Relay* relay = relays_.find(token.key);
  if (relay == nullptr) return;
  const auto end = static_cast<End>(token.part);
  if (relay->stage == Relay::Stage::connecting) return on_connecting(token.key, *relay, end, ready);
  on_relaying(token.key, *relay, end, ready);
}

void Relays::on_deadline(std::uint32_t index) {
  const base::Key key = relays_.key_of(index);
  Relay& relay = relays_[index];
  switch (relay.stage) {
    case Relay::Stage::connecting:
      if (loop_.now() >= relay.accepted + rules(relay).handshake_timeout) {
        return end(key, relay, CloseReason::handshake_timeout);
      }
      return relay.server == Relay::kNoServer ? dial(key, relay) : dial_failed(key, relay, ETIMEDOUT);
    case Relay::Stage::relaying:
      // The last byte may have come at the end of its tick, so one tick more than the timeout.
      if (loop_.tick().since(relay.last_activity) >= rules(relay).idle_timeout + base::Tick::kLength) {
        return end(key, relay, CloseReason::idle_timeout);
      }
      return arm_idle(key, relay);
    case Relay::Stage::lingering: {
      const End remaining = relay.leg(End::client).gone ? End::server : End::client;
      const bool late = loop_.tick().since(relay.last_activity) >= kLingerTimeout;
      if (late || relay.leg(remaining).transport.all_delivered()) return end(key, relay, relay.reason);
      return timers_.arm(index, base::Tick::not_before(loop_.now() + kLingerPoll));
    }
  }
}

void Relays::end_all(CloseReason reason) {
  relays_.for_each([this, reason](base::Key key, Relay& relay) { end(key, relay, reason); });
}

void Relays::end(base::Key key, Relay& relay, CloseReason reason) {
  for (const End end : kEnds) {
    Leg& leg = relay.leg(end);
    const Leg& peer = relay.leg(other(end));
    // A stream that is cut must not look as if it had come to its end.
    const bool cut = !leg.pending.empty() || (peer.readable && !peer.ended && peer.transport.open());
    if (leg.transport.open() && cut) leg.transport.abort();
    if (leg.transport.open()) leg.transport.close();
    drop_pending(leg);
  }
  timers_.cancel(key.index);
  counters(relay).connections.add(-1);
  counters(relay).closed[static_cast<std::size_t>(reason)].add();
  rules(relay).connections->fetch_sub(1, std::memory_order_relaxed);
  context_.descriptors->give(2);
  if (relay.server != Relay::kNoServer) {
    (*context_.servers)[relay.server].load.connections.fetch_sub(1, std::memory_order_relaxed);
  }
  if (context_.verbosity >= Verbosity::ends) announce_end(relay, reason);
  relays_.remove(key);
}

void Relays::announce_end(const Relay& relay, CloseReason reason) {
  const bool under_way = relay.server != Relay::kNoServer;  // relay.attempts counts those that failed
  const auto attempts = static_cast<std::uint8_t>(relay.attempts + (under_way ? 1 : 0));
  (void)context_.notices->post(ConnectionEnded{.id = relay.id,
                                               .client = relay.client,
                                               .listener = relay.listener,
                                               .server = relay.server,
                                               .reason = reason,
                                               .attempts = attempts,
                                               .connect = std::chrono::microseconds{relay.connect_us},
                                               .duration = microseconds_between(relay.accepted, loop_.now()),
                                               .bytes_from_client = relay.bytes[0],
                                               .bytes_from_server = relay.bytes[1]});
}

}  // namespace holdfast::gateway
