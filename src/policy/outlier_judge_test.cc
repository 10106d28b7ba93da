#include "policy/outlier_judge.h"

#include <gtest/gtest.h>

#include <random>

namespace holdfast::policy {
namespace {

using namespace std::chrono_literals;
using Kind = OutlierJudge::Verdict::Kind;

constexpr base::Time kBegin{std::chrono::hours(1)};
constexpr OutlierRules kRules{3, 10s, 10s, 60s, 0.5};

OutlierJudge pool(std::uint32_t servers, OutlierRules rules = kRules) {
  OutlierJudge judge(rules);
  for (std::uint32_t id = 0; id < servers; ++id) judge.add(id);
  return judge;
}

// As many errors at once as it takes.
OutlierJudge::Verdict fail(OutlierJudge& judge, OutlierJudge::Id id, base::Time now, std::uint32_t usable_others = 9) {
  OutlierJudge::Verdict verdict;
  for (std::uint32_t i = 0; i < kRules.errors; ++i) verdict = judge.error(id, now, usable_others);
  return verdict;
}

TEST(OutlierJudge, EjectsAfterSoManyErrorsWithinTheWindow) {
  OutlierJudge judge = pool(4);
  EXPECT_EQ(judge.error(1, kBegin, 3), (OutlierJudge::Verdict{Kind::counted, 1, 0, {}, {}}));
  EXPECT_EQ(judge.error(2, kBegin, 3).errors, 1U) << "each server for itself";
  EXPECT_EQ(judge.error(1, kBegin + 5s, 3).errors, 2U);
  EXPECT_EQ(judge.error(1, kBegin + 11s, 3).errors, 2U) << "the first is too old";
  EXPECT_EQ(judge.error(1, kBegin + 15s, 3), (OutlierJudge::Verdict{Kind::ejected, 3, 1, 10s, kBegin + 25s}));
  EXPECT_TRUE(judge.is_ejected(1));
  EXPECT_FALSE(judge.is_ejected(2));
  EXPECT_EQ(judge.error(1, kBegin + 16s, 3).kind, Kind::out);
  EXPECT_EQ(judge.ejected(), 1U);
}

TEST(OutlierJudge, ReturnsItWhenItsTimeIsOver) {
  OutlierJudge judge = pool(6);
  fail(judge, 1, kBegin);
  fail(judge, 2, kBegin + 4s);
  EXPECT_TRUE(judge.tick(kBegin + 9999ms).empty());
  EXPECT_EQ(judge.tick(kBegin + 10s), std::vector<OutlierJudge::Id>{1});
  EXPECT_FALSE(judge.is_ejected(1));
  EXPECT_TRUE(judge.tick(kBegin + 13999ms).empty());
  EXPECT_EQ(judge.tick(kBegin + 60s), std::vector<OutlierJudge::Id>{2});
  EXPECT_TRUE(judge.tick(kBegin + 60s).empty());
  EXPECT_EQ(judge.error(1, kBegin + 11s, 5).errors, 1U) << "what it had before is forgotten";
}

TEST(OutlierJudge, EjectsForTwiceAsLongEachTimeUpToTheLongest) {
  OutlierJudge judge = pool(4);
  base::Time now = kBegin;
  for (const auto length : {10s, 20s, 40s, 60s, 60s, 60s}) {
    const auto verdict = fail(judge, 1, now);
    ASSERT_EQ(verdict.kind, Kind::ejected);
    EXPECT_EQ(verdict.length, length);
    now = verdict.until + 1s;
    EXPECT_EQ(judge.tick(now).size(), 1U);
  }
}

TEST(OutlierJudge, ForgetsADoublingForEachQuietTimeAsLongAsTheLast) {
  struct Case {
    base::Duration quiet;
    base::Duration next;
    std::uint32_t times;
  };
  for (const Case& c : {Case{0s, 60s, 4}, Case{39s, 60s, 4}, Case{40s, 40s, 3}, Case{80s, 20s, 2}, Case{120s, 10s, 1},
                        Case{1000h, 10s, 1}}) {
    OutlierJudge judge = pool(4);
    base::Time now = kBegin;
    for (int i = 0; i < 3; ++i) {
      now = fail(judge, 1, now).until;
      (void)judge.tick(now);
    }
    const auto verdict = fail(judge, 1, now + c.quiet);
    EXPECT_EQ(verdict.length, c.next) << std::chrono::duration_cast<std::chrono::seconds>(c.quiet).count();
    EXPECT_EQ(verdict.times, c.times);
  }
}

TEST(OutlierJudge, SparesTheRestOfThePool) {
  struct Case {
    const char* name;
    std::uint32_t servers;
    double share_max;
    std::uint32_t ejected;
  };
  const Case cases[] = {
      {"alone", 1, 1, 0},          {"one of two", 2, 0.5, 1}, {"one of two, at least", 2, 0.1, 1},
      {"half of five", 5, 0.5, 2}, {"of ten", 10, 0.3, 3},    {"never the last", 4, 1, 3},
      {"of many", 100, 0.29, 29},  {"nobody", 10, 0, 0},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.name);
    OutlierJudge judge = pool(c.servers, {3, 10s, 10s, 60s, c.share_max});
    for (std::uint32_t id = 0; id < c.servers; ++id) {
      const std::uint32_t usable_others = c.servers - 1 - judge.ejected();
      EXPECT_EQ(fail(judge, id, kBegin, usable_others).kind, id < c.ejected ? Kind::ejected : Kind::spared);
    }
    EXPECT_EQ(judge.ejected(), c.ejected);
  }
}

TEST(OutlierJudge, NeverTakesTheLastThatCanBeUsed) {
  OutlierJudge judge = pool(4);
  EXPECT_EQ(fail(judge, 1, kBegin, 0).kind, Kind::spared) << "the others are down by their probes";
  EXPECT_EQ(judge.error(1, kBegin + 1s, 1).kind, Kind::ejected) << "its next error asks again";
}

TEST(OutlierJudge, FollowsThePool) {
  OutlierJudge judge = pool(4);
  fail(judge, 1, kBegin);
  fail(judge, 2, kBegin);
  EXPECT_EQ(fail(judge, 3, kBegin).kind, Kind::spared);
  judge.remove(1);
  EXPECT_EQ(judge.ejected(), 1U);
  judge.add(1);
  EXPECT_FALSE(judge.is_ejected(1)) << "a new server with an old number";
  EXPECT_EQ(judge.error(3, kBegin, 2).kind, Kind::ejected);
}

TEST(OutlierJudge, FollowsItsRules) {
  OutlierJudge judge = pool(4);
  fail(judge, 1, kBegin);
  judge.set_rules({2, 10s, 1s, 1s, 0.5});
  EXPECT_TRUE(judge.tick(kBegin + 9999ms).empty()) << "what runs keeps its end";
  (void)judge.error(2, kBegin, 3);
  EXPECT_EQ(judge.error(2, kBegin, 3).length, 1s);
  judge.set_rules({0, 10s, 1s, 1s, 0.5});
  for (int i = 0; i < 1000; ++i) EXPECT_EQ(judge.error(3, kBegin, 3).kind, Kind::counted);
  judge.set_rules({1'000'000, 10s, 1s, 1s, 1});
  for (std::uint32_t i = 1; i < OutlierRules::kErrorsMax; ++i) ASSERT_EQ(judge.error(3, kBegin, 3).kind, Kind::counted);
  EXPECT_EQ(judge.error(3, kBegin, 3).kind, Kind::ejected) << "more than the most is the most";
}

TEST(OutlierJudge, WithoutErrorsInTheRulesEverybodyReturns) {
  OutlierJudge judge = pool(4, {1, 10s, 10s, 60s, 1});
  EXPECT_EQ(judge.error(1, kBegin, 3).kind, Kind::ejected);
  EXPECT_EQ(judge.error(2, kBegin, 3).kind, Kind::ejected);
  judge.set_rules({0, 10s, 10s, 60s, 1});
  EXPECT_EQ(judge.tick(kBegin), (std::vector<OutlierJudge::Id>{1, 2}));
  EXPECT_EQ(judge.ejected(), 0U);
}

TEST(OutlierJudge, WhateverHappensNotTooManyAreOut) {
  std::mt19937_64 random(1);
  OutlierJudge judge = pool(10, {3, 10s, 10s, 60s, 0.3});
  base::Time now = kBegin;
  std::uint64_t ejections = 0;
  for (int i = 0; i < 100'000; ++i) {
    now += std::chrono::milliseconds(random() % 2000);
    (void)judge.tick(now);
    const auto verdict = judge.error(static_cast<std::uint32_t>(random() % 10), now, 9 - judge.ejected());
    if (verdict.kind == Kind::ejected) {
      ++ejections;
      ASSERT_GE(verdict.length, 10s);
      ASSERT_LE(verdict.length, 60s);
    }
    ASSERT_LE(judge.ejected(), 3U);
  }
  EXPECT_GT(ejections, 100U);
}

}  // namespace
}  // namespace holdfast::policy
