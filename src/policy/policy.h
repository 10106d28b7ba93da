// policy/policy.h: which server of a pool gets the next connection.
//
// Thread: a policy belongs to one worker. The live counts it reads are written by all workers.
// Who does what: a policy only names a server. The caller takes the connection (load->connections) and the token
//         of its accept rate, sets a server aside when a connect fails, and asks again with that server in `tried`.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>

#include "base/time.h"
#include "policy/server.h"

namespace holdfast::policy {

class MaglevTable;

// A pool as a policy sees it: the same from call to call until changed() tells otherwise.
struct View {
  std::span<const Server> servers{};
  const MaglevTable* table = nullptr;                       // of the same servers in the same order; only for hash
  const std::atomic<std::uint32_t>* connections = nullptr;  // of all servers of the pool; only for the load bound
  double load_bound = 0;                                    // of hash; 1 or less: no bound
};

// careful passes over servers that are aside and honours `share`; in any only weights, limits and the load bound count.
// A caller asks with any when careful has found nobody.
enum class Pass : std::uint8_t { careful, any };

struct Request {
  std::uint64_t key = 0;  // what hash chooses by: well mixed already (base/hash.h)
  base::Time now{};
  std::span<const std::uint32_t> tried{};  // in this selection, and failed; few (up to 8)
  Pass pass = Pass::careful;
};

// A server is usable when it has a weight, was not tried, is below its max_connections, and its accept rate would take
// one now; in the careful pass also when it is not aside. Hash with a bound passes over servers that are at it.
class Policy {
 public:
  virtual ~Policy() = default;

  // The index of the server to use, or none when none is usable. With the same key and a growing `tried` the answers
  // are the candidates of one selection in order: each usable server comes up once.
  [[nodiscard]] virtual std::optional<std::uint32_t> choose(const View& view, const Request& request) = 0;
  // The pool has changed: what was remembered about servers by their index is void. Also called before the first
  // choice. Cost: of the order of the number of servers.
  virtual void changed(const View& view) = 0;
};

enum class Kind : std::uint8_t { round_robin, least_connections, random, random_two, first, hash };

// `offset` is the worker's number: policies of the same pool begin at different servers and draw different numbers.
[[nodiscard]] std::unique_ptr<Policy> make_policy(Kind kind, std::uint32_t offset);

// Whether `index` is among the few that were tried already.
[[nodiscard]] inline bool contains(std::span<const std::uint32_t> tried, std::uint32_t index) noexcept {
  for (const std::uint32_t each : tried) {
    if (each == index) return true;
  }
  return false;
}

[[nodiscard]] inline bool usable(const Server& server, std::uint32_t index, const Request& request) noexcept {
  if (server.weight == 0 || contains(request.tried, index)) return false;
  const ServerLoad& load = *server.load;
  if (request.pass == Pass::careful && load.aside.holds(request.now)) return false;
  if (server.max_connections != 0 && load.connections.load(std::memory_order_relaxed) >= server.max_connections) {
    return false;
  }
  return load.accepts.would_take(request.now, server.accept_rate);
}

}  // namespace holdfast::policy
