#include "config/endpoint_kinds.h"
#include "config/sections.h"

namespace holdfast::config {
namespace {

using namespace std::chrono_literals;

Kind<ProxyIn> proxy_in() {
  return choice<ProxyIn>({{"off", ProxyIn::off}, {"optional", ProxyIn::optional}, {"required", ProxyIn::required}});
}

}  // namespace

std::vector<Key<Entrance>> entrance_place() {
  return {
      {"name", name(), &Entrance::name, kRequired, kAnother,
       "Names the listener in logs, metrics and the API. Two listeners cannot have the same."},
      {"bind", list_of(bind_address(), {1, 64}), &Entrance::bind, kRequired, kLive,
       "Where to listen; `[::]` is all of IPv6 and none of IPv4. Port 0: any free port, reported when the process is "
       "ready. Two listeners cannot have the same address and port."},
  };
}

std::vector<Key<Entrance>> entrance_limits() {
  return {
      {"max_connections", count(1, kConnectionsMax), &Entrance::max_connections, 100'000, kNewConnections,
       "How many connections may be open at once. Further clients are refused and counted."},
      {"max_connections_per_address", count(0, kConnectionsMax), &Entrance::max_connections_per_address, 0,
       kNewConnections, "How many of them may come from one address; clients of a unix socket are one. 0: no limit."},
      {"address_prefix_ipv6", count(1, 128), &Entrance::address_prefix_ipv6, 64, kRestart,
       "How many leading bits make one IPv6 address for the limits per address: a customer has many addresses."},
      {"accept_rate", rate_or_zero(kRateMin, kRateMax), &Entrance::accept_rate, 0, kNewConnections,
       "How many new connections are let in; further ones are refused before anything is spent on them. 0: no limit."},
      {"accept_burst", count(0, kConnectionsMax), &Entrance::accept_burst, 0, kNewConnections,
       "How many may come at once before `accept_rate` is felt. 0: what the rate allows in a second."},
      {"accept_rate_per_address", rate_or_zero(kRateMin, kRateMax), &Entrance::accept_rate_per_address, 0,
       kNewConnections, "The same for each address. 0: no limit."},
      {"accept_burst_per_address", count(0, kConnectionsMax), &Entrance::accept_burst_per_address, 0, kNewConnections,
       "How many may come at once from one address. 0: what its rate allows in a second."},
      {"allow", cidrs(), &Entrance::allow, kEmptyList, kNewConnections,
       "Networks whose clients are let in; clients of a unix socket are in none. Empty: all. The client is who the "
       "PROXY header says."},
      {"deny", cidrs(), &Entrance::deny, kEmptyList, kNewConnections,
       "Networks whose clients are refused, also when `allow` has them."},
      {"proxy_protocol", proxy_in(), &Entrance::proxy_protocol, "off", kNewConnections,
       "Whether clients begin with a PROXY header, version 1 or 2, that says who they are. `optional`: those that "
       "begin with something else are served as they are."},
      {"proxy_protocol_timeout", duration(10ms, 1h), &Entrance::proxy_protocol_timeout, "3s", kNewConnections,
       "How long to wait for the header. `optional` then serves the client without one."},
      {"proxy_protocol_from", cidrs(), &Entrance::proxy_protocol_from, kEmptyList, kNewConnections,
       "The balancers whose headers are believed; headers of others are refused. Empty: all are believed."},
  };
}

std::vector<Key<Entrance>> entrance_tcp() {
  return {
      {"tcp_keepalive", duration_or_zero(1s, 9h), &Entrance::tcp_keepalive, "60s", kNewConnections,
       "After this much silence the kernel asks whether the other side is still there. 0s: it does not ask."},
      {"tcp_user_timeout", duration_or_zero(10ms, kDay), &Entrance::tcp_user_timeout, "0s", kNewConnections,
       "A connection whose other side acknowledges nothing of what it was sent for this long is given up. 0s: "
       "the kernel's own limit, about 15 minutes."},
  };
}

}  // namespace holdfast::config
