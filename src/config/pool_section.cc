#include <algorithm>

#include "config/endpoint_kinds.h"
#include "config/names.h"
#include "config/sections.h"

namespace holdfast::config {
namespace {

using namespace std::chrono_literals;

// A server without a name is called by its address. That has a colon, which no name has, and is not written back.
Kind<std::string> server_name() {
  Kind<std::string> kind = name();
  kind.write = [](const std::string& name) -> std::optional<Value> {
    return name.find(':') == std::string::npos ? value_of(name) : std::nullopt;
  };
  return kind;
}

Table<Server> server() {
  Table<Server> table = {{
      {"name", server_name(), &Server::name, Default::derived("its address"), kAnother,
       "Names the server in logs, metrics and the API. Two servers of a pool cannot have the same."},
      {"address", server_address(), &Server::address, kRequired, kNewConnections,
       "Where to connect. A host name stands for all the addresses it resolves to."},
      {"weight", server_weight(), &Server::weight, 100, kNewConnections,
       "Its share of new connections, measured against the other servers of the pool. 0: no new connections."},
      {"max_connections", server_max_connections(), &Server::max_connections, 0, kNewConnections,
       "How many connections it may have at once. 0: no limit."},
      {"max_accept_rate", server_max_accept_rate(), &Server::max_accept_rate, 0, kNewConnections,
       "How many new connections it is given. 0: no limit."},
      {"backup", boolean(), &Server::backup, false, kNewConnections,
       "It gets connections only while no server that is no backup can take any because all are down."},
  }};
  table.complete = [](Server& each) {
    const bool has_address = !each.address.host.empty();
    if (each.name.empty() && has_address) each.name = each.address.text();
  };
  return table;
}

Table<Passive> passive() {
  return {{
      {"errors", count(1, 100), &Passive::errors, 5, kLive,
       "How many errors in `window` take a server out: connects that fail, and connections that it closes early."},
      {"window", duration(100ms, 1h), &Passive::window, "10s", kLive, "The time in which they are counted."},
      {"eject", duration(100ms, kDay), &Passive::eject, "10s", kLive,
       "How long it is out the first time; twice as long with each repetition."},
      {"eject_max", duration(100ms, kDay), &Passive::eject_max, "5m", kLive, "The longest that it is out."},
      {"eject_share", real(0.01, 1), &Passive::eject_share, 0.5, kLive,
       "At most this share of the pool is out at once, and never its last server."},
      {"early_close", duration_or_zero(1ms, 1h), &Passive::early_close, "1s", kLive,
       "A server that closes within this time, and has sent nothing, has made an error. 0s: closing is none."},
  }};
}

Table<Discovery> discovery() {
  return {{
      {"from", choice<DiscoverySource>({{"file", DiscoverySource::file}}), &Discovery::from, "file", kLive,
       "Where the list of servers comes from. `file`: a file that is watched."},
      {"path", text(1024), &Discovery::path, kRequired, kLive,
       "The file, `.json` or `.toml`: `{\"servers\": [{\"name\": ..., \"address\": ...}]}`, with the keys of "
       "[[pool.server]]."},
      {"allow_shrink", boolean(), &Discovery::allow_shrink, false, kLive,
       "Whether a list that loses more than half of its servers at once is believed at once. Otherwise it is applied "
       "step by step, with an alarm."},
  }};
}

constexpr Choice<Policy> kPolicies[] = {{"round_robin", Policy::round_robin},
                                        {"least_connections", Policy::least_connections},
                                        {"random", Policy::random},
                                        {"random_two", Policy::random_two},
                                        {"first", Policy::first},
                                        {"hash", Policy::hash}};
constexpr Choice<OnRemove> kOnRemove[] = {
    {"keep", OnRemove::keep}, {"drain", OnRemove::drain}, {"close", OnRemove::close}};

template <typename Enum, std::size_t kCount>
Kind<Enum> one_of(const Choice<Enum> (&choices)[kCount]) {
  return choice<Enum>({std::begin(choices), std::end(choices)});
}

}  // namespace

std::string_view name(Policy policy) noexcept {
  return std::ranges::find(kPolicies, policy, &Choice<Policy>::value)->name;
}
std::string_view name(OnRemove on_remove) noexcept {
  return std::ranges::find(kOnRemove, on_remove, &Choice<OnRemove>::value)->name;
}

Table<Server> server_section() { return server(); }

Kind<std::uint32_t> server_weight() { return count(0, 1000); }
Kind<std::uint32_t> server_max_connections() { return count(0, kConnectionsMax); }
Kind<base::Rate> server_max_accept_rate() { return rate_or_zero(kRateMin, kRateMax); }

Table<Pool> pool_section() {
  return {{
      {"name", name(), &Pool::name, kRequired, kAnother,
       "What `listener.pool` refers to. Two pools cannot have the same."},
      {"policy", one_of(kPolicies), &Pool::policy, "least_connections", kNewConnections,
       "Which server gets a new connection: each in turn, the one with the fewest open ones, one by chance, the "
       "emptier "
       "of two by chance, the first that takes it, or the same one for the same client; all as often as weights say. "
       "See docs/OPERATIONS.md."},
      {"hash_key", choice<HashKey>({{"address", HashKey::address}}), &Pool::hash_key, "address", kNewConnections,
       "For `hash`: what makes two connections the same client."},
      {"hash_load_bound", real_or_zero(1.01, 100), &Pool::hash_load_bound, 1.25, kNewConnections,
       "For `hash`: a server never has more than this times its fair share of connections; further clients go to "
       "their next server. 0: no bound."},
      {"slow_start", duration_or_zero(100ms, kDay), &Pool::slow_start, "30s", kNewConnections,
       "A server that joins or returns gets its weight, and its `max_accept_rate`, bit by bit over this time. 0s: at "
       "once."},
      {"connect_timeout", duration(10ms, 1h), &Pool::connect_timeout, "5s", kNewConnections,
       "How long to wait for a server to answer before the next one is tried. `listener.handshake_timeout` bounds all "
       "attempts together."},
      {"retries", count(0, 16), &Pool::retries, 3, kNewConnections,
       "How many further times to try when a server does not take a connection, on other servers first."},
      {"queue", count(0, kConnectionsMax), &Pool::queue, 0, kNewConnections,
       "How many connections may wait when every server is full, first come, first served. 0: none, they are closed."},
      {"queue_timeout", duration(10ms, 1h), &Pool::queue_timeout, "10s", kNewConnections,
       "How long one may wait before it is closed."},
      {"when_all_down", choice<WhenAllDown>({{"refuse", WhenAllDown::refuse}, {"queue", WhenAllDown::queue}}),
       &Pool::when_all_down, "refuse", kNewConnections,
       "What becomes of clients while no server is up: closed, or kept in the `queue`."},
      {"source_addresses", list_of(ip_address(), {0, 128}), &Pool::source_addresses, kEmptyList, kNewConnections,
       "Local addresses to connect from, used in turn; each has its own range of ports for each server. Empty: the "
       "kernel chooses."},
      {"proxy_protocol", choice<ProxyOut>({{"off", ProxyOut::off}, {"v1", ProxyOut::v1}, {"v2", ProxyOut::v2}}),
       &Pool::proxy_protocol, "off", kNewConnections,
       "Whether servers are told who the client is, by a PROXY header. Health checks of the same "
       "address and port then send one as well."},
      {"on_down", choice<OnDown>({{"keep", OnDown::keep}, {"close", OnDown::close}}), &Pool::on_down, "keep", kLive,
       "What happens to the open connections of a server that goes DOWN by its checks or its agent: nothing, or they "
       "are closed at `drain_rate`."},
      {"on_remove", one_of(kOnRemove), &Pool::on_remove, "drain", kLive,
       "The same for a server that is removed: nothing, closed at `drain_rate`, or closed at once."},
      {"drain_rate", rate(kRateMin, kRateMax), &Pool::drain_rate, "200/s", kLive,
       "How fast connections of one server are closed, the longest idle first."},
      {"drain_deadline", duration_or_zero(10ms, kDay), &Pool::drain_deadline, "10m", kLive,
       "When a server is drained, what is still open after this time is closed at once. 0s: no such time."},
      {"resolve_interval", duration(1s, kDay), &Pool::resolve_interval, "30s", kLive,
       "How often the host names of servers are resolved anew."},
      {"health", optional_table(health_section()), &Pool::health, kNoTable, kLive,
       "Checks that ask servers whether they are well. Without this section every server counts as UP."},
      {"passive", optional_table(passive()), &Pool::passive, kNoTable, kLive,
       "Takes servers out that clients have trouble with. Without this section only the next choice avoids them."},
      {"discovery", optional_table(discovery()), &Pool::discovery, kNoTable, kLive,
       "A list of servers that changes while the process runs, instead of, or beside, the fixed ones."},
      {"server", tables(server(), {0, 65'535}, &Server::name, Order::matters), &Pool::servers, kEmptyList, kLive,
       "One server of the [[pool]] above it."},
  }};
}

}  // namespace holdfast::config
