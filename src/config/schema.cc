#include "config/schema.h"

#include "config/endpoint_kinds.h"
#include "config/sections.h"

namespace holdfast::config {
namespace {

using std::chrono::seconds;

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
       "Directory of what has to outlive the process: the last good lists of discovery, in `discovery/`."},
      {"max_connections", count(0, kConnectionsMax), &Node::max_connections, 0,
       "How many connections all listeners together may have open. 0: as many as there are descriptors for."},
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

Table<Settings> file() {
  return {{
      {"node", table(node()), &Settings::node, kAllDefaults, "The process as a whole."},
      {"log", table(log()), &Settings::log, kAllDefaults, "What the process says on standard error."},
      {"admin", table(admin()), &Settings::admin, kAllDefaults, "The HTTP API for operators and for metrics."},
      {"listener", tables(listener_section(), {1, 65'535}, &Listener::name), &Settings::listeners, kRequired,
       "A place where clients connect, and the pool of servers that they are relayed to."},
      {"pool", tables(pool_section(), {0, 65'535}, &Pool::name), &Settings::pools, kEmptyList,
       "Servers that can stand in for each other. At least one [[pool.server]] or a [pool.discovery] is needed."},
  }};
}

}  // namespace

const Kind<Settings>& schema() {
  static const Kind<Settings> kSchema = table(file());
  return kSchema;
}

}  // namespace holdfast::config
