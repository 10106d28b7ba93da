// entry/connection_query.h: which live connections are asked for, and what is told of each, whatever role it is of.
//
// Thread: values.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/cidr.h"

namespace holdfast::entry {

enum class ConnectionSort : std::uint8_t { id, age, idle, bytes };  // by id upwards, by all others downwards

// What is not there does not narrow the search. Names that nobody has find nothing.
struct ConnectionQuery {
  static constexpr std::uint32_t kLimitMax = 1000;
  using Sort = ConnectionSort;

  std::optional<std::string> listener{};
  std::optional<std::string> pool{};
  std::optional<std::string> server{};     // in any pool, or in `pool`
  std::optional<std::string> client_id{};  // of MQTT
  std::optional<base::Cidr> address{};     // of the client
  std::optional<std::chrono::milliseconds> min_age{};
  std::optional<std::chrono::milliseconds> min_idle{};
  std::optional<std::uint64_t> min_bytes{};  // both ways together
  Sort sort = Sort::id;
  std::uint32_t limit = 100;             // at most kLimitMax
  std::optional<std::uint64_t> after{};  // an id; for Sort::id
  // Who waits for the answer: once it is gone, the search stops, and is not answered.
  std::optional<std::weak_ptr<const void>> asker{};
};

// What the broker knows of a client.
struct MqttInfo {
  std::string client_id;  // empty: it has not said it yet
  std::string user;       // vouched for; empty: nobody in particular
  std::string version;    // 3.1 3.1.1 5.0; empty: it has not said it yet
};

struct ConnectionInfo {
  std::uint64_t id = 0;  // no other connection of the process has it, nor had it
  std::string client;
  std::string listener;
  std::string pool;                   // empty: it is the broker's
  std::optional<std::string> server;  // none while it waits for one
  std::optional<std::string> server_address;
  std::string stage;  // greeting waiting connecting relaying closing; of the broker: greeting connecting open closing
  double age_seconds = 0;
  double idle_seconds = 0;  // before it is relayed: in this stage
  std::uint64_t bytes_from_client = 0;
  std::uint64_t bytes_from_server = 0;
  std::optional<double> connect_seconds;  // none until there is a server
  std::uint16_t worker = 0;               // of its role
  std::optional<MqttInfo> mqtt;           // of the broker's
};

struct ConnectionPage {
  std::vector<ConnectionInfo> connections{};
  std::optional<std::uint64_t> next{};  // none: there is no further page
  std::uint64_t matched = 0;            // on all pages
  bool busy = false;                    // too many search at once: nothing was looked for
};

// Two roles' pages of one query as one.
[[nodiscard]] ConnectionPage merged(ConnectionPage one, ConnectionPage other, const ConnectionQuery& query);

}  // namespace holdfast::entry
