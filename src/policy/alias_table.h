// policy/alias_table.h: draws an index with a probability that follows its weight, in constant time.
//
// Thread: one owner. Cost: a draw is one load of 8 bytes; building is O(n). Memory: 8 bytes a server.
// Precision: each probability is exact to 2^-32. Source: Walker's alias method, in the form of Vose (IEEE TSE 17(9),
//            1991).
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "policy/server.h"

namespace holdfast::policy {

class AliasTable {
 public:
  void build(std::span<const Server> servers);

  // Whether there is nobody with a weight; then pick() must not be called.
  [[nodiscard]] bool empty() const noexcept { return places_.empty(); }
  [[nodiscard]] std::uint64_t weight_sum() const noexcept { return weight_sum_; }
  // `random`: 64 random bits.
  [[nodiscard]] std::uint32_t pick(std::uint64_t random) const noexcept {
    const auto index = static_cast<std::uint32_t>(((random >> 32) * places_.size()) >> 32);
    const Place place = places_[index];
    return static_cast<std::uint32_t>(random) < place.threshold ? index : place.alias;
  }

 private:
  struct Place {
    std::uint32_t threshold = 0;  // of 2^32: how often this index itself is drawn here
    std::uint32_t alias = 0;      // who is drawn otherwise
  };

  std::vector<Place> places_;
  std::uint64_t weight_sum_ = 0;
};

}  // namespace holdfast::policy
