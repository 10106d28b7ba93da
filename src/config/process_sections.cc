// The sections about the process: [node], [log] and [admin].
#include "config/endpoint_kinds.h"
#include "config/sections.h"
#include "config/system_kinds.h"

namespace holdfast::config {
namespace {

using std::chrono::seconds;

constexpr std::size_t kRunDirBytesMax = 90;  // so that the path of a socket in it fits into sockaddr_un
constexpr std::size_t kPathBytesMax = 1024;

std::int64_t number(const Value& value) {
  const auto* number = value.as<std::int64_t>();
  return number != nullptr ? *number : 0;
}

// Threads can be added, but one that carries connections cannot go.
Reload workers_reload() {
  return {"more: live, fewer: restart", [](const Value& running, const Value& wanted) {
            const bool more = number(running) != 0 && number(wanted) > number(running);
            return more ? Applies::live : Applies::restart;
          }};
}

}  // namespace

Table<Node> node_section() {
  return {{
      {"name", or_empty(name()), &Node::name, "", kLive,
       "Names this process in its metrics (`holdfast_build_info`). Empty: the host name."},
      {"workers", count(0, 256), &Node::workers, 0, workers_reload(),
       "How many threads carry connections. 0: one for each CPU that the process may use."},
      {"user", or_empty(account("user")), &Node::user, "", kRestart,
       "Whom the process becomes, with its groups, when it has bound its addresses. Empty: it stays who started it."},
      {"run_dir", or_empty(text(kRunDirBytesMax)), &Node::run_dir, "/run/holdfast", kRestart,
       "Directory of the sockets that other processes of this machine use: `admin.sock`, where commands ask. Empty: "
       "there are none."},
      {"data_dir", text(kPathBytesMax), &Node::data_dir, "/var/lib/holdfast", kRestart,
       "Directory of what has to outlive the process: the last good lists of discovery, in `discovery/`."},
      {"max_connections", count(0, kConnectionsMax), &Node::max_connections, 0, kLive,
       "How many connections all listeners together may have open. 0: as many as there are descriptors for."},
      {"stop_timeout", duration(seconds(0), kDay), &Node::stop_timeout, "30s", kLive,
       "After SIGTERM no new connection is accepted, and those that are still open after this time are closed."},
      {"drain_wait", duration(seconds(0), std::chrono::hours(1)), &Node::drain_wait, "0s", kLive,
       "For how long, after SIGTERM or `holdfast drain`, `/readyz` answers 503 while connections are still accepted, "
       "so "
       "that what stands in front can notice. It is part of `stop_timeout`."},
      {"drain_rate", rate_or_zero(kRateMin, kRateMax), &Node::drain_rate, 0, kLive,
       "How fast connections are closed after SIGTERM, the longest idle first. 0: until `stop_timeout` they end by "
       "themselves."},
  }};
}

Table<Log> log_section() {
  using base::LogFormat;
  using base::LogLevel;
  return {{
      {"level",
       choice<LogLevel>({{"trace", LogLevel::trace},
                         {"debug", LogLevel::debug},
                         {"info", LogLevel::info},
                         {"warning", LogLevel::warning},
                         {"error", LogLevel::error}}),
       &Log::level, "info", kLive, "Lines of this level and of the more serious ones are written."},
      {"format", choice<LogFormat>({{"text", LogFormat::text}, {"json", LogFormat::json}}), &Log::format, "text", kLive,
       "`text` is for people; `json` writes one JSON object a line."},
      {"connections", boolean(), &Log::connections, true, kLive,
       "One line for each connection that ended: who, where to, how long, how much, and why it ended."},
  }};
}

Table<Admin> admin_section() {
  return {{
      {"listen", optional_of(bind_address()), &Admin::listen, "127.0.0.1:9100", kLive,
       "Where the HTTP API and `/metrics` are served. Empty: nowhere. Port 0: any free port. What is no loopback "
       "address needs a `token_file`."},
      {"token_file", or_empty(text(kPathBytesMax)), &Admin::token_file, "", kLive,
       "A file with the token that requests to `listen` must bring, as `Authorization: Bearer TOKEN`. Nobody but its "
       "owner and its group may read it. Empty: nobody is asked; `/healthz` and `/readyz` never ask."},
      {"socket_mode", file_mode(), &Admin::socket_mode, "0660", kLive,
       "Who may use the admin socket, `admin.sock` in `node.run_dir`: its permissions. No token is asked for there."},
      {"socket_group", or_empty(account("group")), &Admin::socket_group, "", kLive,
       "The group of the admin socket. Empty: the group of the process."},
  }};
}

}  // namespace holdfast::config
