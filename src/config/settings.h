// config/settings.h: a configuration as typed values. What a file says, with every default filled in.
//
// Thread: values; shared as const once loaded. Keys, defaults, ranges and their documentation are in schema.cc.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/endpoint.h"
#include "base/log.h"

namespace holdfast::config {

using Duration = std::chrono::microseconds;

// As timers take it; never shorter than what was asked for.
[[nodiscard]] inline std::chrono::milliseconds milliseconds(Duration duration) {
  return std::chrono::ceil<std::chrono::milliseconds>(duration);
}

struct Node {
  std::string name;           // empty: the host name
  std::uint32_t workers = 0;  // 0: one per CPU
  std::string run_dir;
  std::string data_dir;
  Duration stop_timeout{};
};

struct Log {
  base::LogLevel level = base::LogLevel::info;
  base::LogFormat format = base::LogFormat::text;
  bool connections = true;
};

struct Admin {
  std::optional<base::Endpoint> listen;  // none: no HTTP server
};

enum class Protocol : std::uint8_t { tcp };

struct Listener {
  std::string name;
  std::vector<base::Endpoint> bind;  // never host names
  Protocol protocol = Protocol::tcp;
  std::string pool;  // names one of Settings::pools
  std::uint32_t max_connections = 0;
  Duration handshake_timeout{};
  Duration idle_timeout{};      // 0: none
  Duration tcp_keepalive{};     // 0: none
  Duration tcp_user_timeout{};  // 0: the kernel's default
};

enum class Policy : std::uint8_t { round_robin, least_connections };

struct Server {
  std::string name;
  base::Endpoint address;
  std::uint32_t weight = 0;
};

struct Pool {
  std::string name;
  Policy policy = Policy::least_connections;
  Duration connect_timeout{};
  std::uint32_t retries = 0;
  Duration resolve_interval{};
  std::vector<Server> servers;
};

struct Settings {
  Node node;
  Log log;
  Admin admin;
  std::vector<Listener> listeners;
  std::vector<Pool> pools;
};

}  // namespace holdfast::config
