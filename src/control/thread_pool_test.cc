#include "control/thread_pool.h"

#include <gtest/gtest.h>

#include <boost/asio.hpp>
#include <future>
#include <thread>
#include <vector>

#include "control/resolve.h"

namespace holdfast::control {
namespace {

namespace asio = boost::asio;
using base::Errc;
using base::Result;
using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr seconds kLong{30};

// Runs `runtime` until `task` has ended, and yields its result.
template <typename T>
T run_until_done(Runtime& runtime, Task<T> task) {
  std::optional<T> result;
  const Job job = runtime.spawn("test", [](Runtime& r, Task<T> t, std::optional<T>& out) -> Task<> {
    T value = co_await std::move(t);
    out.emplace(std::move(value));
    r.stop();
  }(runtime, std::move(task), result));
  runtime.run();
  return std::move(*result);
}

TEST(ThreadPool, BringsTheResultBackToTheControlThread) {
  Runtime runtime;
  ThreadPool pool(runtime, {});
  const auto call = []() -> Result<std::thread::id> { return std::this_thread::get_id(); };
  const auto ran_on = run_until_done(runtime, pool.run(call, kLong));
  ASSERT_TRUE(ran_on);
  EXPECT_NE(*ran_on, std::this_thread::get_id());
}

TEST(ThreadPool, BringsTheErrorBack) {
  Runtime runtime;
  ThreadPool pool(runtime, {});
  const auto call = []() -> Result<int> { return base::Error{Errc::refused, base::Side::backend, 0, "login"}; };
  const auto got = run_until_done(runtime, pool.run(call, kLong));
  ASSERT_FALSE(got);
  EXPECT_EQ(got.error().code, Errc::refused);
}

TEST(ThreadPool, ManyCallsAllEnd) {
  constexpr int kCalls = 500;
  Runtime runtime;
  ThreadPool pool(runtime, {.threads = 3, .waiting_calls_max = kCalls});
  std::vector<Job> jobs;
  int sum = 0;
  int ended = 0;
  const auto add = [&](int i) -> Task<> {
    auto call = [i]() -> Result<int> { return i; };
    const Result<int> got = co_await pool.run(call, kLong);
    sum += *got;
    if (++ended == kCalls) runtime.stop();
  };
  for (int i = 0; i < kCalls; ++i) jobs.push_back(runtime.spawn("add", add(i)));
  runtime.run();
  EXPECT_EQ(sum, kCalls * (kCalls - 1) / 2);
}

// A call that hangs until it is let go, and says when it has begun.
struct Hang {
  std::shared_ptr<std::promise<void>> begun = std::make_shared<std::promise<void>>();
  std::shared_ptr<std::promise<void>> let_go = std::make_shared<std::promise<void>>();
  std::shared_future<void> gone = let_go->get_future().share();

