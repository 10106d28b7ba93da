// config/requests.h: what the bodies and parameters of the admin API say, with the kinds, ranges and faults of the
// file.
//
// A body is a Value as a table of a file is, made from JSON; its positions do not matter. Faults are texts without a
// place, such as "`weight` must be 0 to 1000; found the number 1001", and an unknown key names those that there are.
//
// Thread: pure. Limits: 1,000 faults.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "config/document.h"
#include "config/settings.h"

namespace holdfast::config {

template <typename T>
struct Asked {
  std::optional<T> value;  // there if, and only if, there are no faults
  std::vector<std::string> faults;
};

enum class ServerState : std::uint8_t { ready, drain, maint };

// PATCH of a server: what is not set stays as it is.
struct ServerChange {
  std::optional<ServerState> state;
  std::optional<base::Rate> rate;    // only with the state drain; none: connections end by themselves
  std::optional<Duration> deadline;  // only with the state drain; never 0
  std::optional<std::uint32_t> weight;
  std::optional<std::uint32_t> max_connections;  // 0: no limit
  std::optional<base::Rate> max_accept_rate;     // 0: no limit
  std::optional<base::Endpoint> address;
  std::optional<bool> backup;
  friend bool operator==(const ServerChange&, const ServerChange&) = default;
};

enum class ListenerState : std::uint8_t { ready, drain };

// PATCH of a listener.
struct ListenerChange {
  std::optional<ListenerState> state;  // always set when it was read
  std::optional<base::Rate> rate;      // as of a server
  std::optional<Duration> deadline;
  friend bool operator==(const ListenerChange&, const ListenerChange&) = default;
};

// POST of a drain of the node: what is not set is as the configuration says.
struct NodeDrain {
  std::optional<base::Rate> rate;
  std::optional<Duration> deadline;
  std::optional<Duration> wait;  // may be 0
  friend bool operator==(const NodeDrain&, const NodeDrain&) = default;
};

// POST of a server: the keys of [[pool.server]], with their defaults.
[[nodiscard]] Asked<Server> read_server(const Value& body);
// A body that changes nothing is a fault, and so is a `rate` or a `deadline` where nothing is drained.
[[nodiscard]] Asked<ServerChange> read_server_change(const Value& body);
[[nodiscard]] Asked<ListenerChange> read_listener_change(const Value& body);
[[nodiscard]] Asked<NodeDrain> read_node_drain(const Value& body);

// One parameter of a query, or one option of a command; `key` is what the fault calls it.
[[nodiscard]] Asked<base::Rate> read_rate(std::string_view key, std::string_view text);
[[nodiscard]] Asked<Duration> read_duration(std::string_view key, std::string_view text);
[[nodiscard]] Asked<base::Bytes> read_bytes(std::string_view key, std::string_view text);
[[nodiscard]] Asked<std::uint32_t> read_number(std::string_view key, std::string_view text, std::uint32_t min,
                                               std::uint32_t max);

}  // namespace holdfast::config
