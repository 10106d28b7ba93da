// policy/round_robin.h: servers in turn, each as often as its weight says, spread as evenly as can be.
//
// Thread: one worker. Cost: a choice looks at every server. Memory: 8 bytes a server.
// Source: smooth weighted round robin as nginx has it: every server earns its weight, the richest is
// chosen and pays the sum.
#pragma once

#include <vector>

#include "policy/policy.h"

namespace holdfast::policy {

class RoundRobin final : public Policy {
 public:
  explicit RoundRobin(std::uint32_t offset) noexcept : offset_(offset) {}

  [[nodiscard]] std::optional<std::uint32_t> choose(const View& view, const Request& request) override;
  void changed(const View& view) override;

 private:
  std::uint32_t offset_;
  std::vector<std::int64_t> credit_;
};

}  // namespace holdfast::policy
