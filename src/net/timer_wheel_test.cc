#include "net/timer_wheel.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <map>
#include <random>
#include <vector>

namespace holdfast::net {
namespace {

using base::Tick;

class Nodes final : public TimerWheel::Owner {
 public:
  explicit Nodes(std::size_t count, Tick now = {}) : nodes_(count), wheel(*this, now) {}
  TimerWheel::Node& timer_node(std::uint32_t index) noexcept override { return nodes_[index]; }
  void on_deadline(std::uint32_t index) override {
    fired.push_back(index);
    if (then) then(index);
  }

 private:
  std::vector<TimerWheel::Node> nodes_;

 public:
  TimerWheel wheel;
  std::vector<std::uint32_t> fired;
  std::function<void(std::uint32_t)> then;
};

TEST(TimerWheel, FiresAtItsTickAndNotBefore) {
  for (const std::uint32_t delay :
       {1U, 2U, 63U, 64U, 65U, 4095U, 4096U, 4097U, 262'144U, 16'777'215U, 16'777'216U, 50'000'000U, 2'000'000'000U}) {
    for (const std::uint32_t start : {0U, 63U, 4095U, 123'456'789U, 0xffff'fff0U}) {
      SCOPED_TRACE(testing::Message() << "start " << start << " delay " << delay);
      Nodes nodes(1, Tick{start});
      nodes.wheel.arm(0, Tick{start + delay});
      nodes.wheel.advance(Tick{start + delay - 1});
      EXPECT_TRUE(nodes.fired.empty());
      nodes.wheel.advance(Tick{start + delay});
      EXPECT_EQ(nodes.fired.size(), 1U);
      EXPECT_EQ(nodes.wheel.next(), std::nullopt);
    }
  }
}

TEST(TimerWheel, ADeadlineThatHasPassedFiresWithTheNextTick) {
  Nodes nodes(1, Tick{1000});
  nodes.wheel.arm(0, Tick{10});
  nodes.wheel.advance(Tick{1000});
  EXPECT_TRUE(nodes.fired.empty());
  nodes.wheel.advance(Tick{1001});
  EXPECT_EQ(nodes.fired.size(), 1U);
}

TEST(TimerWheel, WhatFiresMayCancelAndArmOthers) {
  Nodes nodes(3);
  for (std::uint32_t i = 0; i < 3; ++i) nodes.wheel.arm(i, Tick{5});
  nodes.then = [&](std::uint32_t index) {
    if (nodes.fired.size() != 1) return;
    nodes.wheel.cancel((index + 1) % 3);
    nodes.wheel.arm(index, Tick{7});
  };
  nodes.wheel.advance(Tick{6});
  EXPECT_EQ(nodes.fired.size(), 2U) << "one was cancelled";
  nodes.wheel.advance(Tick{7});
  EXPECT_EQ(nodes.fired.size(), 3U);
}

TEST(TimerWheel, NextNeverLiesBehindTheFirstDeadline) {
  Nodes nodes(1);
  nodes.wheel.arm(0, Tick{300'000});
  int steps = 0;
  while (nodes.fired.empty()) {
    ASSERT_TRUE(nodes.wheel.next());
    ASSERT_LE(nodes.wheel.next()->count, 300'000U);
    nodes.wheel.advance(*nodes.wheel.next());
    ASSERT_LT(++steps, 6) << "a deadline is moved at most three times";
  }
}

TEST(TimerWheel, AMillionDeadlinesFireOnceEachAndNoneEarly) {
  constexpr std::uint32_t kNodes = 1'000'000;
  constexpr std::uint32_t kLongest = 700'000;  // three hours of ticks
  std::mt19937_64 random(3);
  Nodes nodes(kNodes);
  std::vector<std::uint32_t> deadlines(kNodes);
  for (std::uint32_t i = 0; i < kNodes; ++i) {
    deadlines[i] = 1 + static_cast<std::uint32_t>(random() % kLongest);
    nodes.wheel.arm(i, Tick{deadlines[i]});
  }
  std::uint32_t last = 0;
  for (std::uint32_t now = 1000; now <= kLongest; now += 1000) {
    nodes.fired.clear();
    nodes.wheel.advance(Tick{now});
    for (const std::uint32_t index : nodes.fired) {
      ASSERT_GT(deadlines[index], last);
      ASSERT_LE(deadlines[index], now);
      deadlines[index] = 0;  // a second firing would fail the first assertion
    }
    last = now;
  }
  EXPECT_EQ(std::count(deadlines.begin(), deadlines.end(), 0U), kNodes);
}

TEST(TimerWheel, MatchesASortedMapUnderRandomUse) {
  constexpr std::uint32_t kNodes = 500;
  std::mt19937_64 random(11);
  Nodes nodes(kNodes, Tick{77});
  std::map<std::uint32_t, std::uint32_t> model;  // node to deadline
  std::uint32_t now = 77;
  for (int step = 0; step < 30'000; ++step) {
    const auto index = static_cast<std::uint32_t>(random() % kNodes);
    switch (random() % 4) {
      case 0:
      case 1: {
        const std::uint32_t deadline = now + 1 + static_cast<std::uint32_t>(random() % (1ULL << (random() % 26)));
        nodes.wheel.arm(index, Tick{deadline});
        model[index] = deadline;
        break;
      }
      case 2:
        nodes.wheel.cancel(index);
        model.erase(index);
        break;
      default: {
        now += static_cast<std::uint32_t>(random() % (1ULL << (random() % 18)));
        nodes.fired.clear();
        nodes.wheel.advance(Tick{now});
        for (const std::uint32_t fired : nodes.fired) {
          ASSERT_TRUE(model.contains(fired));
          ASSERT_LE(model[fired], now);
          model.erase(fired);
        }
        for (const auto& [node, deadline] : model) ASSERT_GT(deadline, now) << "node " << node << " is late";
      }
    }
  }
}

}  // namespace
}  // namespace holdfast::net
