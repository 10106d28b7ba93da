#include "control/runtime.h"

#include <pthread.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <atomic>
#include <boost/asio.hpp>
#include <cstdlib>
#include <deque>
#include <exception>
#include <optional>
#include <string>
#include <thread>

#include "base/log.h"
#include "control/descriptor_watch.h"

namespace holdfast::control {
namespace asio = boost::asio;
namespace {

std::string text_of(const std::exception_ptr& exception) {
  try {
    std::rethrow_exception(exception);
  } catch (const std::exception& error) {
    return error.what();
  } catch (...) {
    return "not a std::exception";
  }
}

[[noreturn]] void end_process(const char* where, const std::exception_ptr& exception) {
  base::log_error("an exception escaped; the process ends", {{"where", where}, {"exception", text_of(exception)}});
  base::stop_log();
  std::abort();
}

bool is_operation_aborted(const std::exception_ptr& exception) {
  try {
    std::rethrow_exception(exception);
  } catch (const boost::system::system_error& error) {
    return error.code() == asio::error::operation_aborted;
  } catch (...) {
    return false;
  }
}

}  // namespace

struct Job::State {
  explicit State(asio::io_context& of) : context(of) {}

  asio::io_context& context;
  asio::cancellation_signal signal;
  const char* name = "";
  bool cancelled = false;
  bool done = false;
};

namespace {

// The completion handler of a job. It dies with the coroutine, also when the runtime is destroyed under it.
template <typename State>
struct Ending {
  explicit Ending(std::shared_ptr<State> job) : state(std::move(job)) {}
  Ending(Ending&&) = default;
  Ending& operator=(Ending&&) = default;
  ~Ending() {
    if (state != nullptr) state->done = true;
  }

  void operator()(const std::exception_ptr& exception) const {
    if (exception == nullptr || (state->cancelled && is_operation_aborted(exception))) return;
    end_process(state->name, exception);
  }

  std::shared_ptr<State> state;
};

}  // namespace

Job& Job::operator=(Job&& other) noexcept {
  if (this != &other) cancel();
  state_ = std::move(other.state_);
  return *this;
}

void Job::cancel() noexcept {
  if (state_ == nullptr || state_->done || state_->cancelled) return;
  const std::shared_ptr<State> state = state_;  // the coroutine may end, and destroy this Job, before emit() returns
  state->cancelled = true;
  // Outside of run() Asio would put the signal off and keep a bare pointer to what may have ended by then.
  const auto emit = [state] {
    if (!state->done) state->signal.emit(asio::cancellation_type::terminal);
  };
  state->context.get_executor().running_in_this_thread() ? emit() : asio::post(state->context, emit);
}

bool Job::done() const noexcept { return state_ == nullptr || state_->done; }

struct Runtime::State {
  asio::io_context context{1};
  asio::executor_work_guard<asio::io_context::executor_type> work = asio::make_work_guard(context);
  std::atomic<std::thread::id> control_thread{};  // none while run() is not under way

  // Signals as events of a descriptor: they are blocked, so no handler ever interrupts anything.
  struct Signals {
    Signals(asio::io_context& context, const sigset_t& set, std::function<void(int)> callback)
        : fd(::signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC)),
          on_signal(std::move(callback)),
          watch(std::in_place, context, fd, [this] { read_all(); }) {}
    ~Signals() {
      watch.reset();
      ::close(fd);
    }
    Signals(const Signals&) = delete;
    Signals& operator=(const Signals&) = delete;

    void read_all() const {
      signalfd_siginfo info{};
      while (::read(fd, &info, sizeof info) == sizeof info) on_signal(static_cast<int>(info.ssi_signo));
    }

    const int fd;
    const std::function<void(int)> on_signal;
    std::optional<DescriptorWatch> watch;  // ends before the descriptor
  };
  std::deque<Signals> signals;  // the addresses stay the same
};

Runtime::Runtime() : state_(std::make_unique<State>()) {}
Runtime::~Runtime() = default;

void Runtime::run() {
  state_->control_thread = std::this_thread::get_id();
  try {
    state_->context.run();
  } catch (...) {
    end_process("a callback of the control thread", std::current_exception());
  }
  state_->control_thread = std::thread::id{};
}

void Runtime::stop() noexcept { state_->context.stop(); }

void Runtime::post(std::function<void()> work) { asio::post(state_->context, std::move(work)); }

void Runtime::on_signals(std::initializer_list<int> signals, std::function<void(int signal)> on_signal) {
  assert_control_thread();
  sigset_t set;
  ::sigemptyset(&set);
  for (const int signal : signals) ::sigaddset(&set, signal);
  ::pthread_sigmask(SIG_BLOCK, &set, nullptr);
  state_->signals.emplace_back(state_->context, set, std::move(on_signal));
}

Job Runtime::spawn(const char* name, Task<> task) {
  assert_control_thread();
  auto job = std::make_shared<Job::State>(state_->context);
  job->name = name;
  asio::co_spawn(state_->context, std::move(task), asio::bind_cancellation_slot(job->signal.slot(), Ending(job)));
  return Job(std::move(job));
}

void Runtime::assert_control_thread() const noexcept {
  const std::thread::id control_thread = state_->control_thread;
  if (control_thread != std::thread::id{} && control_thread != std::this_thread::get_id()) std::abort();
}

boost::asio::io_context& Runtime::context() noexcept { return state_->context; }

}  // namespace holdfast::control
