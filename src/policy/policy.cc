#include "policy/policy.h"

#include "policy/least_connections.h"
#include "policy/round_robin.h"

namespace holdfast::policy {

std::unique_ptr<Policy> make_policy(Kind kind, std::uint32_t offset) {
  if (kind == Kind::round_robin) return std::make_unique<RoundRobin>(offset);
  return std::make_unique<LeastConnections>(offset);
}

}  // namespace holdfast::policy
