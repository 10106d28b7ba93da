#include "discovery/shrink_guard.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>

namespace holdfast::discovery {
namespace {

config::Server server(const std::string& name, const std::string& host = "10.0.0.1", std::uint32_t weight = 100) {
  return {name, {base::Endpoint::Kind::ipv4, host, 1883}, weight, 0, {}, false};
}

// s0 to s(count - 1).
Servers servers(int count, int first = 0) {
  Servers all;
  for (int i = first; i < first + count; ++i) all.push_back(server("s" + std::to_string(i)));
  return all;
}

std::size_t distinct_names(const Servers& all) {
  std::set<std::string> names;
  for (const config::Server& each : all) names.insert(each.name);
  return names.size();
}

TEST(ShrinkGuard, BelievesAListThatKeepsHalf) {
  ShrinkGuard guard(Shrink::step_by_step);
  EXPECT_EQ(guard.aim({}, servers(4)), servers(4));
  EXPECT_EQ(guard.aim(servers(4), servers(2)), servers(2));
  EXPECT_EQ(guard.aim(servers(4), servers(8)), servers(8));
  EXPECT_EQ(guard.kept(), 0U);
}

TEST(ShrinkGuard, BelievesAnythingWhenItIsToldTo) {
  ShrinkGuard guard(Shrink::at_once);
  EXPECT_EQ(guard.aim(servers(100), servers(1)), servers(1));
  EXPECT_EQ(guard.kept(), 0U);
}

TEST(ShrinkGuard, RemovesAtMostAQuarterAStep) {
  ShrinkGuard guard(Shrink::step_by_step);
  EXPECT_EQ(guard.aim(servers(100), servers(10)).size(), 100U) << "nothing goes at once";
  EXPECT_EQ(guard.kept(), 90U);
  std::vector<std::size_t> sizes;
  Servers in_use;
  while (guard.kept() > 0) {
    in_use = guard.step();
    sizes.push_back(in_use.size());
  }
  EXPECT_EQ(sizes, (std::vector<std::size_t>{75, 57, 43, 33, 25, 19, 15, 12, 10}));
  EXPECT_EQ(in_use, servers(10));
}

TEST(ShrinkGuard, RemovesAtLeastOneAStep) {
  ShrinkGuard guard(Shrink::step_by_step);
  EXPECT_EQ(guard.aim(servers(3), servers(1)).size(), 3U);
  EXPECT_EQ(guard.step().size(), 2U);
  EXPECT_EQ(guard.step(), servers(1));
  EXPECT_EQ(guard.kept(), 0U);
}

TEST(ShrinkGuard, AddsAndChangesAtOnce) {
  ShrinkGuard guard(Shrink::step_by_step);
  Servers target = {server("s0", "10.0.0.1", 7), server("new")};
  const Servers in_use = guard.aim(servers(4), target);
  EXPECT_EQ(in_use, (Servers{server("s0", "10.0.0.1", 7), server("new"), server("s1"), server("s2"), server("s3")}));
}

TEST(ShrinkGuard, AServerThatMovedWaitsForTheOneOfItsName) {
  ShrinkGuard guard(Shrink::step_by_step);
  Servers target;
  for (const config::Server& each : servers(8)) target.push_back(server(each.name, "10.9.9.9"));
  Servers in_use = guard.aim(servers(8), target);
  EXPECT_EQ(in_use, servers(8));
  for (int step = 1; step <= 4; ++step) {
    in_use = guard.step();
    EXPECT_EQ(in_use.size(), 8U);
    EXPECT_EQ(distinct_names(in_use), 8U);
    EXPECT_EQ(std::ranges::count(in_use, "10.9.9.9", [](const config::Server& each) { return each.address.host; }),
              2 * step);
  }
  EXPECT_EQ(in_use, target);
}

TEST(ShrinkGuard, FollowsTheSourceMeanwhile) {
  ShrinkGuard guard(Shrink::step_by_step);
  Servers in_use = guard.aim(servers(16), servers(1));
  in_use = guard.step();
  ASSERT_EQ(in_use.size(), 12U);
  in_use = guard.aim(in_use, servers(10));
  EXPECT_EQ(guard.kept(), 6U) << "s10 to s15: one of them is new to nobody, and none goes faster for it";
  EXPECT_EQ(in_use.size(), 16U) << "and what is back is back at once";
  in_use = guard.aim(in_use, servers(16));
  EXPECT_EQ(guard.kept(), 0U) << "all as it was";
  EXPECT_EQ(in_use, servers(16));
}

TEST(ShrinkGuard, NeverUsesMoreThanAListMayHave) {
  ShrinkGuard guard(Shrink::step_by_step);
  const int most = static_cast<int>(kServersMax);
  const Servers in_use = guard.aim(servers(most), servers(most - 10, most));
  EXPECT_EQ(in_use.size(), kServersMax);
  EXPECT_EQ(guard.kept(), 10U);
}

}  // namespace
}  // namespace holdfast::discovery
