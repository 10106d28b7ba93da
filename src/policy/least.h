// policy/least.h: of servers that are offered one by one, the one with the fewest live connections for its weight.
//
// The load compared is that after one more connection, (connections + 1) / weight, without dividing.
#pragma once

#include <optional>

#include "policy/server.h"

namespace holdfast::policy {

class Least {
 public:
  // Of equals the first one stays.
  void offer(std::uint32_t index, const Server& server) noexcept {
    const std::uint64_t connections = server.load->connections.load(std::memory_order_relaxed) + std::uint64_t{1};
    if (weight_ != 0 && connections * weight_ >= connections_ * server.weight) return;
    index_ = index;
    connections_ = connections;
    weight_ = server.weight;
  }
  [[nodiscard]] bool found() const noexcept { return weight_ != 0; }
  [[nodiscard]] std::optional<std::uint32_t> index() const noexcept {
    return found() ? std::optional(index_) : std::nullopt;
  }

 private:
  std::uint32_t index_ = 0;
  std::uint64_t connections_ = 0;
  std::uint64_t weight_ = 0;
};

}  // namespace holdfast::policy
