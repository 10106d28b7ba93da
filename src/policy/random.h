// policy/random.h: chance by weight, and the better of two chances.
//
// Thread: one worker. Cost: constant while most servers are usable, else all are looked at; 8 bytes a server.
// Source of RandomTwo: Mitzenmacher, The power of two choices in randomized load balancing, IEEE TPDS 12(10), 2001.
#pragma once

#include "policy/weighted_draw.h"

namespace holdfast::policy {

// Knows nothing of live connections: for short ones, or to mirror a pool.
class RandomOne final : public Policy {
 public:
  explicit RandomOne(std::uint32_t offset) noexcept : draw_(offset) {}

  [[nodiscard]] std::optional<std::uint32_t> choose(const View& view, const Request& request) override {
    return draw_.draw(view, request);
  }
  void changed(const View& view) override { draw_.changed(view); }

 private:
  WeightedDraw draw_;
};

// Of two drawn by weight the one with fewer live connections for its weight. Nearly as even as least_connections, and
// an empty server is never sent more than twice what its weight says.
class RandomTwo final : public Policy {
 public:
  explicit RandomTwo(std::uint32_t offset) noexcept : draw_(offset) {}

  [[nodiscard]] std::optional<std::uint32_t> choose(const View& view, const Request& request) override;
  void changed(const View& view) override { draw_.changed(view); }

 private:
  WeightedDraw draw_;
};

}  // namespace holdfast::policy
