#include "policy/round_robin.h"

#include <gtest/gtest.h>

#include <cmath>
#include <set>

#include "policy/fleet_test.h"

namespace holdfast::policy {
namespace {

using namespace std::chrono_literals;

std::string order(Fleet& fleet, Policy& policy, int choices) {
  std::string order;
  for (int i = 0; i < choices; ++i) {
    order += static_cast<char>('a' + *policy.choose(fleet.view(), {.now = fleet.now}));
  }
  return order;
}

struct Case {
  std::vector<std::uint32_t> weights;
  const char* order;
};
const Case kCases[] = {
    {{1, 1, 1}, "abcabc"},          {{100, 100, 100}, "abcabc"},
    {{5, 1, 1}, "aabaaacaabaaac"},  {{4, 2}, "aabaab"},
    {{2, 0, 2}, "acacac"},          {{1000}, "aaa"},
    {{3, 1, 1, 1}, "abacadabacad"},
};

TEST(RoundRobin, GivesTheKnownOrders) {
  for (const Case& c : kCases) {
    Fleet fleet(c.weights);
    EXPECT_EQ(order(fleet, *fleet.make(Kind::round_robin), static_cast<int>(std::string(c.order).size())), c.order);
  }
}

// At any time, not only in the end: each server has what its weight says, give or take three.
TEST(RoundRobin, SharesAreExactAtAnyTime) {
  for (const auto& weights : {std::vector<std::uint32_t>{1, 10, 100, 1000, 500}, {5, 1, 1}, {999, 1000, 998}}) {
    Fleet fleet(weights);
    double sum = 0;
    for (const auto weight : weights) sum += weight;
    const auto policy = fleet.make(Kind::round_robin);
    for (int choices = 1; choices <= 100'000; ++choices) {
      fleet.connect(*policy->choose(fleet.view(), {}));
      for (std::size_t i = 0; i < weights.size(); ++i) {
        ASSERT_LE(std::abs(fleet.count(i) - choices * (weights[i] / sum)), 3) << choices;
      }
    }
  }
}

TEST(RoundRobin, WorkersBeginAtDifferentServers) {
  for (const std::size_t size : {3U, 4U, 16U, 100U, 1000U}) {
    Fleet fleet = Fleet::of(size);
    std::set<std::uint32_t> begins;
    const auto workers = static_cast<std::uint32_t>(std::min<std::size_t>(size, 16));
    for (std::uint32_t i = 0; i < workers; ++i) {
      begins.insert(*fleet.make(Kind::round_robin, i)->choose(fleet.view(), {}));
    }
    EXPECT_EQ(begins.size(), workers) << size;
    EXPECT_TRUE(begins.contains(0));
  }
}

TEST(RoundRobin, AnUnusableServerNeitherStarvesNorBurstsWhenItReturns) {
  Fleet fleet = Fleet::of(5);
  const auto policy = fleet.make(Kind::round_robin);
  EXPECT_EQ(order(fleet, *policy, 5), "abcde");
  fleet.loads[1].aside.set(fleet.now + 1s);
  fleet.loads[2].aside.set(fleet.now + 1s);
  EXPECT_EQ(order(fleet, *policy, 6), "adeade");
  for (int i = 0; i < 1'000; ++i) EXPECT_EQ(order(fleet, *policy, 3), "ade");
  fleet.now += 2s;
  EXPECT_EQ(order(fleet, *policy, 10), "abcdeabcde");
}

TEST(RoundRobin, NeitherDoMostOfTheServersAtOnce) {
  Fleet fleet = Fleet::of(200);
  const auto policy = fleet.make(Kind::round_robin);
  for (std::size_t i = 0; i < 200; ++i) {
    if (i % 50 != 7) fleet.loads[i].aside.set(fleet.now + 1s);
  }
  auto shares = fleet.fill(*policy, 4'000);
  for (std::size_t i = 7; i < 200; i += 50) EXPECT_NEAR(shares[i], 1'000, 1);
  fleet.now += 2s;
  shares = fleet.fill(*policy, 2'000);
  for (std::size_t i = 0; i < 200; ++i) EXPECT_NEAR(shares[i], 10, 1) << i;
}

// The one after a dead server must not get the dead one's part beside its own.
TEST(RoundRobin, WhatAFailedServerLeavesIsSharedByAll) {
  Fleet fleet = Fleet::of(5);
  const auto policy = fleet.make(Kind::round_robin);
  const std::uint32_t dead[] = {1};
  for (int i = 0; i < 4'000; ++i) {
    auto chosen = policy->choose(fleet.view(), {});
    if (chosen == 1U) chosen = policy->choose(fleet.view(), {.now = {}, .tried = dead});
    fleet.connect(*chosen);
  }
  for (const std::size_t i : {0U, 2U, 3U, 4U}) EXPECT_NEAR(fleet.count(i), 1'000, 2) << i;
}

// Checks and slow start change a pool every few choices: the first of the list must not be favoured by it.
TEST(RoundRobin, ChangesAtShortIntervalsFavourNobody) {
  Fleet fleet = Fleet::of(10);
  const auto policy = fleet.make(Kind::round_robin);
  for (int i = 0; i < 10'000; ++i) {
    if (i % 3 == 0) {
      fleet.servers[9].weight = i % 2 == 0 ? 0 : 100;
      policy->changed(fleet.view());
    }
    fleet.connect(*policy->choose(fleet.view(), {}));
  }
  for (std::size_t i = 0; i < 9; ++i) EXPECT_NEAR(fleet.count(i), 10'000 / 9.5, 10'000 / 9.5 * 0.05) << i;
  EXPECT_NEAR(fleet.count(9), 500, 60);
}

TEST(RoundRobin, GoesOnWhenTheVirtualTimeWraps) {
  Fleet fleet({1, 1});  // 2^40 for each of its turns, and the clock has 48 bits
  const auto policy = fleet.make(Kind::round_robin);
  for (int i = 0; i < 2'000; ++i) {
    if (i % 700 == 699) policy->changed(fleet.view());
    fleet.connect(*policy->choose(fleet.view(), {}));
  }
  EXPECT_NEAR(fleet.count(0), 1'000, 2);
}

}  // namespace
}  // namespace holdfast::policy
