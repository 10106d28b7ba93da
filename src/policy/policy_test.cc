#include "policy/policy.h"

#include <gtest/gtest.h>

#include <deque>
#include <random>
#include <string>
#include <vector>

namespace holdfast::policy {
namespace {

// Servers with counts that the test keeps, as a gateway would.
class Fleet {
 public:
  explicit Fleet(std::vector<std::uint32_t> weights) {
    for (const std::uint32_t weight : weights) servers.push_back({.weight = weight, .load = &loads.emplace_back()});
  }
  void connect(std::uint32_t index) { ++loads[index].connections; }
  [[nodiscard]] View view() const { return {.servers = servers}; }
  [[nodiscard]] std::uint32_t count(std::size_t index) const { return loads[index].connections; }

  std::deque<ServerLoad> loads;
  std::vector<Server> servers;
};

std::unique_ptr<Policy> make(Kind kind, const Fleet& fleet, std::uint32_t offset = 0) {
  auto policy = make_policy(kind, offset);
  policy->changed(fleet.view());
  return policy;
}

TEST(RoundRobin, SpreadsByWeightAndSmoothly) {
  Fleet fleet({5, 1, 1});
  const auto policy = make(Kind::round_robin, fleet);
  std::string order;
  for (int i = 0; i < 7; ++i) order += static_cast<char>('a' + *policy->choose(fleet.view(), {}));
  EXPECT_EQ(order, "aabacaa");
}

TEST(RoundRobin, WorkersBeginAtDifferentServers) {
  Fleet fleet({100, 100, 100});
  EXPECT_EQ(make(Kind::round_robin, fleet, 0)->choose(fleet.view(), {}), 0U);
  EXPECT_EQ(make(Kind::round_robin, fleet, 1)->choose(fleet.view(), {}), 1U);
}

TEST(LeastConnections, FillsToTheWeights) {
  Fleet fleet({100, 200, 700});
  const auto policy = make(Kind::least_connections, fleet);
  for (int i = 0; i < 10'000; ++i) fleet.connect(*policy->choose(fleet.view(), {}));
  EXPECT_NEAR(fleet.count(0), 1000, 2);
  EXPECT_NEAR(fleet.count(1), 2000, 2);
  EXPECT_NEAR(fleet.count(2), 7000, 2);
}

TEST(LeastConnections, AnEmptyServerGetsTheNext) {
  Fleet fleet({100, 100, 100});
  fleet.loads[0].connections = 5;
  fleet.loads[2].connections = 7;
  EXPECT_EQ(make(Kind::least_connections, fleet)->choose(fleet.view(), {}), 1U);
}

TEST(LeastConnections, EqualsTakeTurns) {
  Fleet fleet({100, 100, 100});
  const auto policy = make(Kind::least_connections, fleet);
  std::string order;
  for (int i = 0; i < 6; ++i) order += static_cast<char>('a' + *policy->choose(fleet.view(), {}));
  EXPECT_EQ(order, "abcabc");
}

class EveryPolicy : public testing::TestWithParam<Kind> {};
INSTANTIATE_TEST_SUITE_P(Kinds, EveryPolicy, testing::Values(Kind::round_robin, Kind::least_connections));

TEST_P(EveryPolicy, NeverChoosesWhatWasTriedOrHasNoWeight) {
  std::mt19937_64 random(5);
  for (int round = 0; round < 2'000; ++round) {
    std::vector<std::uint32_t> weights(random() % 6);
    for (auto& weight : weights) weight = static_cast<std::uint32_t>(random() % 3 * 50);
    Fleet fleet(weights);
    const auto policy = make(GetParam(), fleet, static_cast<std::uint32_t>(random() % 4));
    std::vector<std::uint32_t> tried;
    while (const auto chosen = policy->choose(fleet.view(), {.tried = tried})) {
      ASSERT_GT(fleet.servers[*chosen].weight, 0U);
      ASSERT_FALSE(contains(tried, *chosen));
      fleet.connect(*chosen);
      tried.push_back(*chosen);
    }
    const auto usable = std::count_if(weights.begin(), weights.end(), [](auto weight) { return weight > 0; });
    ASSERT_EQ(tried.size(), static_cast<std::size_t>(usable)) << "every usable server comes up once";
  }
}

TEST_P(EveryPolicy, SharesFollowTheWeightsWithinAPercent) {
  Fleet fleet({1, 10, 100, 1000, 500});
  const auto policy = make(GetParam(), fleet);
  for (int i = 0; i < 100'000; ++i) fleet.connect(*policy->choose(fleet.view(), {}));
  for (std::size_t i = 0; i < fleet.servers.size(); ++i) {
    const double fair = 100'000.0 * fleet.servers[i].weight / 1611;
    EXPECT_NEAR(fleet.count(i), fair, fair * 0.01 + 2);
  }
}

}  // namespace
}  // namespace holdfast::policy
