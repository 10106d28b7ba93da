// From "who is it" to "connected to a server". The rest of Relays is in relays.cc.
#include <algorithm>
#include <cerrno>
#include <charconv>

#include "base/hash.h"
#include "gateway/relays.h"
#include "wire/proxy.h"

namespace holdfast::gateway {
namespace {

// Between two rounds over servers that have all failed, so that a refusing server is not dialled without pause.
constexpr std::chrono::milliseconds kRetryPause{500};
// How long a server is avoided after a failed connect; twice as long after each further one in a row.
constexpr std::chrono::seconds kAside{1};
constexpr std::uint32_t kAsideDoublingsMax = 5;
// How long a source address is avoided towards a server after the kernel has refused it: looking for a free port when
// there is none costs the kernel a walk over the whole range.
constexpr std::chrono::seconds kPortsPause{1};
// How often in a row others may take the chosen server's last place before that counts as full.
constexpr int kClaimsMax = 16;

std::size_t address_count(const Pool& pool) {
  std::size_t count = 0;
  for (const Tier& tier : pool.tiers) {
    for (std::size_t i = 0; i < tier.members.size(); ++i) {
      count += tier.servers[i].weight > 0 ? pool.servers[tier.members[i]].addresses.size() : 0;
    }
  }
  return count;
}

// How many times all servers of the pool have been tried. Only for pools in which that makes a difference.
std::size_t rounds(const Pool& pool, std::uint8_t attempts) {
  std::size_t count = 0;
  for (const Tier& tier : pool.tiers) {
    count += static_cast<std::size_t>(
        std::ranges::count_if(tier.servers, [](const policy::Server& server) { return server.weight > 0; }));
  }
  return attempts / std::max<std::size_t>(count, 1);
}

base::Time aside_until(base::Time now, std::uint32_t failures) {
  return now + kAside * (1U << std::min(failures, kAsideDoublingsMax));
}

std::uint64_t hash_key(const base::PeerAddress& client) {
  return base::hash_bytes(std::as_bytes(std::span(client.bytes)), static_cast<std::uint64_t>(client.family));
}

}  // namespace

// Admitted: a server is sought, behind those who wait for one already.
void Relays::seek(base::Key key, Relay& relay) {
  relay.stage = Relay::Stage::connecting;
  relay.last_activity = loop_.tick();
  relay.pool = rules(relay).pool;
  const Pool& pool = this->pool(relay);
  if (pool.queue > 0 && pool.load->waiting.load(std::memory_order_relaxed) > 0) return wait(key, relay);
  dial(key, relay, choose(relay));
}

Choice Relays::choose(const Relay& relay) {
  // Those that are forgotten are kNoServer: the slot of no server.
  const std::size_t tried = std::min<std::size_t>(relay.attempts, Relay::kTriedMax);
  return chooser_.choose(relay.pool, hash_key(relay.client), loop_.now(), {relay.tried.data(), tried});
}

// Tries servers, beginning with `choice`, until a connection is under way. Ends the relay when nothing is left to try.
void Relays::dial(base::Key key, Relay& relay, Choice choice) {
  const Pool& pool = this->pool(relay);
  for (int claims = 0; choice.answer == Choice::Answer::server; choice = choose(relay)) {
    switch (dial_one(key, relay, pool, pool.servers[choice.index])) {
      case Dialled::under_way: return arm_connecting(key, relay, pool.connect_timeout);
      case Dialled::failed:
        if (relay.attempts > pool.retries) return nobody_reached(key, relay);
        break;
      case Dialled::taken_away:
        if (++claims == kClaimsMax) return nobody_to_dial(key, relay, Choice::Answer::full);
        break;
    }
  }
  nobody_to_dial(key, relay, choice.answer);
}

void Relays::nobody_to_dial(base::Key key, Relay& relay, Choice::Answer answer) {
  const Pool& pool = this->pool(relay);
  if (answer == Choice::Answer::full && pool.queue > 0) return wait(key, relay);
  if (answer == Choice::Answer::down && pool.queue > 0 && pool.when_all_down == config::WhenAllDown::queue) {
    return wait(key, relay);
  }
  if (relay.attempts == 0) {
    return end(key, relay, answer == Choice::Answer::down ? CloseReason::no_server : CloseReason::servers_full);
  }
  // All have failed: once more from the beginning, after a pause, unless an address is still untried.
  relay.tried.fill(kNoServer);
  if (answer == Choice::Answer::tried && relay.attempts < address_count(pool)) return dial(key, relay, choose(relay));
  arm_connecting(key, relay, kRetryPause);
}

Relays::Dialled Relays::dial_one(base::Key key, Relay& relay, const Pool& pool, const Server& server) {
  if (!claim(pool, server)) return Dialled::taken_away;
  relay.server = server.slot;
  const auto fd = connect_from(relay, pool, server);
  if (!fd) {
    give_up_server(relay, fd.error().system_errno);
    return Dialled::failed;
  }
  relay.leg(End::server).transport = net::Transport(*fd);
  if (loop_.watch(*fd, token(key, End::server))) return Dialled::under_way;
  give_up_server(relay, ENOMEM);
  return Dialled::failed;
}

// Takes a place at the server, and a token of its rate. Another worker may have been quicker.
bool Relays::claim(const Pool& pool, const Server& server) {
  policy::ServerLoad& load = (*context_.servers)[server.slot].load;
  const std::uint32_t before = load.connections.fetch_add(1, std::memory_order_relaxed);
  const bool full = server.max_connections != 0 && before >= server.max_connections;
  if (full || !load.accepts.try_take(loop_.now(), server.accept_rate)) {
    load.connections.fetch_sub(1, std::memory_order_relaxed);
    return false;
  }
  pool.load->connections.fetch_add(1, std::memory_order_relaxed);
  return true;
}

// From the source addresses in turn, but only from those that have a port left. Errors: EADDRNOTAVAIL when none has,
// kNoSource when none is an address of this machine.
base::Result<int> Relays::connect_from(Relay& relay, const Pool& pool, const Server& server) {
  ServerSlot& slot = (*context_.servers)[server.slot];
  const std::uint64_t number = relay.id / context_.id_step;
  const std::uint64_t turn = number + relay.attempts;
  // A server comes up once a round, and each time with its next address.
  const bool again = relay.attempts > 0 && server.addresses.size() > 1;
  const std::uint64_t round = again ? rounds(pool, relay.attempts) : 0;
  const net::SocketAddress& to = server.addresses[(number + round) % server.addresses.size()];
  if (to.is_unix()) return net::dial(to, rules(relay).tcp);
  const net::PortRange ports = context_.local_ports->load(std::memory_order_relaxed);
  const std::uint16_t port = to.peer().port;
  relay.ephemeral_port = ports.contains(port) ? port : 0;
  bool has_source = false;
  for (std::size_t i = 0; i < pool.sources.size(); ++i) {
    const auto& [index, address] = pool.sources[(turn + i) % pool.sources.size()];
    const net::SocketAddress* from = address ? &*address : nullptr;
    SourceLoad& source = slot.sources[index];
    if (from != nullptr && from->family() != to.family()) continue;
    if (!source.aside.holds(loop_.now()) &&
        source.ports.load(std::memory_order_relaxed) < ports.count() * server.addresses.size()) {
      auto fd = net::dial(to, rules(relay).tcp, from);
      if (fd || fd.error().system_errno != EADDRNOTAVAIL) {
        if (fd) take_port(relay, source, index);
        return fd;
      }
      set_aside(source, fd.error(), SourceUnusable{server.slot, index});
    }
    has_source |= !source.unusable.load(std::memory_order_relaxed);
  }
  const int error = has_source ? EADDRNOTAVAIL : kNoSource;
  return base::Error{base::Errc::exhausted, base::Side::internal, error, "connect"};
}

void Relays::take_port(Relay& relay, SourceLoad& source, std::uint8_t index) {
  relay.source = index;
  source.ports.fetch_add(1, std::memory_order_relaxed);
  if (source.unusable.load(std::memory_order_relaxed)) source.unusable.store(false, std::memory_order_relaxed);
}

void Relays::set_aside(SourceLoad& source, const base::Error& error, SourceUnusable notice) {
  source.aside.set(loop_.now() + kPortsPause);
  const bool unusable = error.code == base::Errc::not_found;
  if (!source.unusable.exchange(unusable, std::memory_order_relaxed) && unusable) {
    (void)context_.notices->post(notice);
  }
}

// The server of this attempt did not work out; the relay lives on without one.
void Relays::give_up_server(Relay& relay, int error) {
  Leg& leg = relay.leg(End::server);
  if (leg.transport.open()) leg.transport.close();
  leg = Leg{};
  ServerSlot& slot = slot_of(relay);
  if (error == EADDRNOTAVAIL || error == kNoSource) slot.load.aside.set(loop_.now() + kPortsPause);
  if (error == EADDRNOTAVAIL) {
    slot.ports_short_total.fetch_add(1, std::memory_order_relaxed);
    (void)context_.notices->post(PortsShort{relay.server});
  } else if (error != kNoSource) {
    slot.connect_failures_total.fetch_add(1, std::memory_order_relaxed);
    (void)context_.notices->post(ConnectFailed{relay.server, error});
  }
  if (!is_our_fault(error)) {
    const std::uint32_t failures = slot.failures_in_a_row.fetch_add(1, std::memory_order_relaxed);
    slot.load.aside.set(aside_until(loop_.now(), failures));
  }
  relay.no_port = error == EADDRNOTAVAIL;
  relay.tried[relay.attempts % Relay::kTriedMax] = relay.server;
  ++relay.attempts;
  release_server(relay);
}

void Relays::release_server(Relay& relay) {
  ServerSlot& slot = slot_of(relay);
  if (relay.source != Relay::kNoSource) slot.sources[relay.source].ports.fetch_sub(1, std::memory_order_relaxed);
  slot.load.connections.fetch_sub(1, std::memory_order_relaxed);
  pool(relay).load->connections.fetch_sub(1, std::memory_order_relaxed);
  relay.source = Relay::kNoSource;
  relay.server = kNoServer;
  give_chance(relay.pool);
}

void Relays::nobody_reached(base::Key key, Relay& relay) {
  end(key, relay, relay.no_port ? CloseReason::no_source_port : CloseReason::connect_failed);
}

void Relays::dial_failed(base::Key key, Relay& relay, int error) {
  give_up_server(relay, error);
  if (relay.attempts > pool(relay).retries) return nobody_reached(key, relay);
  dial(key, relay, choose(relay));
}

void Relays::dial_again(base::Key key, Relay& relay) {
  const auto sought = loop_.tick().since(relay.last_activity);
  if (sought >= rules(relay).handshake_timeout) {
    // One that had all the time there was has failed, also when connect_timeout is longer.
    if (relay.server != kNoServer && relay.attempts == 0) give_up_server(relay, ETIMEDOUT);
    return end(key, relay, CloseReason::handshake_timeout);
  }
  if (relay.server != kNoServer) return dial_failed(key, relay, ETIMEDOUT);
  dial(key, relay, choose(relay));
}

void Relays::arm_connecting(base::Key key, Relay& relay, std::chrono::milliseconds step) {
  const auto whole = static_cast<std::uint32_t>(rules(relay).handshake_timeout / base::Tick::kLength);
  const base::Tick last{relay.last_activity.count + whole + 1};
  const base::Tick next = base::Tick::not_before(loop_.now() + step);
  timers_.arm(key.index, last.since(next).count() < 0 ? last : next);
}

// Before relaying.
void Relays::on_connecting(base::Key key, Relay& relay, End end, net::Ready ready) {
  Leg& leg = relay.leg(end);
  if (end == End::client) {  // remembered until a server is there
    leg.readable |= ready.readable;
    leg.hangup |= ready.hangup;
    leg.broken |= ready.broken;  // without an error it has only closed, and what it sent is still to be relayed
    if (relay.stage <= Relay::Stage::checking) return hear(key, relay, Heard::something);
    if (ready.broken && leg.transport.take_error() != 0) return this->end(key, relay, CloseReason::client_reset);
    if (relay.stage == Relay::Stage::waiting && has_given_up(relay)) {
      this->end(key, relay, CloseReason::client_closed);
    }
    return;
  }
  if (ready.broken) {
    const int error = leg.transport.take_error();
    if (error != 0) return dial_failed(key, relay, error);
  }
  if (!ready.writable && !ready.broken) return;
  if (relay.ephemeral_port != 0 && net::met_itself(leg.transport.fd(), relay.ephemeral_port)) {
    return dial_failed(key, relay, ECONNREFUSED);
  }
  if (connected(key, relay) == Fate::lives) on_relaying(key, relay, End::server, ready);
}

Relays::Fate Relays::connected(base::Key key, Relay& relay) {
  const auto taken = std::chrono::duration_cast<std::chrono::microseconds>(loop_.now() - relay.accepted);
  relay.stage = Relay::Stage::relaying;
  relay.ticket() = relay.joined() = 0;
  relay.connect_us = static_cast<std::uint32_t>(taken.count());
  relay.last_activity = loop_.tick();
  counters(relay).connect.record(taken);
  ServerSlot& slot = slot_of(relay);
  slot.connections_total.fetch_add(1, std::memory_order_relaxed);
  slot.connect_us_total.fetch_add(relay.connect_us, std::memory_order_relaxed);
  if (slot.failures_in_a_row.load(std::memory_order_relaxed) != 0) {
    slot.failures_in_a_row.store(0, std::memory_order_relaxed);
    slot.load.aside.take_back();
  }
  arm_relaying(key, relay);
  closings_.connected(key);
  if (listeners().verbosity == Verbosity::opens_and_ends) {
    (void)context_.notices->post(ConnectionOpened{relay.id, relay.client, relay.listener, relay.server});
  }
  return pool(relay).proxy_protocol == config::ProxyOut::off ? Fate::lives : introduce(key, relay);
}

// Tells the server who the client is.
Relays::Fate Relays::introduce(base::Key key, Relay& relay) {
  if (relay.destination.family == base::PeerAddress::Family::none) {
    const auto own = net::SocketAddress::local_of(relay.leg(End::client).transport.fd());
    if (own) relay.destination = own->peer();
  }
  std::array<std::byte, 512> header;
  if (pool(relay).proxy_protocol == config::ProxyOut::v1) {
    const std::size_t bytes = wire::write_proxy_v1(relay.client, relay.destination, header);
    return deliver(key, relay, End::server, {header.data(), bytes});
  }
  std::array<char, 20> id{};
  const auto id_end = std::to_chars(id.data(), id.data() + id.size(), relay.id).ptr;
  const wire::ProxyTlv unique_id{wire::ProxyTlvType::unique_id, std::as_bytes(std::span(id.data(), id_end))};
  const wire::ProxyExtras extras{{&unique_id, 1}, wire::ProxyCrc::with};
  const std::size_t bytes = wire::write_proxy_v2(relay.client, relay.destination, extras, header);
  return deliver(key, relay, End::server, {header.data(), bytes});
}

}  // namespace holdfast::gateway
