// What the simulated day shows, on a small one: these are the promises that the choice of a policy is made by.
#include "day.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace holdfast::day {
namespace {

using namespace std::chrono_literals;
using policy::Kind;
constexpr Settings kSmall{.servers = 10, .clients = 10'000, .seed = 3};

Outcome simulate_small(const Plan& plan) { return simulate(plan, kSmall); }
bool all_settled(const Outcome& day) {
  return std::ranges::all_of(day.settled, [](const auto& settled) { return settled.has_value(); });
}

TEST(Day, IsTheSameEachTime) {
  const Plan plan{.name = "two", .kind = Kind::random_two, .slow_start = 30s};
  const Outcome one = simulate_small(plan);
  const Outcome two = simulate_small(plan);
  EXPECT_EQ(one.connects, two.connects);
  EXPECT_EQ(one.flood, two.flood);
  EXPECT_EQ(one.spread_average, two.spread_average);
}

TEST(Day, SlowStartBoundsTheFloodOnAServerThatReturns) {
  const Outcome without = simulate_small({.name = "without", .kind = Kind::least_connections});
  const Outcome weight_only = simulate_small(
      {.name = "weight", .kind = Kind::least_connections, .slow_start = 30s, .ramp = Plan::Ramp::weight_only});
  const Outcome with = simulate_small({.name = "with", .kind = Kind::least_connections, .slow_start = 30s});
  EXPECT_GT(without.returned_share, 0.9) << "an empty server is sent everything";
  EXPECT_GT(weight_only.returned_share, 2 * with.returned_share)
      << "a twentieth of the weight allows a twentieth at once";
  EXPECT_LT(with.returned_share, 0.12);
  EXPECT_LT(with.flood_returned * 4, without.flood_returned);
}

TEST(Day, AnAcceptRateBoundsTheFloodAtAnyTimeAndNobodyWaits) {
  const Outcome day = simulate_small({.name = "rate",
                                      .kind = Kind::least_connections,
                                      .slow_start = 30s,
                                      .accepts_per_second_max = kSmall.clients / 200.0});
  EXPECT_LE(day.flood, kSmall.clients / 200 + 50) << "the rate and its burst";
  EXPECT_EQ(day.nobody, 0U);
  EXPECT_TRUE(all_settled(day));
}

TEST(Day, LeastConnectionsBecomesEvenAfterEveryEvent) {
  const Outcome day = simulate_small({.name = "least", .kind = Kind::least_connections, .slow_start = 30s});
  EXPECT_TRUE(all_settled(day));
  EXPECT_LT(day.spread_average, 1.05);
  EXPECT_EQ(day.nobody, 0U);
}

TEST(Day, RoundRobinDoesNotForItKnowsNoConnections) {
  const Outcome day = simulate_small({.name = "turns", .kind = Kind::round_robin, .slow_start = 30s});
  EXPECT_FALSE(day.settled[static_cast<std::size_t>(Mark::restart)]);
  EXPECT_GT(day.spread_average, 1.2);
}

TEST(Day, RandomTwoIsNearlyAsEvenAndFloodsLittle) {
  const Outcome two = simulate_small({.name = "two", .kind = Kind::random_two, .slow_start = 30s});
  const Outcome least = simulate_small({.name = "least", .kind = Kind::least_connections, .slow_start = 30s});
  EXPECT_LT(two.spread_average, 1.12);
  EXPECT_LT(two.flood * 2, least.flood);
}

TEST(Day, TheBoundOfHashHolds) {
  const Outcome day = simulate_small({.name = "hash", .kind = Kind::hash, .slow_start = 30s, .load_bound = 1.25});
  EXPECT_EQ(day.over_bound, 0U);
  const Outcome without = simulate_small({.name = "hash", .kind = Kind::hash, .slow_start = 30s});
  EXPECT_LT(day.spread_average, without.spread_average);
}

}  // namespace
}  // namespace holdfast::day
