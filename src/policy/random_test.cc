#include "policy/random.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "policy/fleet_test.h"

namespace holdfast::policy {
namespace {

TEST(AliasTable, DrawsEachIndexAsItsWeightSays) {
  for (const auto& weights : {std::vector<std::uint32_t>{1}, {0, 3, 0}, {1, 10, 100, 1000, 500}, {1000, 1, 1, 1}}) {
    Fleet fleet(weights);
    AliasTable table;
    table.build(fleet.servers);
    std::vector<double> found(weights.size());
    // Every place of the table evenly, in steps fine enough: no chance in it.
    constexpr std::uint64_t kSteps = 4'000'000;
    for (std::uint64_t i = 0; i < kSteps; ++i) {
      const std::uint64_t place = i % weights.size() * ((std::uint64_t{1} << 32) / weights.size() + 1);
      ++found[table.pick(place << 32 | (i / weights.size() * weights.size() << 32) / kSteps)];
    }
    for (std::size_t i = 0; i < weights.size(); ++i) {
      EXPECT_NEAR(found[i] * static_cast<double>(table.weight_sum()) / kSteps, weights[i], 0.01);
    }
  }
}

TEST(AliasTable, OfNobodyIsEmpty) {
  Fleet fleet({0, 0});
  AliasTable table;
  table.build(fleet.servers);
  EXPECT_TRUE(table.empty());
}

TEST(Random, WorkersDrawDifferently) {
  Fleet fleet = Fleet::of(100);
  const auto one = fleet.make(Kind::random, 0);
  const auto two = fleet.make(Kind::random, 1);
  int same = 0;
  for (int i = 0; i < 1'000; ++i) same += one->choose(fleet.view(), {}) == two->choose(fleet.view(), {}) ? 1 : 0;
  EXPECT_LT(same, 40);
}

TEST(Random, SharesOfTheUsableFollowTheirWeightsWhenMostAreNot) {
  Fleet fleet = Fleet::of(1'000, 1);
  const auto policy = fleet.make(Kind::random);
  for (auto& load : fleet.loads) load.aside.set(fleet.now + std::chrono::seconds(1));
  fleet.loads[3].aside.take_back();
  fleet.loads[800].aside.take_back();
  fleet.servers[3].weight = 3;  // the table does not know it: nearly all draws are made among all
  const auto shares = fleet.fill(*policy, 20'000);
  EXPECT_EQ(shares[3] + shares[800], 20'000);
  EXPECT_NEAR(shares[3], 15'000, 400);
}

double max_over_mean(Fleet& fleet, Kind kind, std::uint32_t choices) {
  const auto shares = fleet.fill(*fleet.make(kind), choices);
  return *std::ranges::max_element(shares) * static_cast<double>(shares.size()) / choices;
}

TEST(RandomTwo, SpreadsFarBetterThanOne) {
  Fleet one = Fleet::of(100);
  Fleet two = Fleet::of(100);
  EXPECT_GT(max_over_mean(one, Kind::random, 10'000), 1.15);
  EXPECT_LT(max_over_mean(two, Kind::random_two, 10'000), 1.04);
}

TEST(RandomTwo, AnEmptyServerGetsNoMoreThanTwiceItsPart) {
  Fleet fleet = Fleet::of(10);
  for (std::size_t i = 1; i < 10; ++i) fleet.loads[i].connections = 100'000;
  EXPECT_NEAR(fleet.fill(*fleet.make(Kind::random_two), 10'000)[0], 2'000, 200);
}

}  // namespace
}  // namespace holdfast::policy
