// policy/fleet_test.h: servers whose loads a test keeps, as a gateway would.
#pragma once

#include <deque>
#include <memory>
#include <string>
#include <vector>

#include "base/hash.h"
#include "policy/maglev.h"
#include "policy/policy.h"

namespace holdfast::policy {

inline constexpr Kind kKinds[] = {
    Kind::round_robin, Kind::least_connections, Kind::random, Kind::random_two, Kind::first, Kind::hash};

class Fleet {
 public:
  explicit Fleet(const std::vector<std::uint32_t>& weights) {
    for (const std::uint32_t weight : weights) servers.push_back({.weight = weight, .load = &loads.emplace_back()});
  }
  // `count` servers of the same weight.
  static Fleet of(std::size_t count, std::uint32_t weight = 100) {
    return Fleet(std::vector<std::uint32_t>(count, weight));
  }
  Fleet(Fleet&&) = default;

  [[nodiscard]] View view() const {
    return {.servers = servers, .table = table.get(), .connections = total.get(), .load_bound = load_bound};
  }
  [[nodiscard]] std::unique_ptr<Policy> make(Kind kind, std::uint32_t offset = 0) {
    if (kind == Kind::hash && table == nullptr) build_table();
    auto policy = make_policy(kind, offset);
    policy->changed(view());
    return policy;
  }

  void build_table() {
    std::vector<MaglevTable::Entry> entries;
    for (const Server& server : servers) entries.push_back({base::mix(entries.size() + 1), server.weight});
    table = MaglevTable::build(entries);
  }

  void connect(std::uint32_t index) {
    ++loads[index].connections;
    ++*total;
  }
  void disconnect(std::uint32_t index) {
    --loads[index].connections;
    --*total;
  }
  [[nodiscard]] std::uint32_t count(std::size_t index) const { return loads[index].connections; }

  // What `choices` connections that stay make of it: how many each server has.
  std::vector<double> fill(Policy& policy, std::uint32_t choices) {
    std::vector<double> shares(servers.size());
    for (std::uint32_t i = 0; i < choices; ++i) {
      const auto chosen = policy.choose(view(), {.key = base::mix(++keys), .now = now});
      if (!chosen) continue;
      connect(*chosen);
      ++shares[*chosen];
    }
    return shares;
  }

  std::deque<ServerLoad> loads;
  std::vector<Server> servers;
  std::shared_ptr<const MaglevTable> table;
  std::unique_ptr<std::atomic<std::uint32_t>> total = std::make_unique<std::atomic<std::uint32_t>>(0);
  double load_bound = 0;
  base::Time now{std::chrono::hours(1)};
  std::uint64_t keys = 0;
};

}  // namespace holdfast::policy
