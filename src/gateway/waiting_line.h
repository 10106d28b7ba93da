// gateway/waiting_line.h: the connections of one worker that wait for a server of one pool, in the order they came.
//
// Thread: the worker's. The links are in the relays, so that one that gives up leaves in O(1).
// Order:  over all workers, by PoolLoad::heads: only the worker whose first has waited longest may serve.
#pragma once

#include <cstdint>

#include "base/slab.h"
#include "base/time.h"
#include "gateway/pools.h"
#include "gateway/relay.h"

namespace holdfast::gateway {

class WaitingLine {
 public:
  explicit WaitingLine(base::Slab<Relay>& relays) noexcept : relays_(&relays) {}

  [[nodiscard]] bool empty() const noexcept { return first_ == Relay::kNobody; }
  [[nodiscard]] std::uint32_t first() const noexcept { return first_; }

  void join(std::uint32_t index) noexcept {
    Relay& relay = (*relays_)[index];
    relay.ahead = last_;
    relay.behind = Relay::kNobody;
    (last_ == Relay::kNobody ? first_ : (*relays_)[last_].behind) = index;
    last_ = index;
  }
  // One whose turn it was in vain has its place of before. Only others like it can stand in front of it.
  void join_again(std::uint32_t index) noexcept {
    Relay& relay = (*relays_)[index];
    std::uint32_t behind = first_;
    while (behind != Relay::kNobody && (*relays_)[behind].ticket() < relay.ticket()) behind = (*relays_)[behind].behind;
    relay.behind = behind;
    relay.ahead = behind == Relay::kNobody ? last_ : (*relays_)[behind].ahead;
    (relay.ahead == Relay::kNobody ? first_ : (*relays_)[relay.ahead].behind) = index;
    (behind == Relay::kNobody ? last_ : (*relays_)[behind].ahead) = index;
  }
  void leave(std::uint32_t index) noexcept {
    Relay& relay = (*relays_)[index];
    (relay.ahead == Relay::kNobody ? first_ : (*relays_)[relay.ahead].behind) = relay.behind;
    (relay.behind == Relay::kNobody ? last_ : (*relays_)[relay.behind].ahead) = relay.ahead;
    relay.ahead = relay.behind = Relay::kNobody;
  }
  // What PoolLoad::heads is told.
  [[nodiscard]] std::uint64_t head() const noexcept {
    return empty() ? PoolLoad::kNobody : (*relays_)[first_].ticket();
  }

  // PoolLoad::freed when the line was last served: while it is the same, there is no new chance.
  std::uint32_t seen_freed = 0;

 private:
  base::Slab<Relay>* relays_;
  std::uint32_t first_ = Relay::kNobody;
  std::uint32_t last_ = Relay::kNobody;
};

}  // namespace holdfast::gateway
