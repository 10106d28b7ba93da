#include "policy/rate_limit.h"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>
#include <vector>

namespace holdfast::policy {
namespace {

using namespace std::chrono_literals;
constexpr base::Time kStart{1h};

TEST(RateLimit, TakesTheBurstAtOnceAndThenTheRate) {
  RateLimit limit;
  const auto rate = AcceptRate::per_second(10, 5);
  int at_once = 0;
  while (limit.try_take(kStart, rate)) ++at_once;
  EXPECT_EQ(at_once, 5);
  EXPECT_FALSE(limit.would_take(kStart, rate));
  EXPECT_EQ(limit.next(kStart, rate), kStart + 100ms);
  EXPECT_FALSE(limit.try_take(kStart + 99ms, rate));
  EXPECT_TRUE(limit.would_take(kStart + 100ms, rate));
  EXPECT_TRUE(limit.try_take(kStart + 100ms, rate));
  EXPECT_FALSE(limit.try_take(kStart + 100ms, rate));
}

TEST(RateLimit, OverTimeTheRateIsExact) {
  for (const double per_second : {0.5, 3.0, 250.0, 20'000.0}) {
    RateLimit limit;
    const auto rate = AcceptRate::per_second(per_second, 10);
    const auto step = std::chrono::nanoseconds(std::llround(0.1 / per_second * 1e9));
    int taken = 0;
    for (int i = 0; i < 100'000; ++i) taken += limit.try_take(kStart + i * step, rate) ? 1 : 0;
    EXPECT_NEAR(taken, 10'000 + 9, 10'000 * 0.011) << per_second;
  }
}

TEST(RateLimit, WithoutALimitEverythingIsTaken) {
  RateLimit limit;
  for (const double none : {0.0, -1.0, 2e6}) {
    const auto rate = AcceptRate::per_second(none, 1);
    for (int i = 0; i < 1000; ++i) EXPECT_TRUE(limit.try_take(kStart, rate));
    EXPECT_EQ(limit.next(kStart, rate), kStart);
  }
}

TEST(RateLimit, AHigherRateActsAtOnce) {
  RateLimit limit;
  const auto slow = AcceptRate::per_second(1, 1);
  EXPECT_TRUE(limit.try_take(kStart, slow));
  EXPECT_FALSE(limit.try_take(kStart + 500ms, slow));
  EXPECT_TRUE(limit.try_take(kStart + 500ms, AcceptRate{1'000, 600}));
}

TEST(RateLimit, ThreadsTogetherTakeNoMoreThanTheBurst) {
  RateLimit limit;
  const AcceptRate rate = AcceptRate::per_second(1, 1000);
  const base::Time now = base::Time(std::chrono::hours(1));
  std::atomic<int> taken{0};
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&] {
      for (int j = 0; j < 1000; ++j) taken += limit.try_take(now, rate) ? 1 : 0;
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(taken, 1000);
}

}  // namespace
}  // namespace holdfast::policy
