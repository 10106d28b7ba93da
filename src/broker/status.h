// broker/status.h: the broker as the admin API and the metrics page see it. Values, gathered on control.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "auth/chain.h"

namespace holdfast::broker {

struct ListenerStatus {
  std::string name;
  std::string protocol;
  std::vector<std::string> addresses;
  std::uint64_t max_connections = 0;
  std::uint64_t connections = 0;
  std::uint64_t connections_total = 0;
  std::uint64_t bytes_received = 0;
  std::uint64_t bytes_sent = 0;
  std::map<std::string, std::uint64_t> closed;            // by reason
  std::map<std::string, std::uint64_t> refused;           // by reason
  std::map<std::string, std::uint64_t> connects_refused;  // by the code of CONNACK: "server_busy"
};

struct WorkerStatus {
  std::uint64_t turns = 0;
  double lag_seconds = 0;  // the longest turn of late
  std::uint64_t clients = 0;
  std::uint64_t connection_memory_bytes = 0;
  std::uint64_t buffer_memory_bytes = 0;
  bool accept_paused = false;
};

struct Totals {
  std::uint64_t clients = 0;
  std::uint64_t clients_max = 0;  // the most there were at a time, as far as was looked
  std::uint64_t sessions = 0;
  std::uint64_t subscriptions = 0;
  std::uint64_t shared_subscriptions = 0;
  std::uint64_t retained = 0;  // every worker keeps all of them: those of one
  std::uint64_t retained_bytes = 0;
  std::uint64_t delayed = 0;
  std::uint64_t routes = 0;
  std::uint64_t routes_wide = 0;
  std::uint64_t connects = 0;
  std::uint64_t resumed = 0;
  std::uint64_t taken_over = 0;
  std::uint64_t sessions_expired = 0;
  std::uint64_t subscribes = 0;
  std::uint64_t unsubscribes = 0;
  std::uint64_t wills = 0;
  std::uint64_t messages_received[3] = {};
  std::uint64_t messages_sent[3] = {};
  std::uint64_t messages_unmatched = 0;
  std::uint64_t messages_denied = 0;
  std::uint64_t messages_forwarded = 0;
  std::uint64_t messages_retained = 0;
  std::uint64_t retained_refused = 0;
  std::uint64_t delayed_refused = 0;
  std::uint64_t no_member = 0;
  std::uint64_t paced = 0;
  std::uint64_t bytes_received = 0;
  std::uint64_t bytes_sent = 0;
  std::map<std::string, std::uint64_t> packets_received;  // by type
  std::map<std::string, std::uint64_t> dropped;           // by reason
  std::map<std::string, std::uint64_t> topics_refused;    // by reason
  std::uint64_t messages_alive = 0;                       // in memory, each counted once
  std::uint64_t message_bytes_alive = 0;
};

// Messages a second, over the last seconds.
struct MessageRates {
  double received = 0;  // PUBLISH of clients
  double sent = 0;      // to clients
  double dropped = 0;   // copies that no client got
};

struct Status {
  std::vector<ListenerStatus> listeners;
  std::vector<WorkerStatus> workers;
  Totals totals;
  MessageRates rates;
  auth::Chain::Counts auth;
  std::uint64_t notices_dropped = 0;
  double uptime_seconds = 0;
};

}  // namespace holdfast::broker
