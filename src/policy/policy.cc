#include "policy/policy.h"

#include <cstdlib>

#include "policy/first.h"
#include "policy/hash.h"
#include "policy/least_connections.h"
#include "policy/random.h"
#include "policy/round_robin.h"

namespace holdfast::policy {

std::unique_ptr<Policy> make_policy(Kind kind, std::uint32_t offset) {
  switch (kind) {
    case Kind::round_robin: return std::make_unique<RoundRobin>(offset);
    case Kind::least_connections: return std::make_unique<LeastConnections>(offset);
    case Kind::random: return std::make_unique<RandomOne>(offset);
    case Kind::random_two: return std::make_unique<RandomTwo>(offset);
    case Kind::first: return std::make_unique<First>(offset);
    case Kind::hash: return std::make_unique<Hash>();
  }
  std::abort();
}

}  // namespace holdfast::policy
