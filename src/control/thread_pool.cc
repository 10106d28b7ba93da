#include "control/thread_pool.h"

#include <algorithm>
#include <boost/asio.hpp>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <thread>
#include <unordered_map>

#include "base/thread.h"

namespace holdfast::control {
namespace asio = boost::asio;
namespace {

constexpr std::chrono::milliseconds kHangPatience{100};
constexpr base::Error kFull{base::Errc::exhausted, base::Side::internal, 0, "thread pool"};
constexpr base::Error kTimeout{base::Errc::timeout, base::Side::internal, 0, "thread pool"};

using CallId = std::uint64_t;

}  // namespace

// Shared by the pool, its threads and those who wait, so that a thread that hangs can be left behind.
struct ThreadPool::State {
  struct Call {
    CallId id;
    std::function<void()> work;
  };
  // Lives in the frame of the coroutine that awaits the call.
  struct Waiter {
    Waiter(std::shared_ptr<State> pool, CallId call, asio::steady_timer expiry)
        : state(std::move(pool)), id(call), timer(std::move(expiry)) {
      state->waiters.emplace(id, this);
    }
    ~Waiter() { state->forget(id); }
    Waiter(const Waiter&) = delete;
    Waiter& operator=(const Waiter&) = delete;

    const std::shared_ptr<State> state;
    const CallId id;
    asio::steady_timer timer;  // expires at the timeout; cancelled when the call is done
    bool done = false;
  };

  // Any thread, under `mutex`.
  std::mutex mutex;
  std::condition_variable changed;
  std::deque<Call> waiting;
  std::size_t idle_threads = 0;
  std::size_t living_threads = 0;
  Runtime* runtime = nullptr;  // null once the pool is being destroyed

  // The control thread only.
  std::unordered_map<CallId, Waiter*> waiters;
  CallId last_id = 0;
  std::size_t waiting_calls_max = 0;

  static void work(const std::shared_ptr<State>& state);
  bool submit(CallId id, std::function<void()> call);
  void on_done(CallId id);
  void forget(CallId id);
};

void ThreadPool::State::work(const std::shared_ptr<State>& state) {
  base::begin_thread("pool");
  std::unique_lock lock(state->mutex);
  while (state->runtime != nullptr) {
    if (state->waiting.empty()) {
      ++state->idle_threads;
      state->changed.wait(lock);
      --state->idle_threads;
      continue;
    }
    Call call = std::move(state->waiting.front());
    state->waiting.pop_front();
    lock.unlock();
    call.work();
    call.work = nullptr;
    lock.lock();
    if (state->runtime != nullptr) state->runtime->post([state, id = call.id] { state->on_done(id); });
  }
  --state->living_threads;
  state->changed.notify_all();
}

bool ThreadPool::State::submit(CallId id, std::function<void()> call) {
  const std::scoped_lock lock(mutex);
  if (runtime == nullptr || waiting.size() >= waiting_calls_max + idle_threads) return false;
  waiting.push_back({id, std::move(call)});
  changed.notify_one();
  return true;
}

void ThreadPool::State::on_done(CallId id) {
  const auto found = waiters.find(id);
  if (found == waiters.end()) return;  // it gave up
  found->second->done = true;
  found->second->timer.cancel();
}

// Nobody waits for this call any more: it need not begin.
void ThreadPool::State::forget(CallId id) {
  waiters.erase(id);
  const std::scoped_lock lock(mutex);
  std::erase_if(waiting, [id](const Call& call) { return call.id == id; });
}

ThreadPool::ThreadPool(Runtime& runtime, ThreadPoolLimits limits) : state_(std::make_shared<State>()) {
  state_->runtime = &runtime;
  state_->waiting_calls_max = limits.waiting_calls_max;
  state_->living_threads = limits.threads;
  for (std::size_t i = 0; i < limits.threads; ++i) std::thread(&State::work, state_).detach();
}

ThreadPool::~ThreadPool() {
  std::deque<State::Call> dropped;  // destroyed without the lock
  std::unique_lock lock(state_->mutex);
  state_->runtime = nullptr;
  state_->waiting.swap(dropped);
  state_->changed.notify_all();
  state_->changed.wait_for(lock, kHangPatience, [this] { return state_->living_threads == 0; });
}

Task<base::Result<void>> ThreadPool::run_work(std::shared_ptr<State> state, std::function<void()> work,
                                              std::chrono::milliseconds timeout) {
  const auto executor = co_await asio::this_coro::executor;
  const CallId id = ++state->last_id;
  if (!state->submit(id, std::move(work))) co_return kFull;

  State::Waiter waiter(std::move(state), id, asio::steady_timer(executor, timeout));
  boost::system::error_code error;
  co_await waiter.timer.async_wait(asio::redirect_error(asio::use_awaitable, error));
  // The job that awaits this may be cancelled when the wait has ended already, but this has not gone on yet.
  const asio::cancellation_state job = co_await asio::this_coro::cancellation_state;
  if (job.cancelled() != asio::cancellation_type::none) {
    throw boost::system::system_error(asio::error::operation_aborted);
  }
  if (waiter.done) co_return base::Result<void>();
  if (error) throw boost::system::system_error(error);
  co_return kTimeout;
}

}  // namespace holdfast::control
