// Who a client is, when a balancer before us says so with a PROXY header. The rest of Relays is in relays.cc.
//
// The header is looked at without being taken (MSG_PEEK) until it is whole, so nothing has to be kept for a client that
// sends it bit by bit, and what follows it stays where relaying will look for it.
#include "gateway/relays.h"

namespace holdfast::gateway {

void Relays::greet(base::Key key, Relay& relay) {
  const net::IoResult got = relay.leg(End::client).transport.peek({scratch_.get(), wire::kProxyBytesMax});
  switch (got.status) {
    case net::IoStatus::again: return;
    case net::IoStatus::end: return end(key, relay, CloseReason::probe);
    case net::IoStatus::failed: return end(key, relay, CloseReason::client_reset);
    case net::IoStatus::ok: return read_greeting(key, relay, {scratch_.get(), got.bytes});
  }
}

void Relays::read_greeting(base::Key key, Relay& relay, std::span<const std::byte> input) {
  const ListenerRules& rules = this->rules(relay);
  const wire::ProxyRead read = wire::read_proxy_header(input);
  if (read.status == wire::ProxyStatus::none) {
    if (rules.proxy_protocol == config::ProxyIn::required) return refuse(key, relay, RefuseReason::proxy_missing);
    return recognise(key, relay);
  }
  if (read.status == wire::ProxyStatus::more) {
    if (relay.leg(End::client).hangup) refuse(key, relay, RefuseReason::proxy_malformed);
    return;
  }
  if (!rules.admission->trusts(relay.client)) return refuse(key, relay, RefuseReason::proxy_untrusted);
  if (read.status == wire::ProxyStatus::malformed) return refuse(key, relay, RefuseReason::proxy_malformed);
  take_greeting(key, relay, read);
}

void Relays::take_greeting(base::Key key, Relay& relay, const wire::ProxyRead& read) {
  net::Transport& transport = relay.leg(End::client).transport;
  if (transport.read({scratch_.get(), read.bytes}).bytes != read.bytes)
    return end(key, relay, CloseReason::client_reset);
  if (read.header.command == wire::ProxyCommand::local) {
    // A balancer's check has said all it will; anything else with that header is the balancer's own connection.
    const bool over = transport.peek({scratch_.get(), 1}).status == net::IoStatus::end;
    if (over) return end(key, relay, CloseReason::probe);
  } else if (read.header.source.family != base::PeerAddress::Family::none) {
    relay.client = read.header.source;
    relay.destination = read.header.destination;
  }
  recognise(key, relay);
}

// The client has not said who it is in time.
void Relays::greeting_late(base::Key key, Relay& relay) {
  const bool silent = relay.leg(End::client).transport.peek({scratch_.get(), 1}).status == net::IoStatus::again;
  if (rules(relay).proxy_protocol == config::ProxyIn::optional && silent) return recognise(key, relay);
  refuse(key, relay, RefuseReason::proxy_timeout);
}

void Relays::recognise(base::Key key, Relay& relay) {
  if (const auto reason = rules(relay).admission->recognise(relay.client, loop_.now(), relay.placed)) {
    return refuse(key, relay, *reason);
  }
  seek(key, relay);
}

void Relays::refuse(base::Key key, Relay& relay, RefuseReason reason) {
  counters(relay).refused[static_cast<std::size_t>(reason)].add();
  end(key, relay, CloseReason::refused);
}

}  // namespace holdfast::gateway
