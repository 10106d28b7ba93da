// Who a client is, when a balancer before us says so with a PROXY header. The rest of Relays is in relays.cc.
//
// The header is looked at without being taken (MSG_PEEK) until it is whole, so nothing has to be kept for a client that
// sends it bit by bit, and what follows it stays where relaying will look for it.
//
// A balancer's checks end here, and without a word in the log: they close, or reset (HAProxy), before a header or
// behind one that names nobody else.
#include "gateway/relays.h"

namespace holdfast::gateway {
namespace {

// How long a balancer's own connection is waited for to say something, or to end. Servers that speak first are reached
// by it this much later.
constexpr std::chrono::milliseconds kCheckTime{100};

// LOCAL, UNKNOWN, or as HAProxy's checks say it in version 1: the two ends of this very connection. The source alone
// says nothing: there are balancers that keep the client's address.
bool names_nobody(const wire::ProxyHeader& header, const base::PeerAddress& peer, int fd) {
  if (header.source.family == base::PeerAddress::Family::none) return true;
  if (header.source != peer || peer.family == base::PeerAddress::Family::unix_socket) return false;
  const auto own = net::SocketAddress::local_of(fd);
  return own && own->peer() == header.destination;
}

}  // namespace

void Relays::greet(base::Key key, Relay& relay) {
  const net::IoResult got = relay.leg(End::client).transport.peek({scratch_.get(), wire::kProxyBytesMax});
  switch (got.status) {
    case net::IoStatus::again: return;
    case net::IoStatus::end:
    case net::IoStatus::failed: return end(key, relay, CloseReason::probe);
    case net::IoStatus::ok: return read_greeting(key, relay, {scratch_.get(), got.bytes});
  }
}

void Relays::read_greeting(base::Key key, Relay& relay, std::span<const std::byte> input) {
  const ListenerRules& rules = this->rules(relay);
  const wire::ProxyRead read = wire::read_proxy_header(input);
  if (read.status == wire::ProxyStatus::none) {
    if (rules.proxy_protocol == config::ProxyIn::required)
      return refuse(key, relay, entry::RefuseReason::proxy_missing);
    return recognise(key, relay);
  }
  if (read.status == wire::ProxyStatus::more) {
    if (relay.leg(End::client).hangup) greeting_cut(key, relay, input);
    return;
  }
  if (!rules.admission->trusts(relay.client)) return refuse(key, relay, entry::RefuseReason::proxy_untrusted);
  if (read.status == wire::ProxyStatus::malformed) return refuse(key, relay, entry::RefuseReason::proxy_malformed);
  take_greeting(key, relay, read);
}

void Relays::take_greeting(base::Key key, Relay& relay, const wire::ProxyRead& read) {
  net::Transport& transport = relay.leg(End::client).transport;
  if (transport.read({scratch_.get(), read.bytes}).bytes != read.bytes)
    return end(key, relay, CloseReason::client_reset);
  const bool is_own = names_nobody(read.header, relay.client, transport.fd());
  if (read.header.source.family != base::PeerAddress::Family::none) {
    relay.client = read.header.source;
    relay.destination = read.header.destination;
  }
  if (!is_own) return recognise(key, relay);
  relay.stage = Relay::Stage::checking;
  timers_.arm(key.index, base::Tick::not_before(loop_.now() + kCheckTime));
  await_word(key, relay);
}

// A check has said all it will with its header; whatever else says something is a client as any other.
void Relays::await_word(base::Key key, Relay& relay) {
  switch (relay.leg(End::client).transport.peek({scratch_.get(), 1}).status) {
    case net::IoStatus::again: return;
    case net::IoStatus::end:
    case net::IoStatus::failed: return end(key, relay, CloseReason::probe);
    case net::IoStatus::ok: return recognise(key, relay);
  }
}

// The client has ended its side before its header was whole.
void Relays::greeting_cut(base::Key key, Relay& relay, std::span<const std::byte> input) {
  if (may_be_without_header(relay, input)) return recognise(key, relay);
  if (relay.leg(End::client).transport.take_error() != 0) return end(key, relay, CloseReason::client_reset);
  refuse(key, relay, entry::RefuseReason::proxy_malformed);
}

// The client has not said who it is in time.
void Relays::greeting_late(base::Key key, Relay& relay) {
  const net::IoResult got = relay.leg(End::client).transport.peek({scratch_.get(), wire::kProxyBytesMax});
  if (may_be_without_header(relay, {scratch_.get(), got.bytes})) return recognise(key, relay);
  refuse(key, relay, entry::RefuseReason::proxy_timeout);
}

// Before a signature is whole, what has come may be the begin of anything, such as an empty line.
bool Relays::may_be_without_header(const Relay& relay, std::span<const std::byte> input) const {
  return rules(relay).proxy_protocol == config::ProxyIn::optional && !wire::has_proxy_signature(input);
}

void Relays::recognise(base::Key key, Relay& relay) {
  Leg& client = relay.leg(End::client);
  if (client.broken && client.transport.take_error() != 0) return end(key, relay, CloseReason::client_reset);
  bool placed = false;
  const auto reason = rules(relay).admission->recognise(relay.client, loop_.now(), placed);
  relay.placed = placed;
  if (reason) return refuse(key, relay, *reason);
  seek(key, relay);
}

void Relays::refuse(base::Key key, Relay& relay, entry::RefuseReason reason) {
  count_refused(relay.listener, reason);
  end(key, relay, CloseReason::refused);
}

}  // namespace holdfast::gateway
