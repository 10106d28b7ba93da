#include "policy/health_judge.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace holdfast::policy {
namespace {

using namespace std::chrono_literals;
using Start = HealthJudge::Start;
using Verdict = HealthJudge::Verdict;

constexpr base::Time kBegin{std::chrono::hours(1)};

// "+" is a probe that passed, "-" one that failed; a word follows for each state that they lead to.
std::string story(HealthJudge judge, const char* results) {
  std::string told = judge.text();
  for (const char* each = results; *each != '\0'; ++each) {
    const Verdict verdict = judge.on_result(*each == '+' ? Probe::passed : Probe::failed, kBegin, "");
    told += ", " + judge.text();
    if (verdict != Verdict::same) told += verdict == Verdict::went_up ? "!up" : "!down";
  }
  return told;
}

TEST(HealthJudge, CountsLikeHaproxy) {
  struct Case {
    std::uint32_t rise, fall;
    Start start;
    const char* results;
    const char* told;
  };
  const Case cases[] = {
      {2, 3, Start::up, "---", "UP, UP 2/3, UP 1/3, DOWN!down"},
      {2, 3, Start::up, "--+--", "UP, UP 2/3, UP 1/3, UP, UP 2/3, UP 1/3"},
      {2, 3, Start::up, "+-", "UP, UP, UP 2/3"},
      {2, 3, Start::down, "++", "DOWN, DOWN 1/2, UP!up"},
      {3, 3, Start::down, "++-+++", "DOWN, DOWN 1/3, DOWN 2/3, DOWN, DOWN 1/3, DOWN 2/3, UP!up"},
      {2, 3, Start::down, "--+-", "DOWN, DOWN, DOWN, DOWN 1/2, DOWN"},
      {2, 3, Start::up_on_trial, "-", "UP 1/3, DOWN!down"},
      {2, 3, Start::up_on_trial, "+-", "UP 1/3, UP, UP 2/3"},
      {1, 1, Start::up, "-+-+", "UP, DOWN!down, UP!up, DOWN!down, UP!up"},
      {1, 1, Start::up_on_trial, "+", "UP, UP"},
      {0, 0, Start::up, "-+", "UP, DOWN!down, UP!up"},
      {2, 2, Start::up, "-+-+-+--", "UP, UP 1/2, UP, UP 1/2, UP, UP 1/2, UP, UP 1/2, DOWN!down"},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.results);
    HealthRules rules;
    rules.rise = c.rise;
    rules.fall = c.fall;
    EXPECT_EQ(story(HealthJudge(rules, c.start, kBegin), c.results), c.told);
  }
}

TEST(HealthJudge, TellsSinceWhenAndWhy) {
  HealthJudge judge({}, Start::up, kBegin);
  EXPECT_EQ(judge.cause(), "");
  judge.on_result(Probe::passed, kBegin + 1s, "status 200");
  EXPECT_EQ(judge.last_result(), "status 200");
  judge.on_result(Probe::failed, kBegin + 2s, "status 503");
  EXPECT_EQ(judge.cause(), "status 503") << "why it is failing";
  EXPECT_EQ(judge.since(), kBegin);
  judge.on_result(Probe::failed, kBegin + 3s, "timeout");
  judge.on_result(Probe::failed, kBegin + 4s, "connection refused");
  judge.on_result(Probe::failed, kBegin + 5s, "no route");
  EXPECT_EQ(judge.health(), Health::down);
  EXPECT_EQ(judge.since(), kBegin + 4s);
  EXPECT_EQ(judge.cause(), "connection refused") << "what took it down, not what came later";
  EXPECT_EQ(judge.last_result(), "no route");
}

