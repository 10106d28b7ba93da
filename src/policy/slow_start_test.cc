#include "policy/slow_start.h"

#include <gtest/gtest.h>

#include <random>
#include <vector>

namespace holdfast::policy {
namespace {

using namespace std::chrono_literals;

TEST(Ramp, ClimbsFromATwentiethToTheWhole) {
  struct Case {
    base::Duration elapsed;
    std::uint32_t step;
  };
  const Case cases[] = {
      {-1s, 1}, {0s, 1}, {999ms, 1}, {1s, 2}, {9500ms, 10}, {18s, 19}, {18999ms, 19}, {19s, 20}, {100h, 20},
  };
  for (const Case& c : cases) {
    const Ramp ramp = ramp_at(c.elapsed, 19s);
    EXPECT_EQ(ramp.step, c.step);
    EXPECT_EQ(ramp.is_done(), c.step == 20);
    EXPECT_DOUBLE_EQ(ramp.fraction(), c.step * 0.05);
  }
}

TEST(Ramp, IsNoneWithoutATime) {
  EXPECT_TRUE(ramp_at(0s, 0s).is_done());
  EXPECT_TRUE(Ramp{}.is_done());
  EXPECT_EQ(ramp_at(0s, 0s).weight(100), 100U);
}

TEST(Ramp, ScalesWeightAndRate) {
  const Ramp begin = ramp_at(0s, 30s);
  EXPECT_EQ(begin.weight(100), 5U);
  EXPECT_EQ(begin.weight(1000), 50U);
  EXPECT_EQ(begin.weight(1), 1U);
  EXPECT_EQ(begin.weight(0), 0U);
  EXPECT_DOUBLE_EQ(begin.rate({200}).per_second, 10);
  const Ramp half = ramp_at(15s, 30s);
  EXPECT_EQ(half.weight(100), 50U);
  EXPECT_EQ(half.weight(3), 1U);
  EXPECT_EQ(ramp_at(30s, 30s).weight(7), 7U);
}

TEST(Ramp, TakesAllStepsInTime) {
  std::vector<base::Duration> lengths = {19ns, 20ns, 1ms, 30s, 1h, 24h * 365};
  std::mt19937_64 random(1);
  for (int i = 0; i < 1000; ++i) lengths.emplace_back(19 + random() % 100'000'000'000);
  for (const base::Duration length : lengths) {
    for (std::uint32_t climbed = 1; climbed < Ramp::kSteps; ++climbed) {
      const base::Duration begins{(climbed * length.count() + 18) / 19};
      ASSERT_EQ(ramp_at(begins, length).step, climbed + 1) << length.count();
      ASSERT_EQ(ramp_at(begins - 1ns, length).step, climbed) << length.count() << ", too early";
    }
  }
}

TEST(ShareOf, IsThePartOfTheWhole) {
  EXPECT_EQ(share_of(0, 100), 0U);
  EXPECT_EQ(share_of(100, 100), kWholeShare);
  EXPECT_EQ(share_of(50, 100), kWholeShare / 2);
  EXPECT_EQ(share_of(1, 3), 21845U);
  EXPECT_EQ(share_of(5, 1905), 172U);
  EXPECT_EQ(share_of(0, 0), 0U);
  EXPECT_EQ(share_of(7, 0), 0U);
  EXPECT_EQ(share_of(100, 50), kWholeShare) << "more than the sum is the whole";
  EXPECT_EQ(share_of(~0U, ~0U), kWholeShare);
}

}  // namespace
}  // namespace holdfast::policy