  Result<int> operator()() const {
    begun->set_value();
    gone.wait();
    return 1;
  }
};

TEST(ThreadPool, RefusesWhatIsTooMuchAndTimesOutWhatHangs) {
  Runtime runtime;
  ThreadPool pool(runtime, {.threads = 1, .waiting_calls_max = 1});
  const Hang hang;
  int steps = 0;
  const auto quick = []() -> Result<int> { return 2; };

  const auto hanging = [&]() -> Task<> {
    const Result<int> got = co_await pool.run(hang, milliseconds{50});
    EXPECT_EQ(got.error().code, Errc::timeout);
    ++steps;
  };
  const auto waiting = [&]() -> Task<> {
    const Result<int> got = co_await pool.run(quick, milliseconds{60});
    EXPECT_EQ(got.error().code, Errc::timeout) << "the only thread hangs";
    ++steps;
    hang.let_go->set_value();
    const Result<int> again = co_await pool.run(quick, kLong);
    EXPECT_EQ(*again, 2) << "there is room again, and a thread";
    runtime.stop();
  };
  const auto refused = [&]() -> Task<> {
    const Result<int> got = co_await pool.run(quick, kLong);
    EXPECT_EQ(got.error().code, Errc::exhausted);
    ++steps;
  };
  const Job first = runtime.spawn("hanging", hanging());
  std::vector<Job> others;
  std::thread starter([&] {
    hang.begun->get_future().wait();
    runtime.post([&] {
      others.push_back(runtime.spawn("waiting", waiting()));
      others.push_back(runtime.spawn("refused", refused()));
    });
  });
  runtime.run();
  starter.join();
  EXPECT_EQ(steps, 3);
}

TEST(ThreadPool, AHungCallHoldsUpNeitherItsCallerNorTheEnd) {
  const Hang hang;
  {
    Runtime runtime;
    ThreadPool pool(runtime, {.threads = 2, .waiting_calls_max = 2});
    const auto got = run_until_done(runtime, pool.run(hang, milliseconds{10}));
    EXPECT_EQ(got.error().code, Errc::timeout);
  }
  hang.let_go->set_value();  // the thread ends after its pool and its runtime
}

TEST(ThreadPool, ACallerThatIsCancelledIsForgotten) {
  Runtime runtime;
  ThreadPool pool(runtime, {.threads = 1, .waiting_calls_max = 1});
  const Hang hang;
  Job job = runtime.spawn("cancelled", [](ThreadPool& p, Hang call) -> Task<> {
    const Result<int> got = co_await p.run(call, kLong);
    ADD_FAILURE() << got.has_value();
  }(pool, hang));
  std::thread canceller([&] {
    hang.begun->get_future().wait();
    runtime.post([&] { job.cancel(); });
  });
  const Job last = runtime.spawn("last", [](Runtime& r, Job& other) -> Task<> {
    const auto executor = co_await asio::this_coro::executor;
    while (!other.done()) co_await asio::post(executor, asio::use_awaitable);
    r.stop();
  }(runtime, job));
  runtime.run();
  canceller.join();
  hang.let_go->set_value();
}

TEST(ThreadPool, ACallerThatIsCancelledWhenTheCallIsDoneHearsNothingOfIt) {
  for (const milliseconds timeout : {milliseconds(kLong), milliseconds(50)}) {  // done, and late
    SCOPED_TRACE(timeout.count());
    Runtime runtime;
    ThreadPool pool(runtime, {.threads = 1, .waiting_calls_max = 1});
    const Hang hang;
    Job job = runtime.spawn("cancelled", [](ThreadPool& p, Hang call, milliseconds patience) -> Task<> {
      const Result<int> got = co_await p.run(call, patience);
      ADD_FAILURE() << got.has_value();
    }(pool, hang, timeout));
    runtime.post([&] {  // the control thread is busy while the call begins and ends, and its time runs out
      hang.begun->get_future().wait();
      if (timeout == kLong) hang.let_go->set_value();
      std::this_thread::sleep_for(milliseconds{100});
      runtime.post([&] {
        job.cancel();
        runtime.post([&runtime] { runtime.post([&runtime] { runtime.stop(); }); });
      });
    });
    runtime.run();
    EXPECT_TRUE(job.done());
    if (timeout != kLong) hang.let_go->set_value();
  }
}

TEST(Resolve, YieldsTheAddressesOfLocalhost) {
  Runtime runtime;
  ThreadPool pool(runtime, {});
  const auto got = run_until_done(runtime, resolve(pool, "localhost", kLong));
  ASSERT_TRUE(got);
  ASSERT_FALSE(got->empty());
  for (const auto& address : *got) EXPECT_TRUE(address.is_loopback()) << address;
}

TEST(Resolve, AnAddressIsItself) {
  for (const char* text : {"192.0.2.7", "2001:db8::7"}) {
    Runtime runtime;
    ThreadPool pool(runtime, {.threads = 0, .waiting_calls_max = 0});
    const auto got = run_until_done(runtime, resolve(pool, text, kLong));
    ASSERT_TRUE(got);
    ASSERT_EQ(got->size(), 1U);
    EXPECT_EQ(got->front().to_string(), text);
  }
}

TEST(Resolve, ANameThatCannotBeIsNotFound) {
  Runtime runtime;
  ThreadPool pool(runtime, {});
  const std::string name(300, 'x');
  const auto got = run_until_done(runtime, resolve(pool, name, kLong));
  ASSERT_FALSE(got);
  EXPECT_EQ(got.error().code, Errc::not_found);
}

}  // namespace
}  // namespace holdfast::control
