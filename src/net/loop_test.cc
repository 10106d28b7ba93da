#include "net/loop.h"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <functional>
#include <string>
#include <thread>
#include <vector>

#include "net/socket.h"
#include "net/timer_wheel.h"

namespace holdfast::net {
namespace {

const std::function<void()> kNothing = [] {};
constexpr base::Duration kPatience = std::chrono::seconds{10};

// Two ends of a stream: the loop watches `inner`, the test plays `outer`.
struct Stream {
  Fd inner;
  Fd outer;

  void send(std::string_view text) const {
    ASSERT_EQ(::send(outer.get(), text.data(), text.size(), 0), static_cast<ssize_t>(text.size()));
  }
};

Stream open_stream() {
  std::array<int, 2> ends{};
  EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends.data()), 0);
  return Stream{Fd(ends[0]), Fd(ends[1])};
}

// A source whose reactions a test gives.
class Streams final : public Loop::Source {
 public:
  explicit Streams(Loop& loop) : loop_(loop), source_(loop.add_source(*this)) {}

  Token add() {
    const Token token{source_, 3, slab.add(open_stream())};
    EXPECT_TRUE(loop_.watch(slab.find(token.key)->inner.get(), token));
    return token;
  }
  void on_ready(Token token, Ready ready) override {
    if (ready_then) ready_then(token, ready);
  }
  void on_resume(Token token) override {
    if (resume_then) resume_then(token);
  }

  base::Slab<Stream> slab;
  std::function<void(Token, Ready)> ready_then;
  std::function<void(Token)> resume_then;

 private:
  Loop& loop_;
  std::uint8_t source_;
};

TEST(Token, SurvivesPacking) {
  for (const Token token : {Token{}, Token{15, 15, {(1U << 24) - 1, ~0U}}, Token{1, 2, {3, 5}}}) {
    const Token back = Token::unpack(token.pack());
    EXPECT_EQ(back.source, token.source);
    EXPECT_EQ(back.part, token.part);
    EXPECT_EQ(back.key, token.key);
  }
}

TEST(Loop, TellsWhatChanged) {
  Loop loop;
  Streams streams(loop);
  const Token token = streams.add();
  Ready seen;
  streams.ready_then = [&](Token to, Ready ready) {
    EXPECT_EQ(to.part, 3);
    EXPECT_EQ(to.key, token.key);
    seen = ready;
  };
  loop.turn(kPatience, kNothing);
  EXPECT_TRUE(seen.writable && !seen.readable && !seen.hangup && !seen.broken);
  streams.slab.find(token.key)->send("x");
  loop.turn(kPatience, kNothing);
  EXPECT_TRUE(seen.readable && !seen.hangup);
  ASSERT_EQ(::shutdown(streams.slab.find(token.key)->outer.get(), SHUT_WR), 0);
  loop.turn(kPatience, kNothing);
  EXPECT_TRUE(seen.readable && seen.hangup && !seen.broken);
  streams.slab.find(token.key)->outer = Fd();
  loop.turn(kPatience, kNothing);
  EXPECT_TRUE(seen.broken);
}

TEST(Loop, SaysNothingTwice) {
  Loop loop;
  Streams streams(loop);
  const Token token = streams.add();
  streams.slab.find(token.key)->send("x");
  int events = 0;
  streams.ready_then = [&](Token, Ready) { ++events; };
  loop.turn(kPatience, kNothing);
  loop.turn(base::Duration::zero(), kNothing);
  EXPECT_EQ(events, 1) << "the byte was not read, but nothing changed either";
}

TEST(Loop, AStaleEventNeverReachesTheObjectThatTookItsPlaceAndDescriptor) {
  Loop loop;
  Streams streams(loop);
  const std::array tokens = {streams.add(), streams.add()};
  for (const Token token : tokens) streams.slab.find(token.key)->send("x");
  int served = 0;
  int found_nothing = 0;
  streams.ready_then = [&](Token token, Ready) {
    if (streams.slab.find(token.key) == nullptr) {
      ++found_nothing;
      return;
    }
    if (++served > 1) return;
    const Token other = token.key == tokens[0].key ? tokens[1] : tokens[0];
    const int descriptor = streams.slab.find(other.key)->inner.get();
    streams.slab.remove(other.key);
    const Token fresh = streams.add();
    ASSERT_EQ(fresh.key.index, other.key.index);
    ASSERT_EQ(streams.slab.find(fresh.key)->inner.get(), descriptor);
  };
  loop.turn(kPatience, kNothing);
  EXPECT_EQ(served, 1);
  EXPECT_EQ(found_nothing, 1) << "both events came in one turn, the second for an object that was gone";
}

TEST(Loop, ResumesInTheNextTurnWithoutWaiting) {
  Loop loop;
  Streams streams(loop);
  const Token token = streams.add();
  int resumed = 0;
  streams.ready_then = [&](Token to, Ready) { loop.resume(to); };
  streams.resume_then = [&](Token to) {
    EXPECT_EQ(to.key, token.key);
    ++resumed;
  };
  loop.turn(kPatience, kNothing);
  EXPECT_EQ(resumed, 0);
  const auto before = base::Clock::now();
  loop.turn(kPatience, kNothing);
  EXPECT_EQ(resumed, 1);
  EXPECT_LT(base::Clock::now() - before, kPatience / 2);
  loop.turn(base::Duration::zero(), kNothing);
  EXPECT_EQ(resumed, 1) << "asked for once, done once";
}

