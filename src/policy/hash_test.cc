#include "policy/hash.h"

#include <gtest/gtest.h>

#include <cmath>
#include <random>

#include "policy/fleet_test.h"

namespace holdfast::policy {
namespace {

using namespace std::chrono_literals;
constexpr std::uint64_t kKeys = 20'000;

std::vector<std::uint32_t> owners(Fleet& fleet, Policy& policy) {
  std::vector<std::uint32_t> owners;
  for (std::uint64_t key = 0; key < kKeys; ++key) {
    owners.push_back(policy.choose(fleet.view(), {.key = base::mix(key), .now = fleet.now}).value_or(65'535));
  }
  return owners;
}

TEST(Hash, TheSameKeyComesToTheSameServerOnEveryWorker) {
  Fleet fleet = Fleet::of(10);
  EXPECT_EQ(owners(fleet, *fleet.make(Kind::hash, 0)), owners(fleet, *fleet.make(Kind::hash, 7)));
}

TEST(Hash, WithoutATableThatFitsNobodyIsChosen) {
  Fleet fleet = Fleet::of(3);
  fleet.build_table();
  fleet.servers.push_back({.weight = 100, .load = &fleet.loads.emplace_back()});
  EXPECT_FALSE(fleet.make(Kind::hash)->choose(fleet.view(), {}));
  const auto policy = fleet.make(Kind::hash);
  fleet.table = nullptr;
  policy->changed(fleet.view());
  EXPECT_FALSE(policy->choose(fleet.view(), {}));
}

// A server that is down keeps its place in the table: its keys, and only they, move, to all others, and come back.
TEST(Hash, OnlyTheKeysOfAServerThatIsDownMoveAndTheyComeBack) {
  Fleet fleet = Fleet::of(10);
  const auto policy = fleet.make(Kind::hash);
  const auto before = owners(fleet, *policy);
  fleet.servers[4].weight = 0;
  policy->changed(fleet.view());
  const auto down = owners(fleet, *policy);
  std::vector<double> moved(10);
  for (std::uint64_t key = 0; key < kKeys; ++key) {
    if (before[key] == 4) {
      ++moved[down[key]];
    } else {
      ASSERT_EQ(down[key], before[key]);
    }
  }
  for (std::size_t i = 0; i < 10; ++i) {
    EXPECT_NEAR(moved[i], i == 4 ? 0 : kKeys / 90.0, 5 * std::sqrt(kKeys / 90.0)) << i;
  }
  fleet.servers[4].weight = 100;
  policy->changed(fleet.view());
  EXPECT_EQ(owners(fleet, *policy), before);
}

TEST(Hash, KeysOfAServerInSlowStartMoveInGraduallyAndStay) {
  Fleet fleet = Fleet::of(10);
  const auto policy = fleet.make(Kind::hash);
  const auto whole = owners(fleet, *policy);
  const auto all = static_cast<double>(std::ranges::count(whole, 4U));
  std::vector<std::uint32_t> before;
  for (std::uint32_t twentieth = 0; twentieth <= 20; ++twentieth) {
    fleet.servers[4].share = kWholeShare / 20 * twentieth + (twentieth == 20 ? 16 : 0);
    const auto now = owners(fleet, *policy);
    EXPECT_NEAR(static_cast<double>(std::ranges::count(now, 4U)), all * twentieth / 20, 0.05 * all);
    for (std::uint64_t key = 0; key < before.size(); ++key) {
      ASSERT_TRUE(now[key] == before[key] || now[key] == 4) << "nothing else moves";
      ASSERT_TRUE(before[key] != 4 || now[key] == 4) << "who has come stays";
    }
    before = now;
  }
  EXPECT_EQ(before, whole);
}

TEST(Hash, WhenOnlySlowStartersAreLeftTheyServe) {
  Fleet fleet = Fleet::of(3);
  for (auto& server : fleet.servers) server.share = 0;
  const auto policy = fleet.make(Kind::hash);
  const auto gated = owners(fleet, *policy);
  for (auto& server : fleet.servers) server.share = kWholeShare;
  EXPECT_EQ(gated, owners(fleet, *policy)) << "and each its own keys";
}

// By definition, over all servers that could be meant: the smallest W allows the most.
std::uint64_t bound_of(const Fleet& fleet, std::uint32_t index, const Request& request) {
  std::uint64_t sum = 0;
  for (std::uint32_t i = 0; i < fleet.servers.size(); ++i) {
    if (usable(fleet.servers[i], i, request)) sum += fleet.servers[i].weight;
  }
  const double total = *fleet.total + 1;
  return static_cast<std::uint64_t>(
      std::ceil(fleet.load_bound * total * fleet.servers[index].weight / static_cast<double>(sum)));
}

// Keys of which a few are most of the load, so that the bound is at work all the time.
TEST(Hash, TheBoundIsNeverExceeded) {
  std::mt19937_64 random(11);
  for (const double bound : {1.0625, 1.25, 2.0}) {
    Fleet fleet({100, 100, 50, 200, 1'000, 1, 100});
    fleet.load_bound = bound;
    const auto policy = fleet.make(Kind::hash);
    std::vector<std::uint32_t> live;
    for (int i = 0; i < 60'000; ++i) {
      if (i % 500 == 0) {  // now and then somebody is aside, or back
        auto& load = fleet.loads[random() % fleet.loads.size()];
        random() % 2 == 0 ? load.aside.set(fleet.now + 1h) : load.aside.take_back();
      }
      if (!live.empty() && random() % 5 < (i / 10'000 % 2 == 0 ? 1U : 3U)) {
        std::swap(live[random() % live.size()], live.back());
        fleet.disconnect(live.back());
        live.pop_back();
        continue;
      }
      const std::uint64_t key = base::mix(random() % 4 != 0 ? random() % 3 : random());
      const auto pass = random() % 2 == 0 ? Pass::careful : Pass::any;
      const Request request{.key = key, .now = fleet.now, .tried = {}, .pass = pass};
      const auto chosen = policy->choose(fleet.view(), request);
      if (!chosen) continue;  // all are aside
      ASSERT_LE(fleet.count(*chosen) + 1, bound_of(fleet, *chosen, request)) << i;
      fleet.connect(*chosen);
      live.push_back(*chosen);
    }
  }
}

TEST(Hash, WithABoundSomebodyUsableIsAlwaysFound) {
  std::mt19937_64 random(12);
  for (int round = 0; round < 1'000; ++round) {
    Fleet fleet = Fleet::of(1 + random() % 6);
    fleet.load_bound = 1.01;
    for (std::uint32_t i = 0; i < fleet.servers.size(); ++i) {
      for (auto count = random() % 100; count > 0; --count) fleet.connect(i);
      if (random() % 2 == 0) fleet.loads[i].aside.set(fleet.now + 1s);
    }
    const Request request{.key = random(), .now = fleet.now};
    bool any = false;
    for (std::uint32_t i = 0; i < fleet.servers.size(); ++i) any = any || usable(fleet.servers[i], i, request);
    ASSERT_EQ(fleet.make(Kind::hash)->choose(fleet.view(), request).has_value(), any);
  }
}

// Counts that do not add up, as another worker may leave them for a moment.
TEST(Hash, WhenEveryCountIsAboveTheBoundTheLeastLoadedServes) {
  Fleet fleet = Fleet::of(3);
  fleet.load_bound = 1.25;
  for (auto& load : fleet.loads) load.connections = 50;
  fleet.loads[1].connections = 40;
  EXPECT_EQ(fleet.make(Kind::hash)->choose(fleet.view(), {.key = 1}), 1U);
}

}  // namespace
}  // namespace holdfast::policy
