// How a line reaches standard error, on the log's own thread.
#include "base/log.h"

#include <poll.h>
#include <spdlog/async_logger.h>
#include <spdlog/details/thread_pool.h>
#include <spdlog/sinks/sink.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <future>
#include <memory>
#include <mutex>
#include <thread>
#include <utility>

#include "base/thread.h"

namespace holdfast::base {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::size_t kQueueLinesMax = 8192;
constexpr std::chrono::milliseconds kPollStep{20};
constexpr std::chrono::milliseconds kStopMargin{500};  // for the sink to notice that it is time, and drop the rest

// Writes whole lines to standard error. Runs on the log's thread, except stop_at() and dropped().
class StderrSink final : public spdlog::sinks::sink {
 public:
  void log(const spdlog::details::log_msg& line) override {
    const bool written = !gave_up_ && write_all({line.payload.data(), line.payload.size()});
    if (!written) dropped_.fetch_add(1, std::memory_order_relaxed);
  }
  void flush() override {}
  void set_pattern(const std::string&) override {}
  void set_formatter(std::unique_ptr<spdlog::formatter>) override {}

  // From `time` on nothing waits any more: the first line that cannot be written at once is dropped, and all after it.
  void stop_at(Clock::time_point time) noexcept { stop_at_.store(time, std::memory_order_relaxed); }
  [[nodiscard]] std::uint64_t dropped() const noexcept { return dropped_.load(std::memory_order_relaxed); }

 private:
  bool write_all(std::string_view bytes) {
    while (!bytes.empty()) {
      if (!wait_writable()) return false;
      const ssize_t written = write_some(bytes);
      if (written >= 0) {
        bytes.remove_prefix(static_cast<std::size_t>(written));
      } else if (errno != EINTR && errno != EAGAIN) {
        return false;
      }
    }
    return true;
  }

  // False when it is time to stop. A pipe that polls writable takes a whole line.
  bool wait_writable() {
    while (!gave_up_) {
      pollfd standard_error{STDERR_FILENO, POLLOUT, 0};
      const auto left = stop_at_.load(std::memory_order_relaxed) - Clock::now();
      const auto step = std::clamp<Clock::duration>(left, Clock::duration::zero(), kPollStep);
      const int ready =
          ::poll(&standard_error, 1, static_cast<int>(std::chrono::ceil<std::chrono::milliseconds>(step).count()));
      if (ready > 0) return true;
      gave_up_ = left <= Clock::duration::zero();
    }
    return false;
  }

  // A socket (the journal's) is written without SIGPIPE and without blocking; the rest relies on poll().
  static ssize_t write_some(std::string_view bytes) {
    const ssize_t sent = ::send(STDERR_FILENO, bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent >= 0 || errno != ENOTSOCK) return sent;
    return ::write(STDERR_FILENO, bytes.data(), bytes.size());
  }

  std::atomic<Clock::time_point> stop_at_{Clock::time_point::max()};
  std::atomic<std::uint64_t> dropped_{0};
  bool gave_up_ = false;
};

// The parts of a running log. The queue holds the logger, and that the sink, for each line that waits.
struct Running {
  std::shared_ptr<StderrSink> sink = std::make_shared<StderrSink>();
  std::shared_ptr<spdlog::details::thread_pool> pool =
      std::make_shared<spdlog::details::thread_pool>(kQueueLinesMax, 1, [] { begin_thread("log"); });
  std::shared_ptr<spdlog::async_logger> logger =
      std::make_shared<spdlog::async_logger>("holdfast", sink, pool, spdlog::async_overflow_policy::overrun_oldest);

  [[nodiscard]] std::uint64_t dropped() const { return pool->overrun_counter() + sink->dropped(); }
};

constexpr int kOff = 255;

// Never destroyed: a thread that outlives main() may still log.
struct Log {
  std::atomic<int> level{kOff};
  std::atomic<LogFormat> format{LogFormat::text};
  std::mutex mutex;  // guards the rest
  std::unique_ptr<Running> running;
  std::uint64_t dropped_before = 0;  // by logs that were stopped
};

Log& the_log() {
  static Log& log = *new Log;
  return log;
}

// The pool's destructor writes the rest and joins its thread.
void finish(std::unique_ptr<Running> running) {
  const std::uint64_t overrun = running->pool->overrun_counter();
  running->pool.reset();
  Log& log = the_log();
  const std::scoped_lock lock(log.mutex);
  log.dropped_before += overrun + running->sink->dropped();
}

// Should the pool's thread hang in a write() that nothing ends, it is left behind with all that it
// uses: the end of the process takes them.
void drain(std::unique_ptr<Running> running, Clock::time_point give_up_at) {
  std::promise<void> drained;
  std::future<void> done = drained.get_future();
  std::thread closer([running = std::move(running), drained = std::move(drained)]() mutable {
    finish(std::move(running));
    drained.set_value();
  });
  if (done.wait_until(give_up_at) == std::future_status::ready) {
    closer.join();
  } else {
    closer.detach();
  }
}

}  // namespace

void start_log(LogSettings settings) {
  Log& log = the_log();
  const std::scoped_lock lock(log.mutex);
  log.format = settings.format;
  log.level = static_cast<int>(settings.level);
  if (log.running != nullptr) return;
  log.running = std::make_unique<Running>();
  log.running->logger->set_level(spdlog::level::trace);
}

void stop_log(std::chrono::milliseconds patience) {
  Log& log = the_log();
  std::unique_ptr<Running> running;
  {
    const std::scoped_lock lock(log.mutex);
    log.level = kOff;
    running.swap(log.running);
  }
  if (running == nullptr) return;
  const auto stop_at = Clock::now() + patience;
  running->sink->stop_at(stop_at);
  drain(std::move(running), stop_at + kStopMargin);
}

bool log_enabled(LogLevel level) noexcept {
  return static_cast<int>(level) >= the_log().level.load(std::memory_order_relaxed);
}

void log(LogLevel level, std::string_view message, std::initializer_list<LogField> fields) {
  if (!log_enabled(level)) return;
  Log& log = the_log();
  const LogRecord record{level, std::chrono::system_clock::now(), message, fields};
  const std::string line = log_line(log.format.load(std::memory_order_relaxed), record);
  // Held while the line is queued, so that stop_log() has the pool to itself; the queue has a lock of its own anyway.
  const std::scoped_lock lock(log.mutex);
  if (log.running != nullptr) log.running->logger->log(spdlog::level::info, spdlog::string_view_t(line));
}

std::uint64_t log_lines_dropped() noexcept {
  Log& log = the_log();
  const std::scoped_lock lock(log.mutex);
  return log.dropped_before + (log.running == nullptr ? 0 : log.running->dropped());
}

}  // namespace holdfast::base
