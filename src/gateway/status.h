// gateway/status.h: what the gateway tells of itself, as plain values. Everything that shows the gateway reads this.
//
// Thread: made on control from counters that workers write; each number is whole, all together are of
// about one instant.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace holdfast::gateway {

struct ListenerStatus {
  std::string name;
  std::vector<std::string> addresses;  // as bound: a port 0 has become a real one
  std::uint64_t connections = 0;
  std::uint64_t connections_total = 0;
  std::map<std::string, std::uint64_t> closed;   // by reason
  std::map<std::string, std::uint64_t> refused;  // by reason
  std::uint64_t bytes_to_server = 0;
  std::uint64_t bytes_to_client = 0;
  std::vector<std::uint64_t> connect_buckets;  // as ConnectHistogram has them
  double connect_seconds_sum = 0;
};

struct ServerStatus {
  std::string pool;
  std::string name;
  std::uint32_t weight = 0;
  std::size_t addresses = 0;  // that the address has resolved to; 0: none yet
  std::uint64_t connections = 0;
  std::uint64_t connections_total = 0;
  std::uint64_t connect_failures_total = 0;
};

struct WorkerStatus {
  std::uint64_t turns = 0;
  std::uint64_t events = 0;
  bool accept_paused = false;
  std::uint64_t accept_pauses = 0;
  std::uint64_t relay_memory_bytes = 0;
  std::uint64_t buffer_memory_bytes = 0;
};

struct Status {
  std::vector<ListenerStatus> listeners;
  std::vector<ServerStatus> servers;
  std::vector<WorkerStatus> workers;
  std::int64_t descriptors_free = 0;
  std::uint64_t notices_dropped = 0;  // connection log lines that did not fit the mailbox
};

}  // namespace holdfast::gateway
