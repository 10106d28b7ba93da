#include "config/schema.h"

#include "config/endpoint_kinds.h"

namespace holdfast::config {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::seconds;

// A row: the key, what may stand there, the field it fills, what it is when left out, and its effect.

constexpr hours kDay{24};
constexpr std::size_t kRunDirBytesMax = 90;  // so that the path of a socket in it fits into sockaddr_un
constexpr std::size_t kDirBytesMax = 1024;

Table<Node> node() {
  return {{
      {"name", or_empty(name()), &Node::name, "",
       "Names this process in its metrics (`holdfast_build_info`). Empty: the host name."},
      {"workers", count(0, 256), &Node::workers, 0,
       "How many threads carry connections. 0: one for each CPU that the process may use."},
      {"run_dir", text(kRunDirBytesMax), &Node::run_dir, "/run/holdfast",
       "Directory of the sockets that other processes of this machine use. None is opened there yet."},
      {"data_dir", text(kDirBytesMax), &Node::data_dir, "/var/lib/holdfast",
       "Directory of what has to outlive the process. Nothing is kept there yet."},
      {"stop_timeout", duration(seconds(0), kDay), &Node::stop_timeout, "30s",
       "After SIGTERM no new connection is accepted, and those that are still open after this time are closed."},
  }};
}

Table<Log> log() {
  using base::LogFormat;
  using base::LogLevel;
  return {{
      {"level",
       choice<LogLevel>({{"trace", LogLevel::trace},
                         {"debug", LogLevel::debug},
                         {"info", LogLevel::info},
                         {"warning", LogLevel::warning},
                         {"error", LogLevel::error}}),
       &Log::level, "info", "Lines of this level and of the more serious ones are written."},
      {"format", choice<LogFormat>({{"text", LogFormat::text}, {"json", LogFormat::json}}), &Log::format, "text",
       "`text` is for people; `json` writes one JSON object a line."},
      {"connections", boolean(), &Log::connections, true,
       "One line for each connection that ended: who, where to, how long, how much, and why it ended."},
  }};
}

Table<Admin> admin() {
  return {{
      {"listen", optional_of(loopback_address()), &Admin::listen, "127.0.0.1:9100",
       "Where the HTTP API and `/metrics` are served. Empty: nowhere. Port 0: any free port."},
  }};
}

Table<Listener> listener() {
  return {{
      {"name", name(), &Listener::name, kRequired,
       "Names the listener in logs, metrics and the API. Two listeners cannot have the same."},
      {"bind", list_of(bind_address(), {1, 64}), &Listener::bind, kRequired,
       "Where to listen. Port 0: any free port, reported when the process is ready. Two listeners cannot have "
       "the same address and port."},
      {"protocol", choice<Protocol>({{"tcp", Protocol::tcp}}), &Listener::protocol, "tcp",
       "What clients speak. `tcp` relays bytes as they are."},
      {"pool", name(), &Listener::pool, kRequired, "The name of the pool whose servers take the connections."},
      {"max_connections", count(1, 16'000'000), &Listener::max_connections, 100'000,
       "How many connections may be open at once. Further clients are refused and counted."},
      {"handshake_timeout", duration(milliseconds(10), hours(1)), &Listener::handshake_timeout, "10s",
       "How long everything before relaying may take: a connection that has no server by then is closed."},
      {"idle_timeout", duration_or_zero(milliseconds(10), kDay), &Listener::idle_timeout, "3h",
       "A connection on which no byte passes for this long, in either direction, is closed. 0s: never."},
      {"tcp_keepalive", duration_or_zero(seconds(1), hours(9)), &Listener::tcp_keepalive, "60s",
       "After this much silence the kernel asks whether the other side is still there. 0s: it does not ask."},
      {"tcp_user_timeout", duration_or_zero(milliseconds(10), kDay), &Listener::tcp_user_timeout, "0s",
       "A connection whose other side acknowledges nothing of what it was sent for this long is given up. 0s: "
       "the kernel's own limit, about 15 minutes."},
  }};
}

Table<Server> server() {
  Table<Server> table = {{
      {"name", name(), &Server::name, Default::derived("its address"),
       "Names the server in logs, metrics and the API. Two servers of a pool cannot have the same."},
      {"address", server_address(), &Server::address, kRequired,
       "Where to connect. A host name stands for all the addresses it resolves to."},
      {"weight", count(0, 1000), &Server::weight, 100,
       "Its share of new connections, measured against the other servers of the pool. 0: no new connections."},
  }};
  table.complete = [](Server& each) {
    const bool has_address = !each.address.host.empty();
    if (each.name.empty() && has_address) each.name = each.address.text();
  };
  return table;
}

Table<Pool> pool() {
  return {{
      {"name", name(), &Pool::name, kRequired, "What `listener.pool` refers to. Two pools cannot have the same."},
      {"policy",
       choice<Policy>({{"round_robin", Policy::round_robin}, {"least_connections", Policy::least_connections}}),
       &Pool::policy, "least_connections",
       "Which server gets a new connection: the one with the fewest open ones for its weight, or each in turn, "
       "as often as its weight says."},
      {"connect_timeout", duration(milliseconds(10), hours(1)), &Pool::connect_timeout, "5s",
       "How long to wait for a server to answer before the next one is tried."},
      {"retries", count(0, 16), &Pool::retries, 3,
       "How many further times to try when a server does not take a connection, on other servers first."},
      {"resolve_interval", duration(seconds(1), kDay), &Pool::resolve_interval, "30s",
       "How often the host names of servers are resolved anew."},
      {"server", tables(server(), {1, 65'535}, &Server::name), &Pool::servers, kRequired,
       "One server of the [[pool]] above it."},
  }};
}

Table<Settings> file() {
  return {{
      {"node", table(node()), &Settings::node, kAllDefaults, "The process as a whole."},
      {"log", table(log()), &Settings::log, kAllDefaults, "What the process says on standard error."},
      {"admin", table(admin()), &Settings::admin, kAllDefaults, "The HTTP API for operators and for metrics."},
      {"listener", tables(listener(), {1, 65'535}, &Listener::name), &Settings::listeners, kRequired,
       "A place where clients connect, and the pool of servers that they are relayed to."},
      {"pool", tables(pool(), {0, 65'535}, &Pool::name), &Settings::pools, kEmptyList,
       "Servers that can stand in for each other."},
  }};
}

}  // namespace

const Kind<Settings>& schema() {
  static const Kind<Settings> kSchema = table(file());
  return kSchema;
}

}  // namespace holdfast::config
