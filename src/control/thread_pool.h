// control/thread_pool.h: a few threads for calls that block: name resolution, database clients, password hashes.
//
// Thread:   run() on the control thread; the call runs on one of the pool's threads, its result comes back to control.
// Limits:   threads and waiting calls as given; one more call than that fails at once with `exhausted`. A call that
//           hangs occupies its thread until it returns, but its caller goes on at the timeout.
// Lifetime: destroyed before the runtime. The destructor drops what waits, gives the calls under way 100 ms, and leaves
//           behind a thread that still hangs then, so a call must own what it touches.
#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <type_traits>
#include <utility>

#include "base/result.h"
#include "control/runtime.h"

namespace holdfast::control {

struct ThreadPoolLimits {
  std::size_t threads = 4;
  std::size_t waiting_calls_max = 64;
};

class ThreadPool {
 public:
  ThreadPool(Runtime& runtime, ThreadPoolLimits limits);
  ~ThreadPool();
  ThreadPool(const ThreadPool&) = delete;
  ThreadPool& operator=(const ThreadPool&) = delete;

  // Awaits `call`, which returns some Result<T> and does not throw.
  // Errors: those of the call; exhausted when the pool is full; timeout.
  template <typename Call>
  [[nodiscard]] Task<std::invoke_result_t<Call&>> run(Call call, std::chrono::milliseconds timeout) {
    return run_on(state_, std::move(call), timeout);
  }

 private:
  struct State;
  static Task<base::Result<void>> run_work(std::shared_ptr<State> state, std::function<void()> work,
                                           std::chrono::milliseconds timeout);

  template <typename Call>
  static Task<std::invoke_result_t<Call&>> run_on(std::shared_ptr<State> state, Call call,
                                                  std::chrono::milliseconds timeout) {
    auto outcome = std::make_shared<std::optional<std::invoke_result_t<Call&>>>();
    std::function<void()> work = [outcome, call = std::move(call)]() mutable { outcome->emplace(call()); };
    const base::Result<void> ran = co_await run_work(std::move(state), std::move(work), timeout);
    if (!ran) co_return ran.error();
    co_return std::move(**outcome);
  }

  std::shared_ptr<State> state_;
};

}  // namespace holdfast::control
