#include "load/rate_schedule.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

namespace holdfast::load {
namespace {

using std::chrono::nanoseconds;
using std::chrono::seconds;

TEST(RateSchedule, GivesTheIntendedTimes) {
  struct Case {
    const char* name;
    std::uint64_t per_second, first, step, index;
    nanoseconds want;
  };
  const Case cases[] = {
      {"the first goes at once", 20'000, 0, 1, 0, nanoseconds(0)},
      {"the second one interval later", 20'000, 0, 1, 1, nanoseconds(50'000)},
      {"after an hour without drift", 3, 0, 1, 3 * 3600, seconds(3600)},
      {"a rate that does not divide a second", 3, 0, 1, 2, nanoseconds(666'666'666)},
      {"the second of two threads", 1000, 1, 2, 0, nanoseconds(1'000'000)},
      {"its second message", 1000, 1, 2, 1, nanoseconds(3'000'000)},
      {"the highest rate for an hour", 1'000'000'000, 0, 1, 3'600'000'000'000, seconds(3600)},
  };
  const base::Time start{seconds(1234)};
  for (const Case& c : cases) {
    SCOPED_TRACE(c.name);
    EXPECT_EQ(RateSchedule(start, c.per_second, c.first, c.step).at(c.index) - start, c.want);
  }
}

TEST(RateSchedule, ThreadsTogetherGiveTheWholeRate) {
  constexpr std::uint64_t kThreads = 3;
  constexpr std::uint64_t kPerSecond = 7;
  std::vector<base::Time> times;
  for (std::uint64_t thread = 0; thread < kThreads; ++thread) {
    const RateSchedule share({}, kPerSecond, thread, kThreads);
    for (std::uint64_t i = 0; i < 100; ++i) times.push_back(share.at(i));
  }
  std::ranges::sort(times);
  const RateSchedule whole({}, kPerSecond, 0, 1);
  for (std::size_t i = 0; i < times.size(); ++i) ASSERT_EQ(times[i], whole.at(i)) << i;
}

}  // namespace
}  // namespace holdfast::load
