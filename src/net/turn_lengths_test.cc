#include "net/turn_lengths.h"

#include <gtest/gtest.h>

namespace holdfast::net {
namespace {

using namespace std::chrono_literals;

constexpr base::Time kBegin{std::chrono::hours(1)};

TEST(TurnLengths, TheLongestIsRememberedForAWindowAtLeastAndTwoAtMost) {
  TurnLengths lengths;
  EXPECT_EQ(lengths.longest_seconds(kBegin), 0);
  lengths.record(kBegin, kBegin + 30ms);
  lengths.record(kBegin + 1s, kBegin + 1s + 2ms);
  EXPECT_DOUBLE_EQ(lengths.longest_seconds(kBegin + 2s), 0.03);
  lengths.record(kBegin + 11s, kBegin + 11s + 5ms);
  EXPECT_DOUBLE_EQ(lengths.longest_seconds(kBegin + 12s), 0.03);
  lengths.record(kBegin + 21s, kBegin + 21s + 1ms);
  EXPECT_DOUBLE_EQ(lengths.longest_seconds(kBegin + 22s), 0.005);
  EXPECT_DOUBLE_EQ(lengths.longest_seconds(kBegin + 35s), 0.001) << "a loop that rests is asked as well";
  EXPECT_EQ(lengths.longest_seconds(kBegin + 60s), 0);
  lengths.record(kBegin + 90s, kBegin + 90s + 4ms);
  EXPECT_DOUBLE_EQ(lengths.longest_seconds(kBegin + 90s), 0.004) << "what was before the rest is forgotten";
}

TEST(TurnLengths, EachTurnIsInTheBucketOfItsLength) {
  TurnLengths lengths;
  lengths.record(kBegin, kBegin + 5us);
  lengths.record(kBegin, kBegin + 100us);
  lengths.record(kBegin, kBegin + 101us);
  lengths.record(kBegin, kBegin + 2s);
  EXPECT_EQ(lengths.bucket(0), 1U);
  EXPECT_EQ(lengths.bucket(1), 1U);
  EXPECT_EQ(lengths.bucket(2), 1U);
  EXPECT_EQ(lengths.bucket(TurnLengths::kBoundsSeconds.size()), 1U);
  EXPECT_NEAR(lengths.sum_seconds(), 2.000206, 1e-9);
}

}  // namespace
}  // namespace holdfast::net
