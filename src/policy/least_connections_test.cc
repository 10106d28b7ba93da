#include "policy/least_connections.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>

#include "policy/fleet_test.h"

namespace holdfast::policy {
namespace {

std::uint32_t choose(Fleet& fleet, Policy& policy) { return *policy.choose(fleet.view(), {.now = fleet.now}); }

TEST(LeastConnections, AnEmptyServerGetsTheNext) {
  Fleet fleet = Fleet::of(3);
  fleet.loads[0].connections = 5;
  fleet.loads[2].connections = 7;
  EXPECT_EQ(choose(fleet, *fleet.make(Kind::least_connections)), 1U);
}

TEST(LeastConnections, EqualsTakeTurns) {
  Fleet fleet = Fleet::of(3);
  const auto policy = fleet.make(Kind::least_connections);
  std::string order;
  for (int i = 0; i < 6; ++i) order += static_cast<char>('a' + choose(fleet, *policy));
  EXPECT_EQ(order, "abcabc");
}

TEST(LeastConnections, IsExactUpToTwoHundredAndFiftySix) {
  Fleet fleet = Fleet::of(256);
  for (std::size_t i = 0; i < 256; ++i) fleet.loads[i].connections = static_cast<std::uint32_t>(300 + i * 7 % 256);
  const auto policy = fleet.make(Kind::least_connections);
  std::vector<std::uint32_t> counts(256);
  for (int i = 0; i < 20'000; ++i) {
    for (std::size_t s = 0; s < 256; ++s) counts[s] = fleet.count(s);
    const std::uint32_t chosen = choose(fleet, *policy);
    ASSERT_EQ(fleet.count(chosen), *std::ranges::min_element(counts));
    fleet.connect(chosen);
  }
}

TEST(LeastConnections, BeyondThatASampleKeepsTheSpreadSmall) {
  std::vector<std::uint32_t> weights(1'000, 100);
  weights[17] = 1'000;
  Fleet fleet(weights);
  (void)fleet.fill(*fleet.make(Kind::least_connections), 200'000);
  const double fair = 200'000.0 / (999 * 100 + 1'000);
  for (std::size_t i = 0; i < weights.size(); ++i) {
    ASSERT_NEAR(fleet.count(i), fair * weights[i], fair * weights[i] * 0.03) << i;
  }
}

TEST(LeastConnections, BeyondThatAnEmptyServerCatchesUp) {
  Fleet fleet = Fleet::of(1'000);
  for (std::size_t i = 1; i < 1'000; ++i) fleet.loads[i].connections = 100;
  const double got = fleet.fill(*fleet.make(Kind::least_connections), 2'000)[0];
  EXPECT_NEAR(got, 100, 10) << "in one sample of sixteen until it is level";
}

}  // namespace
}  // namespace holdfast::policy
