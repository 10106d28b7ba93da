// gateway/pools.h: where connections may go. What control publishes and every worker reads.
//
// Thread: everything is immutable once published (base::Snapshot) but PoolLoad, which is shared and atomic.
#pragma once

#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "config/settings.h"
#include "gateway/reason.h"
#include "gateway/server_slots.h"
#include "net/address.h"
#include "policy/maglev.h"
#include "policy/policy.h"

namespace holdfast::gateway {

// Workers that a process can have. Their number can be raised while it runs; what is kept for each has room for all.
inline constexpr std::size_t kWorkersMax = 256;

// What all workers share about a pool, for as long as the process knows it.
struct PoolLoad {
  explicit PoolLoad(std::size_t workers = kWorkersMax)
      : heads(std::make_unique<std::atomic<std::uint64_t>[]>(workers)) {
    for (std::size_t i = 0; i < workers; ++i) heads[i] = kNobody;
  }

  static constexpr std::uint64_t kNobody = std::numeric_limits<std::uint64_t>::max();

  std::atomic<std::uint32_t> connections{0};  // of all its servers
  std::atomic<std::uint32_t> waiting{0};      // in the queue
  std::atomic<std::uint32_t> freed{0};        // counts the chances that those who wait may have got
  std::atomic<std::uint64_t> tickets{0};      // the number of the last that joined the queue
  // The number of the first in each worker's line, kNobody for an empty line.
  std::unique_ptr<std::atomic<std::uint64_t>[]> heads;
};

// What becomes of the connections that a server still has.
enum class Closing : std::uint8_t { no, paced, at_once };

struct Server {
  std::uint16_t slot = kNoServer;
  std::string name;
  std::uint32_t max_connections = 0;
  policy::AcceptRate accept_rate;
  std::vector<net::SocketAddress> addresses;  // more than one for some host names; none while it is not resolved
  Closing closing = Closing::no;
  policy::AcceptRate closing_rate;  // how fast its connections are closed while that is paced
  CloseReason closing_reason = CloseReason::server_down;
};

// Servers that are chosen from together: the backups are a tier of their own.
struct Tier {
  std::vector<std::uint32_t> members;   // indexes in Pool::servers, in the order of
  std::vector<policy::Server> servers;  // the same as the policy sees them
  std::shared_ptr<const policy::MaglevTable> table;
};

// An address to connect from.
struct Source {
  std::uint8_t index = 0;                     // in ServerSlot::sources; its own as long as the pool lives
  std::optional<net::SocketAddress> address;  // none: the kernel chooses
};

struct Pool {
  std::string name;
  PoolLoad* load = nullptr;
  policy::Kind policy = policy::Kind::least_connections;
  double hash_load_bound = 0;
  std::chrono::milliseconds connect_timeout{};
  std::uint32_t retries = 0;
  std::uint32_t queue = 0;
  std::chrono::milliseconds queue_timeout{};
  config::WhenAllDown when_all_down = config::WhenAllDown::refuse;
  config::ProxyOut proxy_protocol = config::ProxyOut::off;
  std::chrono::milliseconds early_close{};  // 0: closes are no errors
  std::vector<Source> sources{Source{}};    // never empty
  std::vector<Server> servers;
  std::array<Tier, 2> tiers;  // backups second
};

// By the slot of the pool. One that did not change is the same object in the next version.
struct Pools {
  // Null, or a pool without servers whose name is empty, where there is none.
  std::vector<std::shared_ptr<const Pool>> pools;

  [[nodiscard]] bool has(std::size_t slot) const noexcept {
    return slot < pools.size() && pools[slot] && !pools[slot]->name.empty();
  }
};

}  // namespace holdfast::gateway
