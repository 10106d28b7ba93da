// gateway/pools.h: where connections may go. What control publishes and every worker reads.
//
// Thread: Pools is immutable once published (base::Snapshot). ServerSlots is shared; its fields say who writes.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <deque>
#include <string>
#include <vector>

#include "net/address.h"
#include "policy/policy.h"

namespace holdfast::gateway {

// What is counted for a server over all workers, for as long as the process lives.
struct ServerSlot {
  ServerSlot(std::string pool_name, std::string server_name)
      : pool(std::move(pool_name)), server(std::move(server_name)) {}

  std::string pool;
  std::string server;
  policy::ServerLoad load;
  std::atomic<std::uint64_t> connections_total{0};  // established
  std::atomic<std::uint64_t> connect_failures_total{0};
};
using ServerSlots = std::deque<ServerSlot>;  // addresses stay; written only before the workers start

struct Server {
  std::uint16_t slot = 0;
  std::string name;
  std::uint32_t weight = 0;
  std::vector<net::SocketAddress> addresses;  // more than one for some host names; none while it is not resolved
};

struct Pool {
  std::string name;
  policy::Kind policy = policy::Kind::least_connections;
  std::chrono::milliseconds connect_timeout{};
  std::uint32_t retries = 0;
  std::vector<Server> servers;
  std::vector<policy::Server> seen;  // the same servers as the policy sees them

  [[nodiscard]] policy::View view() const { return {.servers = seen}; }
};

struct Pools {
  std::vector<Pool> pools;
};

}  // namespace holdfast::gateway
