// config/settings.h: a configuration as typed values. What a file says, with every default filled in.
//
// Thread: values; shared as const once loaded. Keys, defaults, ranges and their documentation are in schema.cc.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/cidr.h"
#include "base/endpoint.h"
#include "base/log.h"
#include "base/units.h"
#include "config/broker_settings.h"

namespace holdfast::config {

// As timers take it; never shorter than what was asked for.
[[nodiscard]] inline std::chrono::milliseconds milliseconds(Duration duration) {
  return std::chrono::ceil<std::chrono::milliseconds>(duration);
}

struct Node {
  std::string name;           // empty: the host name
  std::uint32_t workers = 0;  // 0: one per CPU
  std::string user;           // empty: stays who it is
  std::string run_dir;        // empty: no sockets in it
  std::string data_dir;
  std::uint32_t max_connections = 0;  // 0: as many as there are descriptors for
  Duration stop_timeout{};
  Duration drain_wait{};  // at most stop_timeout
  base::Rate drain_rate;  // 0: connections end by themselves
  friend bool operator==(const Node&, const Node&) = default;
};

struct Log {
  base::LogLevel level = base::LogLevel::info;
  base::LogFormat format = base::LogFormat::text;
  bool connections = true;
  friend bool operator==(const Log&, const Log&) = default;
};

struct Admin {
  std::optional<base::Endpoint> listen;  // none: no HTTP server; one that others reach has a token_file
  std::string token_file;                // empty: no token is asked for
  std::uint32_t socket_mode = 0;         // permission bits of run_dir/admin.sock
  std::string socket_group;              // empty: the group of the process
  friend bool operator==(const Admin&, const Admin&) = default;
};

enum class Protocol : std::uint8_t { tcp };
enum class ProxyIn : std::uint8_t { off, optional, required };

// What all listeners have, whatever their clients speak: where these come in, and who of them.
struct Entrance {
  std::string name;
  std::vector<base::Endpoint> bind;  // never host names
  std::uint32_t max_connections = 0;
  std::uint32_t max_connections_per_address = 0;  // 0: no limit
  std::uint32_t address_prefix_ipv6 = 0;
  base::Rate accept_rate;          // 0: no limit
  std::uint32_t accept_burst = 0;  // 0: a second's worth
  base::Rate accept_rate_per_address;
  std::uint32_t accept_burst_per_address = 0;
  std::vector<base::Cidr> allow;  // empty: everybody
  std::vector<base::Cidr> deny;
  ProxyIn proxy_protocol = ProxyIn::off;
  Duration proxy_protocol_timeout{};
  std::vector<base::Cidr> proxy_protocol_from;  // empty: everybody
  Duration tcp_keepalive{};                     // 0: none
  Duration tcp_user_timeout{};                  // 0: the kernel's default
  friend bool operator==(const Entrance&, const Entrance&) = default;
};

struct Listener : Entrance {
  Protocol protocol = Protocol::tcp;
  std::string pool;  // names one of Settings::pools
  Duration handshake_timeout{};
  Duration idle_timeout{};  // 0: none
  Duration max_age{};       // 0: none
  double max_age_jitter = 0;
  friend bool operator==(const Listener&, const Listener&) = default;
};

enum class Policy : std::uint8_t { round_robin, least_connections, random, random_two, first, hash };
enum class HashKey : std::uint8_t { address };
enum class ProxyOut : std::uint8_t { off, v1, v2 };
enum class WhenAllDown : std::uint8_t { refuse, queue };
enum class OnDown : std::uint8_t { keep, close };
enum class OnRemove : std::uint8_t { keep, drain, close };

struct Server {
  std::string name;
  base::Endpoint address;
  std::uint32_t weight = 0;
  std::uint32_t max_connections = 0;  // 0: no limit
  base::Rate max_accept_rate;         // 0: no limit
  bool backup = false;
  friend bool operator==(const Server&, const Server&) = default;
};

enum class HealthType : std::uint8_t { tcp, http, script, agent };

// Status codes of HTTP, both ends included.
struct StatusRange {
  std::uint16_t first = 0;
  std::uint16_t last = 0;
  friend bool operator==(const StatusRange&, const StatusRange&) = default;
};

struct HttpHeader {
  std::string name;
  std::string value;
  friend bool operator==(const HttpHeader&, const HttpHeader&) = default;
};

// One of the four is set.
struct HealthStep {
  std::string send;
  std::string send_hex;  // as bytes, not digits
  std::string expect;
  std::string expect_hex;
  friend bool operator==(const HealthStep&, const HealthStep&) = default;
};

struct Health {
  HealthType type = HealthType::tcp;
  std::optional<base::Endpoint> address;  // port 0; none: the server's
  std::uint32_t port = 0;                 // 0: the server's
  Duration interval{};
  Duration fast_interval{};  // 0: as interval
  Duration down_interval{};  // 0: as interval
  double jitter = 0;
  Duration timeout{};
  std::uint32_t rise = 0;
  std::uint32_t fall = 0;
  double panic_threshold = 0;  // 0: never
  std::string method;
  std::string path;
  std::vector<HttpHeader> headers;
  std::vector<StatusRange> status;
  std::string body;  // empty: any
  std::vector<HealthStep> steps;
  std::uint32_t agent_port = 0;  // 0: no agent beside the check
  std::optional<base::Endpoint> agent_address;
  std::string agent_send;
  friend bool operator==(const Health&, const Health&) = default;
};

struct Passive {
  std::uint32_t errors = 0;
  Duration window{};
  Duration eject{};
  Duration eject_max{};
  double eject_share = 0;
  Duration early_close{};  // 0: closes are no errors
  friend bool operator==(const Passive&, const Passive&) = default;
};

enum class DiscoverySource : std::uint8_t { file };

struct Discovery {
  DiscoverySource from = DiscoverySource::file;
  std::string path;
  bool allow_shrink = false;
  friend bool operator==(const Discovery&, const Discovery&) = default;
};

struct Pool {
  std::string name;
  Policy policy = Policy::least_connections;
  HashKey hash_key = HashKey::address;
  double hash_load_bound = 0;  // 0: no bound
  Duration slow_start{};       // 0: none
  Duration connect_timeout{};
  std::uint32_t retries = 0;
  std::uint32_t queue = 0;
  Duration queue_timeout{};
  WhenAllDown when_all_down = WhenAllDown::refuse;
  std::vector<base::Endpoint> source_addresses;  // IP addresses, port 0
  ProxyOut proxy_protocol = ProxyOut::off;
  OnDown on_down = OnDown::keep;
  OnRemove on_remove = OnRemove::drain;
  base::Rate drain_rate;
  Duration drain_deadline{};
  Duration resolve_interval{};
  std::optional<Health> health;
  std::optional<Passive> passive;
  std::optional<Discovery> discovery;
  std::vector<Server> servers;
  friend bool operator==(const Pool&, const Pool&) = default;
};

enum class BrokerProtocol : std::uint8_t { mqtt, websocket };

struct BrokerListener : Entrance, OwnClientLimits {
  BrokerProtocol protocol = BrokerProtocol::mqtt;
  std::string path;                        // of WebSocket
  std::vector<std::string> allow_origins;  // of WebSocket; empty: every page's
  Duration connect_timeout{};
  std::string mountpoint;  // %u, %c; empty: none
  std::optional<Anonymous> anonymous;
  friend bool operator==(const BrokerListener&, const BrokerListener&) = default;
};

struct Broker : ClientLimits {
  SharedStrategy shared_strategy = SharedStrategy::round_robin;
  Duration sys_interval{};  // 0: never
  bool presence_events = false;
  Queue queue;
  Retained retained;
  Delayed delayed;
  std::vector<Rewrite> rewrite;
  std::vector<AutoSubscribe> auto_subscribe;
  std::vector<BrokerListener> listeners;  // none: this is no broker
  friend bool operator==(const Broker&, const Broker&) = default;
};

// What a client of this listener may do: what the listener says, and [broker] where it says nothing.
[[nodiscard]] ClientLimits limits_of(const Broker& broker, const BrokerListener& listener);

struct Settings {
  Node node;
  Log log;
  Admin admin;
  std::vector<Listener> listeners;
  std::vector<Pool> pools;
  Broker broker;
  Auth auth;
  friend bool operator==(const Settings&, const Settings&) = default;
};

}  // namespace holdfast::config
