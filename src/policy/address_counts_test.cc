#include "policy/address_counts.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <barrier>
#include <random>
#include <thread>
#include <unordered_map>
#include <vector>

namespace holdfast::policy {
namespace {

using Take = AddressCounts::Take;

std::vector<std::uint64_t> random_keys(std::size_t count, std::uint64_t seed) {
  std::mt19937_64 random(seed);
  std::vector<std::uint64_t> keys(count);
  std::ranges::generate(keys, std::ref(random));
  return keys;
}

// Keys with the same window of lines, however large the table: their upper bits are equal.
std::uint64_t neighbour(std::uint64_t i) { return std::uint64_t{0x123456} << 40 | i; }

TEST(AddressCounts, CountsUpToTheLimitAndBack) {
  AddressCounts counts(100);
  EXPECT_EQ(counts.take(7, 2), Take::taken);
  EXPECT_EQ(counts.take(7, 2), Take::taken);
  EXPECT_EQ(counts.take(7, 2), Take::at_limit);
  EXPECT_EQ(counts.count(7), 2U);
  EXPECT_EQ(counts.take(8, 2), Take::taken) << "another address";
  counts.release(7);
  EXPECT_EQ(counts.take(7, 2), Take::taken);
  EXPECT_EQ(counts.take(7, 1), Take::at_limit) << "a limit that came down later";
  for (const std::uint64_t key : {7U, 7U, 8U}) counts.release(key);
  EXPECT_EQ(counts.count(7), 0U);
  EXPECT_TRUE(counts.empty());
}

TEST(AddressCounts, ALimitOfNoneTakesNobody) {
  AddressCounts counts(100);
  EXPECT_EQ(counts.take(7, 0), Take::at_limit);
  EXPECT_TRUE(counts.empty());
}

TEST(AddressCounts, DoesNotCountWhoHasNoAddress) {
  AddressCounts counts(1);
  for (int i = 0; i < 1000; ++i) ASSERT_EQ(counts.take(kNoAddress, 1), Take::taken);
  EXPECT_TRUE(counts.empty());
  counts.release(kNoAddress);
}

TEST(AddressCountsDeathTest, AReleaseWithoutATakeEndsTheProcess) {
  AddressCounts counts(100);
  EXPECT_DEATH(counts.release(7), "");
}

TEST(AddressCounts, SaysSoWhenThereIsNoRoomAndGoesOnCountingTheOthers) {
  AddressCounts counts(100'000);
  for (std::uint64_t i = 0; i < 32; ++i) ASSERT_EQ(counts.take(neighbour(i), 2), Take::taken);
  EXPECT_EQ(counts.take(neighbour(32), 2), Take::no_room);
  EXPECT_EQ(counts.take(neighbour(31), 2), Take::taken);
  EXPECT_EQ(counts.take(neighbour(31), 2), Take::at_limit);
  counts.release(neighbour(5));
  EXPECT_EQ(counts.take(neighbour(32), 2), Take::taken) << "in the place that became free";
}

TEST(AddressCounts, AHoleHidesNobody) {
  AddressCounts counts(100'000);
  for (std::uint64_t i = 0; i < 32; ++i) (void)counts.take(neighbour(i), 1);
  for (std::uint64_t i = 0; i < 31; ++i) counts.release(neighbour(i));
  EXPECT_EQ(counts.take(neighbour(31), 1), Take::at_limit) << "in the last word, behind 31 holes";
  counts.release(neighbour(31));
  EXPECT_TRUE(counts.empty());
}

TEST(AddressCounts, HasRoomForAsManyAsWereAskedFor) {
  for (const std::size_t size : {1U, 10U, 1'000U, 100'000U}) {
    AddressCounts counts(size);
    std::size_t without_room = 0;
    for (const std::uint64_t key : random_keys(size, size)) without_room += counts.take(key, 1) == Take::no_room;
    EXPECT_LE(without_room, size / 1000) << size;
    EXPECT_LE(counts.memory_bytes(), 16 * size + 256);
  }
}

TEST(AddressCounts, AgreesWithAMap) {
  AddressCounts counts(5'000);
  std::unordered_map<std::uint64_t, std::uint32_t> expected;
  std::vector<std::uint64_t> held;
  const auto keys = random_keys(2'000, 1);
  std::mt19937_64 random(2);
  for (int i = 0; i < 200'000; ++i) {
    if (random() % 2 == 0 || held.empty()) {
      const std::uint64_t key = keys[random() % keys.size()];
      const bool is_below = expected[key] < 5;
      ASSERT_EQ(counts.take(key, 5), is_below ? Take::taken : Take::at_limit);
      if (!is_below) continue;
      ++expected[key];
      held.push_back(key);
    } else {
      std::swap(held[random() % held.size()], held.back());
      counts.release(held.back());
      --expected[held.back()];
      held.pop_back();
    }
  }
  for (const auto& [key, count] : expected) ASSERT_EQ(counts.count(key), count);
  for (const std::uint64_t key : held) counts.release(key);
  EXPECT_TRUE(counts.empty());
}

// What several threads do to few addresses. Beside the table a plain counter of each address is raised after a take and
// lowered before a release, so it is never above what the table holds.
class Crowd {
 public:
  Crowd(std::uint64_t keys, std::uint32_t limit) : keys_(keys), limit_(limit) {}

  void run(int threads, int rounds) {
    std::barrier start(threads);
    std::vector<std::jthread> crowd;
    for (int t = 0; t < threads; ++t) {
      crowd.emplace_back([this, &start, t, rounds] {
        start.arrive_and_wait();
        visit(static_cast<std::uint64_t>(t), rounds);
      });
    }
  }

  AddressCounts counts{100'000};
  std::atomic<std::uint32_t> over_limit = 0;
  std::atomic<std::uint32_t> without_room = 0;
  std::atomic<std::uint32_t> taken = 0;

 private:
  void visit(std::uint64_t seed, int rounds) {
    std::mt19937_64 random(seed);
    std::vector<std::uint64_t> held;
    for (int i = 0; i < rounds; ++i) {
      const std::uint64_t key = random() % keys_;
      const Take result = counts.take(neighbour(key), limit_);
      if (result == Take::no_room) ++without_room;
      if (result == Take::taken) {
        ++taken;
        held.push_back(key);
        if (++live_[key] > limit_) ++over_limit;
      }
      if (held.size() > random() % 4) leave(held);
    }
    while (!held.empty()) leave(held);
  }
  void leave(std::vector<std::uint64_t>& held) {
    --live_[held.back()];
    counts.release(neighbour(held.back()));
    held.pop_back();
  }

  std::uint64_t keys_;
  std::uint32_t limit_;
  std::array<std::atomic<std::uint32_t>, 32> live_{};
};

TEST(AddressCounts, ManyThreadsNeverPassTheLimitAndLeaveNothingBehind) {
  struct Case {
    std::uint64_t keys;
    std::uint32_t limit;
  };
  // One key with a limit of 1 makes and removes its word all the time; 24 keys leave holes of all shapes.
  for (const Case& c : {Case{1, 1}, Case{1, 3}, Case{2, 1}, Case{24, 2}, Case{24, 100}}) {
    SCOPED_TRACE(testing::Message() << c.keys << " keys, limit " << c.limit);
    Crowd crowd(c.keys, c.limit);
    crowd.run(6, 20'000);
    EXPECT_EQ(crowd.over_limit, 0U);
    EXPECT_EQ(crowd.without_room, 0U);
    EXPECT_GT(crowd.taken, 0U);
    EXPECT_TRUE(crowd.counts.empty());
  }
}

TEST(AddressCounts, ThreadsThatMeetAtANewAddressMakeOneCount) {
  constexpr int kThreads = 4;
  constexpr int kRounds = 3'000;
  AddressCounts counts(1'000);
  std::barrier meet(kThreads);
  std::atomic<int> taken = 0;
  std::atomic<int> wrong = 0;
  {
    std::vector<std::jthread> threads;
    for (int t = 0; t < kThreads; ++t) {
      threads.emplace_back([&] {
        for (int round = 0; round < kRounds; ++round) {
          meet.arrive_and_wait();
          const bool is_in = counts.take(neighbour(1), 2) == Take::taken;
          if (is_in) ++taken;
          meet.arrive_and_wait();
          if (counts.count(neighbour(1)) != 2) ++wrong;
          meet.arrive_and_wait();
          if (is_in) counts.release(neighbour(1));
        }
      });
    }
  }
  EXPECT_EQ(taken, 2 * kRounds);
  EXPECT_EQ(wrong, 0);
  EXPECT_TRUE(counts.empty());
}

}  // namespace
}  // namespace holdfast::policy