TEST(Loop, OneThatAlwaysWantsMoreDoesNotKeepOthersWaiting) {
  Loop loop;
  Streams streams(loop);
  const Token greedy = streams.add();
  const Token modest = streams.add();
  loop.turn(kPatience, kNothing);
  int turns = 0;
  int turns_until_served = -1;
  streams.resume_then = [&](Token token) { loop.resume(token); };
  streams.ready_then = [&](Token token, Ready) {
    if (token.key == modest.key) turns_until_served = turns;
  };
  loop.resume(greedy);
  for (; turns < 100; ++turns) {
    if (turns == 50) streams.slab.find(modest.key)->send("x");
    loop.turn(kPatience, kNothing);
  }
  EXPECT_EQ(turns_until_served, 50);
}

TEST(Loop, SaysHowManyEventsOfATurnAreLeft) {
  Loop loop;
  Streams streams(loop);
  std::vector<std::size_t> left;
  streams.ready_then = [&](Token to, Ready ready) {
    if (!ready.readable) return;
    left.push_back(loop.events_left());
    if (left.size() == 3) loop.resume(to);
  };
  streams.resume_then = [&](Token) { left.push_back(loop.events_left()); };
  std::vector<Token> tokens;
  for (int i = 0; i < 3; ++i) tokens.push_back(streams.add());
  loop.turn(kPatience, kNothing);  // all can be written to
  for (const Token token : tokens) streams.slab.find(token.key)->send("x");
  loop.turn(kPatience, kNothing);
  EXPECT_EQ(left, (std::vector<std::size_t>{2, 1, 0}));
  streams.slab.find(tokens[0].key)->send("y");
  loop.turn(kPatience, kNothing);
  EXPECT_EQ(left, (std::vector<std::size_t>{2, 1, 0, 1, 0}));  // the event, then who asked to go on
}

TEST(Loop, AnotherThreadWakesAndStopsIt) {
  Loop loop;
  int woken = 0;  // the loop's thread writes it, the test reads it after join()
  std::thread thread([&] { loop.run([&] { ++woken; }); });
  for (std::uint64_t turns = 0; turns < 100; ++turns) {
    loop.wake();
    while (loop.counters().turns.value() <= turns) std::this_thread::yield();
  }
  loop.stop();
  thread.join();
  EXPECT_GE(woken, 100);
}

TEST(Loop, StopBeforeRunIsNotLost) {
  Loop loop;
  loop.stop();
  loop.run(kNothing);
  EXPECT_EQ(loop.counters().turns.value(), 0U);
}

class Alarm final : public TimerWheel::Owner {
 public:
  explicit Alarm(base::Tick now) : wheel(*this, now) {}
  TimerWheel::Node& timer_node(std::uint32_t) noexcept override { return node_; }
  void on_deadline(std::uint32_t) override { rung = true; }

 private:
  TimerWheel::Node node_;

 public:
  TimerWheel wheel;
  bool rung = false;
};

TEST(Loop, WaitsNoLongerThanTheFirstDeadline) {
  Loop loop;
  Alarm alarm(loop.tick());
  loop.add_timers(alarm.wheel);
  constexpr std::uint32_t kTicks = 4;
  const base::Tick deadline{loop.tick().count + kTicks};
  alarm.wheel.arm(0, deadline);
  int turns = 0;
  while (!alarm.rung) {
    loop.turn(kPatience, kNothing);
    ASSERT_LT(++turns, 10);
  }
  EXPECT_GE(loop.tick().since(deadline).count(), 0);
  EXPECT_LT(loop.tick().since(deadline), kPatience / 2);
}

TEST(Loop, EndsATurnAfterItsEventsAndDeadlines) {
  Loop loop;
  Streams streams(loop);
  Alarm alarm(loop.tick());
  loop.add_timers(alarm.wheel);
  (void)streams.add();
  std::string order;
  const Loop::Hook top = [&] { order += "top "; };
  const Loop::Hook end = [&] { order += alarm.rung ? "deadline end " : "end "; };
  streams.ready_then = [&](Token to, Ready) {
    order += "ready ";
    loop.resume(to);
  };
  streams.resume_then = [&](Token) { order += "resume "; };
  loop.turn(kPatience, top, end);
  EXPECT_EQ(order, "top ready end ");
  order.clear();
  alarm.wheel.arm(0, loop.tick());
  while (!alarm.rung) loop.turn(kPatience, top, end);
  EXPECT_TRUE(order.starts_with("top resume ")) << order;
  EXPECT_TRUE(order.ends_with("deadline end ")) << order;
}

TEST(Loop, WhatTheEndOfATurnAsksForComesInTheNext) {
  Loop loop;
  Streams streams(loop);
  const Token token = streams.add();
  loop.turn(kPatience, kNothing);
  int resumed = 0;
  streams.resume_then = [&](Token) { ++resumed; };
  loop.turn(base::Duration::zero(), kNothing, [&] { loop.resume(token); });
  EXPECT_EQ(resumed, 0);
  const auto before = base::Clock::now();
  loop.turn(kPatience, kNothing);
  EXPECT_EQ(resumed, 1);
  EXPECT_LT(base::Clock::now() - before, kPatience / 2) << "it has not waited";
}

TEST(Loop, EndsEveryTurnAlsoTheLast) {
  Loop loop;
  int begun = 0;
  int ended = 0;
  loop.wake();
  loop.run(
      [&] {
        if (++begun == 3) loop.stop();
        loop.wake();
      },
      [&] { ++ended; });
  EXPECT_EQ(begun, 3);
  EXPECT_EQ(ended, 3);
}

}  // namespace
}  // namespace holdfast::net
