#include "policy/alias_table.h"

#include <algorithm>

namespace holdfast::policy {

// Every place holds an equal part of the whole. Who has less than a part fills up with a piece of one who has more.
void AliasTable::build(std::span<const Server> servers) {
  places_.clear();
  weight_sum_ = 0;
  for (const Server& server : servers) weight_sum_ += server.weight;
  if (weight_sum_ == 0) return;

  const std::uint64_t part = weight_sum_;  // weights are multiplied by the number of places, so this is one place
  std::vector<std::uint64_t> left(servers.size());
  std::vector<std::uint32_t> poor;
  std::vector<std::uint32_t> rich;
  for (std::uint32_t i = 0; i < servers.size(); ++i) {
    left[i] = std::uint64_t{servers[i].weight} * servers.size();
    (left[i] < part ? poor : rich).push_back(i);
  }
  places_.resize(servers.size());
  while (!poor.empty()) {  // the sums are exact, so somebody is rich as long as somebody is poor
    const std::uint32_t small = poor.back();
    const std::uint32_t large = rich.back();
    poor.pop_back();
    places_[small] = {static_cast<std::uint32_t>((left[small] << 32) / part), large};
    left[large] -= part - left[small];
    if (left[large] < part) {
      rich.pop_back();
      poor.push_back(large);
    }
  }
  for (const std::uint32_t index : rich) places_[index] = {0, index};
}

}  // namespace holdfast::policy
