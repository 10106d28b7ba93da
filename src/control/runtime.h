// control/runtime.h: the control thread, which runs everything that is counted in thousands and talks to the world.
//
// Thread:   the one that calls run(). post() and stop() from any thread; all else on the control thread, or before
//           run().
// Lifetime: made first, destroyed last.
// Shutdown: destroy or stop() what works on it (servers, tickers, wake-ups, jobs), then stop(); run() returns; what
//           still waits is then destroyed with the runtime, without running again.
// Errors:   an exception that escapes a task or a callback is a programming error: it is logged and ends the process.
#pragma once

#include <functional>
#include <initializer_list>
#include <memory>

#include "control/task.h"

namespace boost::asio {
class io_context;
}

namespace holdfast::control {

// Owns a running coroutine. Destroying it or cancel() ends the coroutine at the wait it is in: the wait throws
// operation_aborted, in a later turn of the control thread. So a coroutine keeps alive itself (by shared_ptr or by
// value) what it touches on its way out. Control thread only.
class Job {
 public:
  Job() = default;
  Job(Job&&) = default;
  Job& operator=(Job&& other) noexcept;
  ~Job() { cancel(); }

  void cancel() noexcept;  // no-op when there is nothing to end
  [[nodiscard]] bool done() const noexcept;

 private:
  friend class Runtime;
  struct State;
  explicit Job(std::shared_ptr<State> state) : state_(std::move(state)) {}

  std::shared_ptr<State> state_;
};

class Runtime {
 public:
  Runtime();
  ~Runtime();
  Runtime(const Runtime&) = delete;
  Runtime& operator=(const Runtime&) = delete;

  // Makes the calling thread the control thread until stop().
  void run();
  void stop() noexcept;
  // Runs `work` on the control thread, in a later turn and in order. Unbounded: callers bound themselves.
  void post(std::function<void()> work);

  // Calls `on_signal` on the control thread for each of `signals`, from now on. Call it before the first
  // thread is started: the signals are blocked, and threads inherit that.
  void on_signals(std::initializer_list<int> signals, std::function<void(int signal)> on_signal);

  // Starts `task`: on the running control thread at once, up to its first wait; before run(), with its first turn.
  // `name`, a literal, is for the log.
  [[nodiscard]] Job spawn(const char* name, Task<> task);

  // Ends the process when called from a thread that has no business here.
  void assert_control_thread() const noexcept;
  [[nodiscard]] boost::asio::io_context& context() noexcept;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace holdfast::control
