#include "health/probe_histogram.h"

#include <gtest/gtest.h>

#include <numeric>

namespace holdfast::health {
namespace {

using std::chrono::microseconds;

TEST(ProbeHistogram, ABoundBelongsToItsOwnBucket) {
  struct Case {
    microseconds took;
    std::size_t bucket;
  };
  const Case cases[] = {
      {microseconds{0}, 0},          {microseconds{500}, 0},        {microseconds{501}, 1},
      {microseconds{1'000'000}, 10}, {microseconds{5'000'000}, 11}, {microseconds{5'000'001}, 12},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.took.count());
    ProbeHistogram histogram;
    histogram.record(c.took);
    EXPECT_EQ(histogram.buckets.at(c.bucket), 1U);
  }
}

TEST(ProbeHistogram, CountsAndSumsAll) {
  ProbeHistogram histogram;
  for (const int milliseconds : {1, 20, 300, 4000}) histogram.record(std::chrono::milliseconds{milliseconds});
  EXPECT_EQ(std::accumulate(histogram.buckets.begin(), histogram.buckets.end(), std::uint64_t{0}), 4U);
  EXPECT_DOUBLE_EQ(histogram.seconds_sum, 4.321);
}

}  // namespace
}  // namespace holdfast::health
