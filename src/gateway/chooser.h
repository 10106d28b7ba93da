// gateway/chooser.h: one worker's choice of a server for a connection.
//
// Thread: the worker's. Cost: that of the policy; a pool that has nobody left to choose is looked through once more.
// Order:  servers that are not set aside; when all of those are down or tried, backups that are not set aside; then
//         whatever has a weight, because an unlikely server is better than none. Servers that are only full are waited
//         for, not passed over for backups.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "base/time.h"
#include "gateway/pools.h"
#include "policy/policy.h"

namespace holdfast::gateway {

struct Choice {
  enum class Answer : std::uint8_t {
    server,  // `index` in Pool::servers
    full,    // there are servers, but each is at a limit
    tried,   // there are servers, but each was tried
    down,    // there is none
  };
  Answer answer = Answer::down;
  std::uint32_t index = 0;
};

class Chooser {
 public:
  Chooser(const Pools& pools, std::uint16_t worker);

  void changed(const Pools& pools);

  // `tried` are slots of servers that have failed this connection. The caller takes the connection. In a pool that is
  // no more, every server is down.
  [[nodiscard]] Choice choose(std::size_t pool, std::uint64_t key, base::Time now,
                              std::span<const std::uint16_t> tried);

 private:
  struct PoolPolicies {
    std::shared_ptr<const Pool> pool;
    std::array<std::unique_ptr<policy::Policy>, 2> tiers;
  };

  void take(PoolPolicies& policies, const std::shared_ptr<const Pool>& pool);

  std::uint16_t worker_;
  std::vector<PoolPolicies> pools_;
};

}  // namespace holdfast::gateway
