// policy/policy.h: which server of a pool gets the next connection.
//
// Thread: a policy belongs to one worker. The live counts it reads are written by all workers.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>

namespace holdfast::policy {

// A server as a policy sees it. The view is built once for each change of the pool, not for each choice.
struct Server {
  std::uint32_t weight = 0;                                 // 0: no new connections
  const std::atomic<std::uint32_t>* connections = nullptr;  // live and being connected, over all workers
};

class Policy {
 public:
  virtual ~Policy() = default;

  // The index of the server to use, or none when there is no server with a weight that is not in `tried`.
  // `servers` is the same view from call to call until changed() tells otherwise.
  [[nodiscard]] virtual std::optional<std::uint32_t> choose(std::span<const Server> servers,
                                                            std::span<const std::uint32_t> tried) = 0;
  // The pool has changed: what was remembered about servers by their index is void.
  virtual void changed(std::span<const Server> servers) = 0;
};

enum class Kind : std::uint8_t { round_robin, least_connections };

// `offset` makes policies of the same pool on different workers begin at different servers.
[[nodiscard]] std::unique_ptr<Policy> make_policy(Kind kind, std::uint32_t offset);

// Whether `index` is among the few that were tried already.
[[nodiscard]] inline bool contains(std::span<const std::uint32_t> tried, std::uint32_t index) noexcept {
  for (const std::uint32_t each : tried) {
    if (each == index) return true;
  }
  return false;
}

}  // namespace holdfast::policy
