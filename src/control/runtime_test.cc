#include "control/runtime.h"

#include <gtest/gtest.h>

#include <boost/asio.hpp>
#include <csignal>
#include <optional>
#include <thread>
#include <vector>

#include "base/log.h"
#include "base/mailbox.h"
#include "control/ticker.h"
#include "control/wakeup.h"

namespace holdfast::control {
namespace {

namespace asio = boost::asio;
using std::chrono::milliseconds;

Task<> wait_for_ever() {
  const auto executor = co_await asio::this_coro::executor;
  asio::steady_timer timer(executor, asio::steady_timer::time_point::max());
  co_await timer.async_wait(asio::use_awaitable);
}

// Ends in order when its wait is over, cancelled or not.
Task<> wait_once(asio::steady_timer& timer, bool& ended) {
  boost::system::error_code error;
  co_await timer.async_wait(asio::redirect_error(asio::use_awaitable, error));
  ended = true;
}

void run_a_little(Runtime& runtime) {
  runtime.post([&] { runtime.post([&] { runtime.post([&] { runtime.stop(); }); }); });
  runtime.context().restart();
  runtime.run();
}

TEST(Job, MayEndBeforeACancelOutsideOfRunHasReachedIt) {
  Runtime runtime;
  asio::steady_timer timer(runtime.context(), std::chrono::hours(1));
  bool ended = false;
  {
    const Job job = runtime.spawn("one wait", wait_once(timer, ended));
    run_a_little(runtime);
    EXPECT_FALSE(job.done());
    timer.cancel();  // its end is on its way already
  }
  run_a_little(runtime);
  EXPECT_TRUE(ended);
}

TEST(Runtime, RunsWhatIsPostedInOrderOnItsThread) {
  constexpr int kPosts = 1'000;
  Runtime runtime;
  std::vector<int> seen;
  std::thread::id ran_on;
  std::thread other([&] {
    for (int i = 0; i < kPosts; ++i) runtime.post([&, i] { seen.push_back(i); });
    runtime.post([&] {
      ran_on = std::this_thread::get_id();
      runtime.stop();
    });
  });
  runtime.run();
  other.join();
  EXPECT_EQ(ran_on, std::this_thread::get_id());
  ASSERT_EQ(seen.size(), static_cast<std::size_t>(kPosts));
  for (int i = 0; i < kPosts; ++i) ASSERT_EQ(seen[static_cast<std::size_t>(i)], i);
}

TEST(Runtime, CallsBackForEachSignal) {
  Runtime runtime;
  std::vector<int> seen;
  runtime.on_signals({SIGUSR1, SIGUSR2}, [&](int signal) {
    seen.push_back(signal);
    if (seen.size() == 2) return runtime.stop();
    ::raise(SIGUSR2);
  });
  runtime.post([] { ::raise(SIGUSR1); });
  runtime.run();
  EXPECT_EQ(seen, (std::vector{SIGUSR1, SIGUSR2}));
}

TEST(Runtime, AnotherThreadHasNoBusinessHere) {
  EXPECT_DEATH(
      {
        Runtime runtime;
        runtime.post([&] { std::thread([&] { runtime.on_signals({SIGUSR1}, [](int) {}); }).join(); });
        runtime.run();
      },
      "");
}

TEST(Job, EndsItsCoroutineWhenItIsDestroyedOrReplaced) {
  Runtime runtime;
  int ended = 0;
  const auto wait = [&ended]() -> Task<> {
    const std::shared_ptr<void> at_the_end(nullptr, [&ended](void*) { ++ended; });
    Task<> waiting = wait_for_ever();
    co_await std::move(waiting);
  };
  std::optional<Job> destroyed = runtime.spawn("destroyed", wait());
  Job replaced = runtime.spawn("replaced", wait());
  const auto end_them = [&]() -> Task<> {
    const auto executor = co_await asio::this_coro::executor;
    EXPECT_EQ(ended, 0);
    EXPECT_FALSE(destroyed->done());
    destroyed.reset();
    replaced = Job();
    while (ended < 2) co_await asio::post(executor, asio::use_awaitable);
    runtime.stop();
  };
  const Job last = runtime.spawn("last", end_them());
  runtime.run();
}

TEST(Job, IsDoneWhenItsCoroutineHasEnded) {
  Runtime runtime;
  const auto end = []() -> Task<> { co_return; };
  const Job job = runtime.spawn("ends", end());
  EXPECT_FALSE(job.done());
  const auto look = [&]() -> Task<> {
    const auto executor = co_await asio::this_coro::executor;
    while (!job.done()) co_await asio::post(executor, asio::use_awaitable);
    runtime.stop();
  };
  const Job looking = runtime.spawn("looks", look());
  runtime.run();
  EXPECT_TRUE(job.done());
}

TEST(Job, IsDoneWhenItsRuntimeIsGone) {
  Job job;
  {
    Runtime runtime;
    job = runtime.spawn("waits", wait_for_ever());
    runtime.post([&] { runtime.stop(); });
    runtime.run();
    EXPECT_FALSE(job.done());
  }
  EXPECT_TRUE(job.done());
}

TEST(Job, AnEscapedExceptionIsLoggedAndEndsTheProcess) {
  EXPECT_DEATH(
      {
        base::start_log({});
        Runtime runtime;
        const Job job = runtime.spawn("probe", []() -> Task<> {
          throw std::runtime_error("on purpose");
          co_return;
        }());
        runtime.run();
      },
      "where=probe exception=\"on purpose\"");
}

TEST(Runtime, AnExceptionThatEscapesACallbackIsLoggedAndEndsTheProcess) {
  EXPECT_DEATH(
      {
        base::start_log({});
        Runtime runtime;
        runtime.post([] { throw std::runtime_error("on purpose"); });
        runtime.run();
      },
      "exception=\"on purpose\"");
}

TEST(Wakeup, BringsAMailboxFromManyThreads) {
  constexpr int kWriters = 3;
  constexpr int kEach = 5'000;
  Runtime runtime;
  base::Mailbox<int>* box_there = nullptr;
  int total = 0;
  Wakeup wakeup(runtime, [&] {
    box_there->take([&](int) { ++total; });
    if (total == kWriters * kEach) runtime.stop();
  });
  base::Mailbox<int> box(256, wakeup);
  box_there = &box;
  std::vector<std::jthread> writers;
  for (int w = 0; w < kWriters; ++w) {
    writers.emplace_back([&box] {
      for (int i = 0; i < kEach; ++i) {
        while (!box.post(i)) std::this_thread::yield();
      }
    });
  }
  runtime.run();
  EXPECT_EQ(total, kWriters * kEach);
}

TEST(Wakeup, WakesThatCameBeforeTheCallbackAreOne) {
  Runtime runtime;
  int calls = 0;
  Wakeup wakeup(runtime, [&] {
    if (++calls == 2) return runtime.stop();
    wakeup.wake();  // during the callback: not lost
  });
  for (int i = 0; i < 100; ++i) wakeup.wake();
  runtime.run();
  EXPECT_EQ(calls, 2);
}

TEST(Wakeup, MayBeDestroyedByItsCallback) {
  Runtime runtime;
  std::optional<Wakeup> wakeup;
  wakeup.emplace(runtime, [&] {
    wakeup.reset();
    runtime.stop();
  });
  wakeup->wake();
  runtime.run();
  EXPECT_FALSE(wakeup.has_value());
}

TEST(Ticker, TicksUntilItIsDestroyed) {
  Runtime runtime;
  std::optional<Ticker> ticker;
  int ticks = 0;
  ticker.emplace(runtime, milliseconds{1}, [&] {
    if (++ticks < 5) return;
    ticker.reset();
    runtime.stop();
  });
  runtime.run();
  EXPECT_EQ(ticks, 5);
}

TEST(Ticker, DoesNotMakeUpForMissedTicks) {
  Runtime runtime;
  const auto begin = std::chrono::steady_clock::now();
  int ticks = 0;
  const Ticker ticker(runtime, milliseconds{10}, [&] {
    // The first tick is busy for three periods.
    while (ticks == 0 && std::chrono::steady_clock::now() < begin + milliseconds{40}) {
    }
    if (++ticks == 3) runtime.stop();
  });
  runtime.run();
  EXPECT_GE(std::chrono::steady_clock::now() - begin, milliseconds{60});
}

}  // namespace
}  // namespace holdfast::control
