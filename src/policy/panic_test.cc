#include "policy/panic.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <sstream>
#include <string>

namespace holdfast::policy {
namespace {

using namespace std::chrono_literals;
using Kind = PanicJudge::Change::Kind;
using Start = PanicJudge::Start;

constexpr base::Time kBegin{std::chrono::hours(1)};

// Runs a story and tells it back. Servers are digits; each is up at the begin. Words of the story:
//   d3 down, u3 up, c3 a connect to it failed, a3 added (up), b3 added (down), r3 removed, +700 that many ms pass
// What is told: who serves after each word that changed something (held ones with a "*"), "began" and "ended" with the
// number of those held.
class Teller {
 public:
  Teller(PanicRules rules, std::string servers) : judge_(rules), servers_(std::move(servers)) {
    for (const char id : servers_) (void)judge_.add(number(id), Start::up);
    last_ = serving();
  }

  std::string tell(const std::string& story) {
    std::istringstream words(story);
    std::string told;
    for (std::string word; words >> word;) {
      const PanicJudge::Change change = act(word);
      if (serving() == last_ && change.kind == Kind::none) continue;
      last_ = serving();
      told += (told.empty() ? "" : ", ") + word + " " + last_;
      if (change.kind == Kind::none) continue;
      told += (change.kind == Kind::began ? " began " : " ended ") + std::to_string(change.held);
      EXPECT_EQ(change.serving, static_cast<std::uint32_t>(std::ranges::count_if(last_, ::isdigit)));
    }
    return told;
  }
  [[nodiscard]] const PanicJudge& judge() const { return judge_; }

 private:
  static PanicJudge::Id number(char id) { return static_cast<PanicJudge::Id>(id - '0'); }

  PanicJudge::Change act(const std::string& word) {
    const char id = word[1];
    switch (word[0]) {
      case 'd': return judge_.server_down(number(id), now_);
      case 'u': return judge_.server_up(number(id));
      case 'c': return judge_.connect_failed(number(id));
      case 'a': servers_ += id; return judge_.add(number(id), Start::up);
      case 'b': servers_ += id; return judge_.add(number(id), Start::down);
      case 'r': std::erase(servers_, id); return judge_.remove(number(id));
      default: now_ += std::chrono::milliseconds(std::stoi(word.substr(1))); return {};
    }
  }
  std::string serving() const {
    std::string all;
    for (const char id : servers_) {
      if (judge_.serves(number(id))) all += id;
      if (judge_.is_held(number(id))) all += '*';
    }
    return all.empty() ? "-" : all;
  }

