#include "broker/core/ring.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <deque>
#include <memory>

#include "base/random.h"

namespace holdfast::broker {
namespace {

void expect_same(const Ring<std::unique_ptr<std::uint32_t>>& ring, const std::deque<std::uint32_t>& want) {
  ASSERT_EQ(ring.size(), want.size());
  for (std::uint32_t i = 0; i < ring.size(); ++i) EXPECT_EQ(*ring[i], want[i]);
}

TEST(Ring, IsALineWhateverIsDoneToIt) {
  base::Random random(1);
  Ring<std::unique_ptr<std::uint32_t>> ring;
  std::deque<std::uint32_t> want;
  for (std::uint32_t step = 0; step < 20'000; ++step) {
    const std::uint32_t grows = step / 1000 % 2 == 0 ? 6 : 2;  // long and short by turns
    const std::uint32_t what = random.below(8);
    if (want.empty() || what < grows) {
      ring.push_back(std::make_unique<std::uint32_t>(step));
      want.push_back(step);
    } else if (what == 7) {
      const std::uint32_t third = random.below(3);
      std::deque<std::uint32_t> taken;
      ring.take_if([&](const auto& each) { return *each % 3 == third; }, [&](auto each) { taken.push_back(*each); });
      for (const std::uint32_t each : taken) EXPECT_EQ(each % 3, third);
      EXPECT_TRUE(std::ranges::is_sorted(taken));
      std::erase_if(want, [&](std::uint32_t each) { return each % 3 == third; });
    } else {
      const std::uint32_t index = random.below(2) == 0 ? 0 : random.below(ring.size());
      EXPECT_EQ(*ring.take(index), want[index]);
      want.erase(want.begin() + index);
    }
    if (step % 16 == 0) expect_same(ring, want);
  }
}

TEST(Ring, GivesBackWhatItDoesNotNeed) {
  Ring<std::uint64_t> ring;
  EXPECT_EQ(ring.memory_bytes(), 0U);
  ring.push_back(1);
  EXPECT_EQ(ring.memory_bytes(), 4 * sizeof(std::uint64_t));
  for (std::uint64_t i = 0; i < 1000; ++i) ring.push_back(i);
  EXPECT_EQ(ring.memory_bytes(), 1024 * sizeof(std::uint64_t));
  while (ring.size() > 100) ring.pop_front();
  EXPECT_LE(ring.memory_bytes(), 400 * sizeof(std::uint64_t));
  while (!ring.empty()) ring.pop_front();
  EXPECT_EQ(ring.memory_bytes(), 0U);
}

TEST(RingDeathTest, ThereIsNothingBeyondItsEnd) {
  Ring<int> ring;
  EXPECT_DEATH((void)ring.front(), "");
  ring.push_back(1);
  EXPECT_DEATH((void)ring[1], "");
}

}  // namespace
}  // namespace holdfast::broker