TEST(HealthJudge, KeepsOnlyTheBeginOfALongCause) {
  HealthJudge judge({}, Start::up, kBegin);
  judge.on_result(Probe::failed, kBegin, std::string(10'000, 'x'));
  EXPECT_EQ(judge.cause().size(), HealthJudge::kCauseBytesMax);
  judge.force(Health::down, kBegin, std::string(10'000, 'y'));
  EXPECT_EQ(judge.cause(), std::string(HealthJudge::kCauseBytesMax, 'y'));
}

TEST(HealthJudge, IsForcedAtOnceAndCountsFromThere) {
  HealthJudge judge({}, Start::up, kBegin);
  EXPECT_EQ(judge.force(Health::down, kBegin + 1s, "agent: down"), Verdict::went_down);
  EXPECT_EQ(judge.text(), "DOWN");
  EXPECT_EQ(judge.since(), kBegin + 1s);
  EXPECT_EQ(judge.force(Health::down, kBegin + 2s, "agent: failed"), Verdict::same);
  EXPECT_EQ(judge.since(), kBegin + 1s);
  EXPECT_EQ(judge.cause(), "agent: failed");
  judge.on_result(Probe::passed, kBegin + 3s, "");
  EXPECT_EQ(judge.text(), "DOWN 1/2");
  EXPECT_EQ(judge.force(Health::up, kBegin + 4s, "agent: up"), Verdict::went_up);
  EXPECT_EQ(judge.text(), "UP");
  judge.on_result(Probe::failed, kBegin + 5s, "");
  EXPECT_EQ(judge.force(Health::up, kBegin + 6s, "agent: up"), Verdict::same);
  EXPECT_EQ(judge.text(), "UP") << "all lives again";
}

TEST(HealthJudge, KeepsItsStateWhenTheRulesChange) {
  HealthRules rules;
  rules.fall = 5;
  HealthJudge judge(rules, Start::up, kBegin);
  for (int i = 0; i < 4; ++i) judge.on_result(Probe::failed, kBegin, "");
  EXPECT_EQ(judge.text(), "UP 1/5");
  rules.fall = 3;
  judge.set_rules(rules);
  EXPECT_EQ(judge.text(), "UP 1/3");
  rules.fall = 1;
  judge.set_rules(rules);
  EXPECT_EQ(judge.text(), "UP");
}

TEST(HealthJudge, ProbesFasterWhileInTransition) {
  HealthRules rules;
  rules.interval = 10s;
  rules.fast_interval = 1s;
  rules.down_interval = 30s;
  rules.jitter_percent = 0;
  HealthJudge judge(rules, Start::up, kBegin);
  base::Random random(1);
  EXPECT_EQ(judge.next_delay(random), 10s);
  judge.on_result(Probe::failed, kBegin, "");
  EXPECT_EQ(judge.next_delay(random), 1s);
  judge.force(Health::down, kBegin, "");
  EXPECT_EQ(judge.next_delay(random), 30s);
  judge.on_result(Probe::passed, kBegin, "");
  EXPECT_EQ(judge.next_delay(random), 1s);
  EXPECT_EQ(HealthJudge(rules, Start::up_on_trial, kBegin).next_delay(random), 1s);
}

TEST(HealthJudge, SpreadsItsProbesEvenlyOverTheJitter) {
  HealthRules rules;
  rules.interval = 10s;
  rules.jitter_percent = 20;
  const HealthJudge judge(rules, Start::up, kBegin);
  base::Random random(1);
  base::Duration sum{};
  base::Duration least = base::Duration::max();
  base::Duration most{};
  constexpr int kDelays = 10'000;
  for (int i = 0; i < kDelays; ++i) {
    const base::Duration delay = judge.next_delay(random);
    sum += delay;
    least = std::min(least, delay);
    most = std::max(most, delay);
  }
  EXPECT_GE(least, 8s);
  EXPECT_LT(least, 8010ms);
  EXPECT_LE(most, 12s);
  EXPECT_GT(most, 11990ms);
  EXPECT_NEAR(std::chrono::duration<double>(sum).count() / kDelays, 10, 0.06);  // five standard deviations
}

}  // namespace
}  // namespace holdfast::policy
