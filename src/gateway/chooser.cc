#include "gateway/chooser.h"

#include <algorithm>

#include "gateway/relay.h"

namespace holdfast::gateway {
namespace {

using policy::Pass;

policy::View view_of(const Pool& pool, const Tier& tier) {
  return {tier.servers, tier.table.get(), &pool.load->connections, pool.hash_load_bound};
}

// Where in the tier the servers are that were tried. Few, and only looked up after a failure.
std::span<const std::uint32_t> tried_in(const Pool& pool, const Tier& tier, std::span<const std::uint16_t> tried,
                                        std::span<std::uint32_t> storage) {
  std::size_t count = 0;
  for (std::uint32_t i = 0; !tried.empty() && i < tier.members.size() && count < storage.size(); ++i) {
    if (std::ranges::find(tried, pool.servers[tier.members[i]].slot) != tried.end()) storage[count++] = i;
  }
  return storage.first(count);
}

// What there is besides the limits that servers are at.
struct Left {
  bool healthy = false;  // has a weight, was not tried, is not set aside
  bool untried = false;  // has a weight and was not tried
  bool any = false;      // has a weight
};

Left left_in(const Tier& tier, std::span<const std::uint32_t> tried, base::Time now) {
  Left left;
  for (std::uint32_t i = 0; i < tier.servers.size() && !left.healthy; ++i) {
    const policy::Server& server = tier.servers[i];
    if (server.weight == 0) continue;
    left.any = true;
    if (policy::contains(tried, i)) continue;
    left.untried = true;
    left.healthy = !server.load->aside.holds(now);
  }
  return left;
}

}  // namespace

Chooser::Chooser(const Pools& pools, std::uint16_t worker) : worker_(worker) { changed(pools); }

void Chooser::changed(const Pools& pools) {
  pools_.resize(pools.pools.size());
  for (std::size_t i = 0; i < pools_.size(); ++i) {
    if (pools_[i].pool == pools.pools[i]) continue;
    if (pools.pools[i]) {
      take(pools_[i], pools.pools[i]);
    } else {
      pools_[i] = {};
    }
  }
}

void Chooser::take(PoolPolicies& policies, const std::shared_ptr<const Pool>& pool) {
  const bool same_policy = policies.pool && policies.pool->policy == pool->policy;
  policies.pool = pool;
  for (std::size_t i = 0; i < policies.tiers.size(); ++i) {
    if (!same_policy) policies.tiers[i] = policy::make_policy(pool->policy, worker_);
    policies.tiers[i]->changed(view_of(*pool, pool->tiers[i]));
  }
}

Choice Chooser::choose(std::size_t number, std::uint64_t key, base::Time now, std::span<const std::uint16_t> tried) {
  if (number >= pools_.size() || !pools_[number].pool) return {Choice::Answer::down, 0};
  PoolPolicies& policies = pools_[number];
  const Pool& pool = *policies.pool;
  std::array<std::array<std::uint32_t, Relay::kTriedMax>, 2> storage;
  std::array<std::span<const std::uint32_t>, 2> tried_of_tier;
  std::array<Left, 2> left;
  const auto ask = [&](std::size_t tier, Pass pass) -> std::optional<std::uint32_t> {
    const auto chosen =
        policies.tiers[tier]->choose(view_of(pool, pool.tiers[tier]), {key, now, tried_of_tier[tier], pass});
    return chosen ? std::optional(pool.tiers[tier].members[*chosen]) : std::nullopt;
  };
  for (std::size_t tier = 0; tier < 2; ++tier) {
    tried_of_tier[tier] = tried_in(pool, pool.tiers[tier], tried, storage[tier]);
    if (const auto chosen = ask(tier, Pass::careful)) return {Choice::Answer::server, *chosen};
    left[tier] = left_in(pool.tiers[tier], tried_of_tier[tier], now);
    if (left[tier].healthy) return {Choice::Answer::full, 0};
  }
  for (std::size_t tier = 0; tier < 2; ++tier) {
    if (const auto chosen = ask(tier, Pass::any)) return {Choice::Answer::server, *chosen};
  }
  if (left[0].untried || left[1].untried) return {Choice::Answer::full, 0};
  return {left[0].any || left[1].any ? Choice::Answer::tried : Choice::Answer::down, 0};
}

}  // namespace holdfast::gateway