  PanicJudge judge_;
  std::string servers_;
  std::string last_;
  base::Time now_ = kBegin;
};

struct Case {
  const char* name;
  PanicRules rules;
  const char* servers;
  const char* story;
  const char* told;
};

void expect_told(std::initializer_list<Case> cases) {
  for (const Case& c : cases) {
    SCOPED_TRACE(c.name);
    EXPECT_EQ(Teller(c.rules, c.servers).tell(c.story), c.told);
  }
}

constexpr PanicRules kHalf{0.5, 1s};

TEST(PanicJudge, BeginsWhenTooMuchOfTheGoodSetFailsWithinTheWindow) {
  expect_told({
      {"1 of 1", kHalf, "1", "d1", "d1 1* began 1"},
      {"1 of 2", kHalf, "12", "d1", "d1 2"},
      {"2 of 2", kHalf, "12", "d1 d2", "d1 2, d2 1*2* began 2"},
      {"2 of 2, one after the other", kHalf, "12", "d1 +1001 d2", "d1 2, d2 2* began 1"},
      {"6 of 10 in one window", kHalf, "0123456789", "d0 +150 d1 +150 d2 +150 d3 +150 d4 +150 d5",
       "d0 123456789, d1 23456789, d2 3456789, d3 456789, d4 56789, d5 0*1*2*3*4*5*6789 began 6"},
      {"5 of 10 in one window", kHalf, "0123456789", "d0 d1 d2 d3 d4",
       "d0 123456789, d1 23456789, d2 3456789, d3 456789, d4 56789"},
      {"6 of 10 over a longer time", kHalf, "0123456789", "d0 +600 d1 +600 d2 +600 d3 +600 d4 +600 d5",
       "d0 123456789, d1 23456789, d2 3456789, d3 456789, d4 56789, d5 6789"},
      {"the edge of the window", kHalf, "123", "d1 +1000 d2", "d1 23, d2 1*2*3 began 2"},
      {"just outside the window", kHalf, "123", "d1 +1001 d2", "d1 23, d2 3"},
      {"one that came back in between", kHalf, "1234", "d1 u1 d2 d3", "d1 234, u1 1234, d2 134, d3 14"},
      {"those down before do not count", kHalf, "12345", "d1 +2000 d2 d3 d4",
       "d1 2345, d2 345, d3 45, d4 2*3*4*5 began 3"},
      {"said twice", kHalf, "123", "d1 d1 d1", "d1 23"},
      {"never", {0, 1s}, "12", "d1 d2", "d1 2, d2 -"},
      {"more than all", {1, 1s}, "12", "d1 d2", "d1 2, d2 -"},
      {"almost never", {0.01, 1s}, "123", "d1", "d1 1*23 began 1"},
  });
}

TEST(PanicJudge, HoldsWhatFailsMeanwhile) {
  expect_told({
      {"all of it", kHalf, "1234", "d1 d2 d3 +60000 d4", "d1 234, d2 34, d3 1*2*3*4 began 3, d4 1*2*3*4*"},
  });
}

TEST(PanicJudge, EndsWhenProbesPassAgain) {
  expect_told({
      {"the only one", kHalf, "1", "d1 u1", "d1 1* began 1, u1 1 ended 0"},
      {"the rest goes down", kHalf, "1234", "d1 d2 d3 u2", "d1 234, d2 34, d3 1*2*3*4 began 3, u2 24 ended 2"},
      {"as many as it takes", kHalf, "1234", "d1 d2 d3 d4 u4 u3",
       "d1 234, d2 34, d3 1*2*3*4 began 3, d4 1*2*3*4*, u4 1*2*3*4, u3 34 ended 2"},
      {"and begins again", kHalf, "1234", "d1 d2 d3 u2 +9000 d2 d4",
       "d1 234, d2 34, d3 1*2*3*4 began 3, u2 24 ended 2, d2 4, d4 2*4* began 2"},
      {"what comes back later is simply up", kHalf, "1234", "d1 d2 d3 u2 u1 u3",
       "d1 234, d2 34, d3 1*2*3*4 began 3, u2 24 ended 2, u1 124, u3 1234"},
  });
}

TEST(PanicJudge, BelievesTheConnectsOfClients) {
  expect_told({
      {"the only one", kHalf, "1", "d1 c1", "d1 1* began 1, c1 - ended 0"},
      {"one by one", kHalf, "123", "d1 d2 d3 c1 c2 c3",
       "d1 23, d2 1*2*3 began 2, d3 1*2*3*, c1 2*3*, c2 3*, c3 - ended 0"},
      {"until half of what serves is good", kHalf, "123456", "d1 d2 d3 d4 c1 c2",
       "d1 23456, d2 3456, d3 456, d4 1*2*3*4*56 began 4, c1 2*3*4*56, c2 56 ended 2"},
      {"what is proven is not held again", kHalf, "1234", "d1 d2 d3 c1 u2 d4",
       "d1 234, d2 34, d3 1*2*3*4 began 3, c1 2*3*4, u2 24 ended 1, d4 23*4* began 2"},
      {"until a probe has passed", kHalf, "1", "d1 c1 u1 d1", "d1 1* began 1, c1 - ended 0, u1 1, d1 1* began 1"},
      {"means nothing for others", kHalf, "12", "c1 d1 c1", "d1 2"},
  });
}

TEST(PanicJudge, FollowsThePool) {
  expect_told({
      {"held ones removed", kHalf, "123", "d1 d2 r1", "d1 23, d2 1*2*3 began 2, r1 3 ended 1"},
      {"all removed", kHalf, "12", "d1 d2 r1 r2", "d1 2, d2 1*2* began 2, r1 2*, r2 - ended 0"},
      {"good ones removed", kHalf, "123", "d1 d2 r3", "d1 23, d2 1*2*3 began 2, r3 1*2*"},
      {"good ones added", kHalf, "123", "d1 d2 a4", "d1 23, d2 1*2*3 began 2, a4 34 ended 2"},
      {"bad ones added", kHalf, "123", "d1 d2 b4 u4", "d1 23, d2 1*2*3 began 2, u4 34 ended 2"},
      {"one that was never up is not held", kHalf, "1", "b2 d1", "d1 1* began 1"},
      {"removed and added again is new", kHalf, "12", "d1 r1 b1 d2", "d1 2, d2 2* began 1"},
  });
}

TEST(PanicJudge, EndsWhenItIsTurnedOff) {
  PanicJudge judge(kHalf);
  (void)judge.add(1, Start::up);
  EXPECT_EQ(judge.server_down(1, kBegin), (PanicJudge::Change{Kind::began, 1, 1}));
  EXPECT_TRUE(judge.in_panic());
  EXPECT_EQ(judge.set_rules({0, 1s}), (PanicJudge::Change{Kind::ended, 1, 0}));
  EXPECT_FALSE(judge.in_panic());
  EXPECT_FALSE(judge.serves(1));
}

TEST(PanicJudge, WhateverHappensItsPromisesHold) {
  for (std::uint64_t seed = 0; seed < 200; ++seed) {
    std::mt19937_64 random(seed);
    const std::uint32_t servers = 1 + static_cast<std::uint32_t>(random() % 9);
    PanicJudge judge(kHalf);
    for (std::uint32_t id = 0; id < servers; ++id) (void)judge.add(id, Start::up);
    std::vector<bool> passes(servers, true);
    base::Time now = kBegin;
    for (int i = 0; i < 300; ++i) {
      const auto id = static_cast<std::uint32_t>(random() % servers);
      now += std::chrono::milliseconds(random() % 400);
      const bool was_in_panic = judge.in_panic();
      PanicJudge::Change change;
      switch (random() % 3) {
        case 0: change = judge.server_down(id, now), passes[id] = false; break;
        case 1: change = judge.server_up(id), passes[id] = true; break;
        default: change = judge.connect_failed(id); break;
      }
      std::uint32_t held = 0;
      for (std::uint32_t each = 0; each < servers; ++each) {
        held += judge.is_held(each) ? 1U : 0U;
        ASSERT_EQ(judge.serves(each), passes[each] || judge.is_held(each)) << "who passes serves";
        ASSERT_FALSE(passes[each] && judge.is_held(each));
      }
      ASSERT_EQ(judge.in_panic(), held > 0);
      ASSERT_EQ(change.kind != Kind::none, was_in_panic != judge.in_panic()) << "every change is told";
    }
  }
}

TEST(Panic, WhatAServerSaysOfItselfIsNotDoubted) {
  PanicJudge judge({0.5, std::chrono::seconds(2)});
  const base::Time now{};
  for (const PanicJudge::Id id : {1U, 2U, 3U}) judge.add(id, PanicJudge::Start::up);
  for (const PanicJudge::Id id : {1U, 2U}) {
    EXPECT_EQ(judge.gave_up(id), PanicJudge::Change{});
    EXPECT_EQ(judge.server_down(id, now), PanicJudge::Change{});
    EXPECT_FALSE(judge.serves(id));
  }
  EXPECT_FALSE(judge.in_panic());
  judge.server_up(1);
  EXPECT_TRUE(judge.serves(1));
}

}  // namespace
}  // namespace holdfast::policy
