#include "admin/percentile.h"

#include <gtest/gtest.h>

#include <vector>

namespace holdfast::admin {
namespace {

TEST(Percentile, FollowsTheTable) {
  const std::vector<double> bounds = {1, 2, 4};
  struct Case {
    const char* name;
    std::vector<std::uint64_t> counts;
    double share;
    std::optional<double> want;
  };
  const Case cases[] = {
      {"nothing counted", {0, 0, 0, 0}, 0.5, std::nullopt},
      {"the middle of the first bucket", {10, 0, 0, 0}, 0.5, 0.5},
      {"all of the first bucket", {10, 0, 0, 0}, 1, 1.0},
      {"the lower end", {10, 0, 0, 0}, 0, 0.0},
      {"the end of a bucket, though the next has some", {5, 5, 0, 0}, 0.5, 1.0},
      {"within the second", {5, 5, 0, 0}, 0.75, 1.5},
      {"over an empty bucket", {5, 0, 5, 0}, 0.75, 3.0},
      {"the lower end skips empty buckets", {0, 0, 8, 0}, 0, 2.0},
      {"above the last bound is said to be there", {1, 0, 0, 9}, 0.5, 4.0},
      {"one alone", {0, 1, 0, 0}, 0.99, 1.99},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.name);
    const auto got = percentile(bounds, c.counts, c.share);
    ASSERT_EQ(got.has_value(), c.want.has_value());
    if (got) {
      EXPECT_NEAR(*got, *c.want, 1e-9);
    }
  }
}

TEST(Percentile, AHistogramOfAnotherShapeIsAProgrammingError) {
  const std::vector<double> bounds = {1, 2};
  const std::vector<std::uint64_t> counts = {1, 2};
  EXPECT_DEATH((void)percentile(bounds, counts, 0.5), "");
}

}  // namespace
}  // namespace holdfast::admin
