#include "load/histogram.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <random>
#include <vector>

namespace holdfast::load {
namespace {

using Value = Histogram::Value;
using std::chrono::hours;

// The definition that percentile() approximates.
std::int64_t exact_percentile(const std::vector<std::int64_t>& sorted, double part) {
  const auto rank = static_cast<std::size_t>(std::ceil(part * static_cast<double>(sorted.size())));
  return sorted[std::clamp<std::size_t>(rank, 1, sorted.size()) - 1];
}

TEST(Histogram, IsZeroWhileEmpty) {
  const Histogram histogram;
  EXPECT_EQ(histogram.count(), 0U);
  EXPECT_EQ(histogram.percentile(0.5), Value(0));
  EXPECT_EQ(histogram.min(), Value(0));
  EXPECT_EQ(histogram.max(), Value(0));
  EXPECT_EQ(histogram.mean(), Value(0));
}

TEST(Histogram, TellsOneSampleAsItWas) {
  for (const std::int64_t sample : {0L, 1L, 255L, 256L, 257L, 511L, 1'000'003L, (1L << 42) - 1, 1L << 42, 1L << 60}) {
    SCOPED_TRACE(sample);
    Histogram histogram;
    histogram.record(Value(sample));
    for (const double part : {0.0, 0.5, 1.0}) EXPECT_EQ(histogram.percentile(part), Value(sample));
    EXPECT_EQ(histogram.min(), Value(sample));
    EXPECT_EQ(histogram.max(), Value(sample));
    EXPECT_EQ(histogram.mean(), Value(sample));
  }
}

TEST(Histogram, CountsWhatLiesBelowZeroAsZero) {
  Histogram histogram;
  histogram.record(Value(-5));
  EXPECT_EQ(histogram.max(), Value(0));
  EXPECT_EQ(histogram.count(), 1U);
}

TEST(Histogram, KeepsEveryValueWithinItsStatedError) {
  for (std::int64_t value = 1; value < 4L * std::chrono::nanoseconds(hours{1}).count() / 5; value += 1 + value / 1000) {
    Histogram histogram;
    histogram.record(Value(value));
    histogram.record(Value(value));
    histogram.record(Value(1L << 42));  // so that the clamp to the largest sample does not help
    histogram.record(Value(0));
    const auto told = histogram.percentile(0.5).count();
    ASSERT_LE(std::abs(told - value), value * 4 / 1000) << value;
  }
}

TEST(Histogram, MatchesASortedVector) {
  std::mt19937_64 random(3);
  for (const double spread : {0.1, 1.0, 3.0}) {
    std::lognormal_distribution<double> latency(11.0, spread);  // the middle is 60 us
    Histogram histogram;
    std::vector<std::int64_t> samples(20'000);
    for (std::int64_t& sample : samples) {
      sample = std::min(static_cast<std::int64_t>(latency(random)), 1L << 41);
      histogram.record(Value(sample));
    }
    std::ranges::sort(samples);
    for (const double part : {0.0, 0.001, 0.1, 0.5, 0.9, 0.99, 0.999, 0.9999, 1.0}) {
      SCOPED_TRACE(testing::Message() << "spread " << spread << " part " << part);
      const auto exact = static_cast<double>(exact_percentile(samples, part));
      EXPECT_NEAR(static_cast<double>(histogram.percentile(part).count()), exact, exact * 0.004 + 1);
    }
    EXPECT_EQ(histogram.min().count(), samples.front());
    EXPECT_EQ(histogram.max().count(), samples.back());
  }
}

TEST(Histogram, MergedIsTheSameAsRecordedInOne) {
  std::mt19937_64 random(4);
  Histogram one;
  std::vector<Histogram> parts(3);
  for (int i = 0; i < 10'000; ++i) {
    const Value sample(static_cast<std::int64_t>(random() >> (random() % 50 + 14)));
    one.record(sample);
    parts[random() % parts.size()].record(sample);
  }
  Histogram merged;
  for (const Histogram& part : parts) merged.merge(part);
  merged.merge(Histogram());
  EXPECT_EQ(merged.count(), one.count());
  EXPECT_EQ(merged.min(), one.min());
  EXPECT_EQ(merged.max(), one.max());
  EXPECT_EQ(merged.mean(), one.mean());
  for (double part = 0; part <= 1; part += 0.01) EXPECT_EQ(merged.percentile(part), one.percentile(part));
}

}  // namespace
}  // namespace holdfast::load
