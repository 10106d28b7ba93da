#include "policy/address_rates.h"

#include <gtest/gtest.h>

#include <atomic>
#include <random>
#include <thread>
#include <vector>

namespace holdfast::policy {
namespace {

using namespace std::chrono_literals;
using Take = AddressRates::Take;

constexpr base::Time kBegin{std::chrono::hours(1000)};

std::uint64_t neighbour(std::uint64_t i) { return std::uint64_t{0x123456} << 40 | i; }

int taken_of(AddressRates& rates, AddressPace pace, base::Time now, int tries, std::uint64_t key = 7) {
  int taken = 0;
  for (int i = 0; i < tries; ++i) taken += rates.take(key, pace, now) == Take::taken;
  return taken;
}

TEST(AddressPace, IsWhatTheRateSays) {
  struct Case {
    double per_second;
    std::uint32_t burst, ticks_each, ticks_burst;
  };
  const Case cases[] = {
      {1, 1, 10'000, 10'000},
      {1, 0, 10'000, 10'000},
      {10, 20, 1'000, 20'000},
      {1000, 5, 10, 50},
      {0.5, 3, 20'000, 60'000},
      {10'000, 1, 1, 1},
      {1e9, 7, 1, 7},
      {1e-9, 7, 864'000'000, 864'000'000},
      {1, 1'000'000, 10'000, 864'000'000},
  };
  for (const Case& c : cases) {
    const AddressPace pace = AddressPace::of({c.per_second}, c.burst);
    EXPECT_EQ(pace.ticks_each, c.ticks_each) << c.per_second;
    EXPECT_EQ(pace.ticks_burst, c.ticks_burst) << c.per_second;
  }
}

TEST(AddressRates, TakesABurstAndThenKeepsTheRate) {
  AddressRates rates(100);
  const AddressPace pace = AddressPace::of({10}, 5);
  EXPECT_EQ(taken_of(rates, pace, kBegin, 20), 5);
  EXPECT_EQ(taken_of(rates, pace, kBegin + 99ms, 1), 0);
  EXPECT_EQ(taken_of(rates, pace, kBegin + 100ms, 5), 1);
  EXPECT_EQ(taken_of(rates, pace, kBegin + 350ms, 5), 2);
  EXPECT_EQ(taken_of(rates, pace, kBegin + 10s, 20), 5) << "the burst is full again";
  EXPECT_EQ(taken_of(rates, pace, kBegin + 10s, 20, 8), 5) << "another address";
}

TEST(AddressRates, TellBeforehandWhatTheyWouldTake) {
  AddressRates rates(100);
  const AddressPace pace = AddressPace::of({10}, 2);
  EXPECT_TRUE(rates.would_take(7, pace, kBegin)) << "an address that was never seen";
  EXPECT_EQ(taken_of(rates, pace, kBegin, 1), 1);
  for (int i = 0; i < 5; ++i) EXPECT_TRUE(rates.would_take(7, pace, kBegin)) << "asking takes nothing";
  EXPECT_EQ(taken_of(rates, pace, kBegin, 1), 1);
  EXPECT_FALSE(rates.would_take(7, pace, kBegin));
  EXPECT_TRUE(rates.would_take(8, pace, kBegin)) << "another address";
  EXPECT_TRUE(rates.would_take(kNoAddress, pace, kBegin));
  EXPECT_FALSE(rates.would_take(7, pace, kBegin + 99ms));
  EXPECT_TRUE(rates.would_take(7, pace, kBegin + 100ms));
}

TEST(AddressRates, RefusalsCostNothing) {
  AddressRates rates(100);
  const AddressPace pace = AddressPace::of({10}, 1);
  int taken = 0;
  for (auto now = 0ms; now < 10s; now += 1ms) taken += taken_of(rates, pace, kBegin + now, 1);
  EXPECT_EQ(taken, 100);
}

TEST(AddressRates, KeepTheRateOverALongTimeWhateverTheArrivals) {
  for (const double per_second : {0.2, 1.0, 30.0, 300.0}) {
    AddressRates rates(100);
    const AddressPace pace = AddressPace::of({per_second}, 4);
    std::mt19937_64 random(3);
    int taken = 0;
    auto now = 0us;
    while (now < 1000s) {
      taken += taken_of(rates, pace, kBegin + now, 1);
      now += std::chrono::microseconds(random() % static_cast<std::uint64_t>(1e6 / per_second));
    }
    EXPECT_LE(taken, 1000 * per_second * 1.015 + 4) << per_second;
    EXPECT_GE(taken, 1000 * per_second * 0.97 - 4) << per_second;
  }
}

TEST(AddressRates, AnEntryWhoseTimeHasPassedIsFree) {
  AddressRates rates(100'000);
  const AddressPace pace = AddressPace::of({1}, 1);
  for (std::uint64_t i = 0; i < 32; ++i) ASSERT_EQ(rates.take(neighbour(i), pace, kBegin), Take::taken);
  EXPECT_EQ(rates.take(neighbour(32), pace, kBegin), Take::no_room);
  EXPECT_EQ(rates.take(neighbour(31), pace, kBegin), Take::too_fast) << "who is in is still watched";
  EXPECT_EQ(rates.take(neighbour(32), pace, kBegin + 1s), Take::taken);
  EXPECT_EQ(rates.take(neighbour(32), pace, kBegin + 1s), Take::too_fast);
}

TEST(AddressRates, FollowsAChangeOfTheRate) {
  AddressRates rates(100);
  EXPECT_EQ(taken_of(rates, AddressPace::of({1}, 10), kBegin, 20), 10);
  EXPECT_EQ(taken_of(rates, AddressPace::of({1}, 2), kBegin + 8s, 20), 0);
  EXPECT_EQ(taken_of(rates, AddressPace::of({1}, 2), kBegin + 9s, 20), 1);
}

TEST(AddressRates, DoesNotWatchWhoHasNoAddress) {
  AddressRates rates(1);
  EXPECT_EQ(taken_of(rates, AddressPace::of({1}, 1), kBegin, 1000, kNoAddress), 1000);
}

TEST(AddressRates, WorksFromTheFirstInstantOnAndAcrossTheWrap) {
  const AddressPace pace = AddressPace::of({1}, 3);
  const base::Time wrap{100us * (std::int64_t{1} << 40)};
  for (const base::Time begin :
       {base::Time{}, base::Time{100us}, wrap - 25h, wrap - 2s, wrap - 100us, wrap, wrap + 1s}) {
    AddressRates rates(1);
    EXPECT_EQ(taken_of(rates, pace, begin, 10), 3);
    EXPECT_EQ(taken_of(rates, pace, begin + 2s, 10), 2);
    EXPECT_EQ(taken_of(rates, pace, begin + 1h, 10), 3);
  }
}

TEST(AddressRates, HasRoomForAsManyAsWereAskedFor) {
  for (const std::size_t size : {1U, 10U, 1'000U, 100'000U}) {
    AddressRates rates(size);
    std::mt19937_64 random(size);
    std::size_t without_room = 0;
    for (std::size_t i = 0; i < size; ++i)
      without_room += rates.take(random(), AddressPace::of({1}, 1), kBegin) == Take::no_room;
    EXPECT_LE(without_room, size / 1000) << size;
    EXPECT_LE(rates.memory_bytes(), 16 * size + 256);
  }
}

TEST(AddressRates, ManyThreadsLetInOneMoreEachAtMost) {
  constexpr int kThreads = 6;
  constexpr int kBurst = 1'000;
  for (int round = 0; round < 20; ++round) {
    AddressRates rates(100'000);
    const AddressPace pace = AddressPace::of({1}, kBurst);
    std::atomic<int> taken = 0;
    {
      std::vector<std::jthread> threads;
      for (int t = 0; t < kThreads; ++t) threads.emplace_back([&] { taken += taken_of(rates, pace, kBegin, kBurst); });
    }
    EXPECT_GE(taken, kBurst);
    EXPECT_LE(taken, kBurst + kThreads - 1);
  }
}

}  // namespace
}  // namespace holdfast::policy
