// policy/least_connections.h: the server with the fewest live connections for its weight.
//
// Thread: one worker. Cost: a choice reads the count of every server, once.
// Between equals the turn goes round, so that empty servers fill evenly and workers do not all run to the same one.
#pragma once

#include "policy/policy.h"

namespace holdfast::policy {

class LeastConnections final : public Policy {
 public:
  explicit LeastConnections(std::uint32_t offset) noexcept : turn_(offset) {}

  [[nodiscard]] std::optional<std::uint32_t> choose(const View& view, const Request& request) override;
  void changed(const View& /*view*/) override {}

 private:
  std::uint32_t turn_;  // where the next look begins
};

}  // namespace holdfast::policy
