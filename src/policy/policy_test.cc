// What holds for every policy: who may be chosen, in which order, and that shares follow the weights.
#include "policy/policy.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <random>

#include "policy/fleet_test.h"
#include "policy/least_connections.h"

namespace holdfast::policy {
namespace {

using namespace std::chrono_literals;

class EveryPolicy : public testing::TestWithParam<Kind> {};
INSTANTIATE_TEST_SUITE_P(Kinds, EveryPolicy, testing::ValuesIn(kKinds));

// Makes a random server of a random fleet unusable in a random way, or not.
void spoil(std::mt19937_64& random, Fleet& fleet, std::size_t index) {
  Server& server = fleet.servers[index];
  switch (random() % 7) {
    case 0: server.weight = 0; break;
    case 1:
      server.max_connections = 2;
      server.load->connections = 2;
      break;
    case 2: server.load->aside.set(fleet.now + 1s); break;
    case 3:
      server.accept_rate = AcceptRate::per_second(1, 1);
      EXPECT_TRUE(server.load->accepts.try_take(fleet.now, server.accept_rate));
      break;
    case 4: server.share = static_cast<std::uint32_t>(random() % kWholeShare); break;
    default: break;
  }
}

TEST_P(EveryPolicy, EveryUsableServerComesUpOnceAndNoOther) {
  std::mt19937_64 random(5);
  for (int round = 0; round < 1'000; ++round) {
    Fleet fleet = Fleet::of(random() % 9);
    for (auto& server : fleet.servers) server.weight = static_cast<std::uint32_t>(1 + random() % 3 * 400);
    for (std::size_t i = 0; i < fleet.servers.size(); ++i) spoil(random, fleet, i);
    const auto policy = fleet.make(GetParam(), static_cast<std::uint32_t>(random() % 4));
    for (const Pass pass : {Pass::careful, Pass::any}) {
      std::vector<std::uint32_t> tried;
      Request request{.key = random(), .now = fleet.now, .tried = {}, .pass = pass};
      std::uint32_t expected = 0;
      for (std::uint32_t i = 0; i < fleet.servers.size(); ++i)
        expected += usable(fleet.servers[i], i, request) ? 1U : 0U;
      while (const auto chosen = policy->choose(fleet.view(), request)) {
        ASSERT_TRUE(usable(fleet.servers[*chosen], *chosen, request));
        tried.push_back(*chosen);
        request.tried = tried;
        ASSERT_LE(tried.size(), expected);
      }
      ASSERT_EQ(tried.size(), expected);
    }
  }
}

TEST_P(EveryPolicy, NobodyInAnEmptyPool) {
  Fleet fleet = Fleet::of(0);
  EXPECT_EQ(fleet.make(GetParam())->choose(fleet.view(), {}), std::nullopt);
}

TEST_P(EveryPolicy, OneOfManyIsFoundWhenAllOthersAreUnusable) {
  for (const std::size_t size : {10U, 300U, 5'000U}) {
    Fleet fleet = Fleet::of(size);
    const auto policy = fleet.make(GetParam());
    for (std::uint32_t i = 0; i < size; ++i) {
      if (i != size / 2) fleet.loads[i].aside.set(fleet.now + 1s);
    }
    for (std::uint64_t key = 0; key < 20; ++key) {
      ASSERT_EQ(policy->choose(fleet.view(), {.key = base::mix(key), .now = fleet.now}), size / 2);
    }
  }
}

struct Spoiling {
  const char* name;
  std::function<void(Fleet&)> spoil;
  std::function<void(Fleet&)> mend;
};
const Spoiling kSpoilings[] = {
    {"full", [](Fleet& f) { f.servers[1].max_connections = f.count(1); },
     [](Fleet& f) { f.servers[1].max_connections = 0; }},
    {"aside", [](Fleet& f) { f.loads[1].aside.set(f.now + 1s); }, [](Fleet& f) { f.now += 2s; }},
    {"rate limited",
     [](Fleet& f) {
       f.servers[1].accept_rate = AcceptRate::per_second(1, 1);
       EXPECT_TRUE(f.loads[1].accepts.try_take(f.now, f.servers[1].accept_rate));
     },
     [](Fleet& f) { f.now += 1s; }},
};

TEST_P(EveryPolicy, AnUnusableServerIsPassedOverAndReturns) {
  for (const Spoiling& each : kSpoilings) {
    SCOPED_TRACE(each.name);
    Fleet fleet = Fleet::of(4);
    const auto policy = fleet.make(GetParam());
    (void)fleet.fill(*policy, 400);
    if (GetParam() == Kind::first) fleet.servers[0].weight = 0;  // so that server 1 is the one
    fleet.connect(1);
    each.spoil(fleet);
    EXPECT_EQ(fleet.fill(*policy, 400)[1], 0);
    each.mend(fleet);
    EXPECT_GT(fleet.fill(*policy, 400)[1], 50);
  }
}

TEST_P(EveryPolicy, TheAnyPassTakesServersThatAreAside) {
  Fleet fleet = Fleet::of(3);
  const auto policy = fleet.make(GetParam());
  for (auto& load : fleet.loads) load.aside.set(fleet.now + 1s);
  EXPECT_FALSE(policy->choose(fleet.view(), {.now = fleet.now}));
  EXPECT_TRUE(policy->choose(fleet.view(), {.now = fleet.now, .tried = {}, .pass = Pass::any}));
}

TEST(Aside, HoldsAcrossTheEndOfTheTicks) {
  ServerLoad load;
  const base::Time end{base::Tick::kLength * (std::int64_t{1} << 32)};
  load.aside.set(end + 1s);
  EXPECT_TRUE(load.aside.holds(end - 1s));
  EXPECT_FALSE(load.aside.holds(end + 2s));
  EXPECT_FALSE(load.aside.holds(end - 2h)) << "half a round later a forgotten mark is not one of the future";
}

// Chance: five standard deviations of the binomial distribution; hash: of keys over the slots of its table.
double tolerance(Kind kind, double choices, double part) {
  const double exact = choices * part * 0.01 + 2;
  const bool chance = kind == Kind::random || kind == Kind::hash;
  return chance ? 5 * std::sqrt(choices * part * (1 - part)) + choices / MaglevTable::kSlots : exact;
}

TEST_P(EveryPolicy, SharesFollowTheWeights) {
  if (GetParam() == Kind::first) GTEST_SKIP() << "knows no shares";
  for (const auto& weights : {std::vector<std::uint32_t>{1, 10, 100, 1000, 500}, {1, 1, 1}, {7, 0, 3}, {1000}}) {
    Fleet fleet(weights);
    double sum = 0;
    for (const auto weight : weights) sum += weight;
    const auto shares = fleet.fill(*fleet.make(GetParam()), 100'000);
    for (std::size_t i = 0; i < weights.size(); ++i) {
      const double part = weights[i] / sum;
      EXPECT_NEAR(shares[i], 100'000 * part, tolerance(GetParam(), 100'000, part)) << "weight " << weights[i];
    }
  }
}

// An empty server among loaded ones, in slow start with a tenth of a per cent up to half of everything.
TEST(Share, BoundsWhatAnEmptyServerGets) {
  for (const std::size_t size : {10U, 1'000U}) {
    for (const std::uint32_t share : {65U, 6'554U, 32'768U}) {
      Fleet fleet = Fleet::of(size, 1000);
      for (std::uint32_t i = 1; i < size; ++i) fleet.loads[i].connections = 100'000;
      fleet.servers[0].share = share;
      const auto policy = fleet.make(Kind::least_connections);
      // In a sample it also gets no more than its weight says.
      const double part =
          std::min(share / 65'536.0, size > LeastConnections::kExactMax ? 1.0 / static_cast<double>(size) : 1);
      EXPECT_NEAR(fleet.fill(*policy, 100'000)[0], 100'000 * part, 5 * std::sqrt(100'000 * part) + 1);
    }
  }
}

TEST(Share, HoldsTheFirstBackAndIsNoReasonToRefuse) {
  for (const Kind kind : {Kind::first, Kind::least_connections}) {
    Fleet fleet = Fleet::of(3);
    fleet.servers[0].share = kWholeShare / 4;
    fleet.loads[1].connections = fleet.loads[2].connections = 1'000'000;
    const auto policy = fleet.make(kind);
    EXPECT_NEAR(fleet.fill(*policy, 10'000)[0], 2'500, 250);
    for (auto& server : fleet.servers) server.share = 0;
    EXPECT_EQ(fleet.fill(*policy, 100)[0], 100) << "nobody but gated ones: the best of them";
    const Request any{.now = fleet.now, .tried = {}, .pass = Pass::any};
    EXPECT_EQ(policy->choose(fleet.view(), any), 0U);
  }
}

}  // namespace
}  // namespace holdfast::policy
