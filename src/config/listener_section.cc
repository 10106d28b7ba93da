#include "config/sections.h"

namespace holdfast::config {

Table<Listener> listener_section() {
  using namespace std::chrono_literals;
  return Table<Listener>{}
      .add(entrance_place())
      .add({
          {"protocol", choice<Protocol>({{"tcp", Protocol::tcp}}), &Listener::protocol, "tcp", kNewConnections,
           "What clients speak. `tcp` relays bytes as they are."},
          {"pool", name(), &Listener::pool, kRequired, kNewConnections,
           "The name of the pool whose servers take the connections."},
      })
      .add(entrance_limits())
      .add({
          {"handshake_timeout", duration(10ms, 1h), &Listener::handshake_timeout, "10s", kNewConnections,
           "How long finding and reaching a server may take: a connection that has none by then is closed. Waiting in "
           "`pool.queue` and for a PROXY header is not part of it; both have limits of their own."},
          {"idle_timeout", duration_or_zero(10ms, kDay), &Listener::idle_timeout, "3h", kLive,
           "A connection on which no byte passes for this long, in either direction, is closed. 0s: never."},
          {"max_age", duration_or_zero(10ms, 365 * kDay), &Listener::max_age, "0s", kLive,
           "A connection that is older is closed, so that clients spread over the servers anew. 0s: never."},
          {"max_age_jitter", real(0, 1), &Listener::max_age_jitter, 0.1, kLive,
           "What connections live is `max_age` more or less up to this share of it, so that they do not end together."},
      })
      .add(entrance_tcp());
}

}  // namespace holdfast::config
