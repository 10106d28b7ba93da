#include "base/log.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <csignal>
#include <cstdlib>
#include <thread>
#include <vector>

namespace holdfast::base {
namespace {

// Puts the writing end of a pipe (or of a socket pair) in the place of standard error while it lives.
class Capture {
 public:
  enum class Kind : std::uint8_t { pipe, socket };

  explicit Capture(Kind kind = Kind::pipe) : saved_(::dup(STDERR_FILENO)) {
    int ends[2];
    const int made = kind == Kind::pipe ? ::pipe2(ends, O_CLOEXEC) : ::socketpair(AF_UNIX, SOCK_STREAM, 0, ends);
    if (made != 0 || saved_ < 0 || ::dup2(ends[1], STDERR_FILENO) < 0) std::abort();
    ::close(ends[1]);
    reading_end_ = ends[0];
  }
  ~Capture() {
    stop_log();
    give_back();
    close_reading_end();
    ::close(saved_);
  }
  Capture(const Capture&) = delete;
  Capture& operator=(const Capture&) = delete;

  void close_reading_end() {
    if (reading_end_ >= 0) ::close(reading_end_);
    reading_end_ = -1;
  }

  // Stops the log and returns every line that it wrote.
  std::string stop_and_read() {
    stop_log();
    give_back();
    return read_all();
  }
  // Everything until the writing end is closed.
  std::string read_all() const {
    std::string all;
    std::vector<char> chunk(65'536);
    for (ssize_t n = 0; (n = ::read(reading_end_, chunk.data(), chunk.size())) > 0;) {
      all.append(chunk.data(), static_cast<std::size_t>(n));
    }
    return all;
  }
  void give_back() const { ::dup2(saved_, STDERR_FILENO); }

 private:
  int saved_;
  int reading_end_ = -1;
};

std::size_t count_lines(std::string_view text) {
  return static_cast<std::size_t>(std::count(text.begin(), text.end(), '\n'));
}

TEST(Log, WritesInTheFormatThatIsSetAndWithTheTime) {
  Capture capture;
  start_log({LogLevel::info, LogFormat::text});
  log_info("x", {{"k", std::string("v")}});
  start_log({LogLevel::info, LogFormat::json});
  log_warning("y");
  std::string lines = capture.stop_and_read();
  EXPECT_FALSE(lines.starts_with("1970")) << lines;
  std::ranges::replace_if(
      lines, [](unsigned char c) { return std::isdigit(c) != 0; }, '0');
  EXPECT_EQ(lines,
            "0000-00-00T00:00:00.000Z info    x k=v\n"
            "{\"time\":\"0000-00-00T00:00:00.000Z\",\"level\":\"warning\",\"message\":\"y\"}\n");
}

TEST(Log, SaysNothingBelowItsLevelBeforeStartAndAfterStop) {
  Capture capture;
  log_error("before");
  EXPECT_FALSE(log_enabled(LogLevel::error));
  start_log({LogLevel::warning, LogFormat::text});
  EXPECT_FALSE(log_enabled(LogLevel::info));
  EXPECT_TRUE(log_enabled(LogLevel::warning));
  log_info("below");
  start_log({LogLevel::info, LogFormat::text});  // once more: only the settings change
  log_info("seen");
  stop_log();
  log_error("after");
  const std::string lines = capture.stop_and_read();
  EXPECT_EQ(count_lines(lines), 1U) << lines;
  EXPECT_TRUE(lines.ends_with("seen\n"));
}

TEST(Log, WritesToASocket) {
  Capture capture(Capture::Kind::socket);
  start_log({});
  for (int i = 0; i < 50; ++i) log_info("x");
  EXPECT_EQ(count_lines(capture.stop_and_read()), 50U);
}

// A pipe holds 64 KiB: far less than what is logged here.
TEST(Log, AStuckSinkHoldsNeitherTheCallerNorTheStop) {
  constexpr std::uint64_t kLines = 50'000;
  constexpr std::chrono::milliseconds kPatience{100};
  for (const Capture::Kind kind : {Capture::Kind::pipe, Capture::Kind::socket}) {
    const std::uint64_t dropped_before = log_lines_dropped();
    Capture capture(kind);
    start_log({});
    for (std::uint64_t i = 0; i < kLines; ++i)
      log_info("a line that nobody reads", {{"padding", std::string(100, 'x')}});
    EXPECT_GT(log_lines_dropped(), dropped_before);

    const auto begin = std::chrono::steady_clock::now();
    stop_log(kPatience);
    EXPECT_LT(std::chrono::steady_clock::now() - begin, kPatience + std::chrono::seconds{10});

    const std::uint64_t dropped = log_lines_dropped() - dropped_before;
    const std::string written = capture.stop_and_read();
    EXPECT_EQ(dropped + count_lines(written), kLines);
  }
}

TEST(Log, ASlowReaderGetsWholeLinesInOrder) {
  constexpr std::uint64_t kLines = 5'000;  // fit in the queue, but not in the pipe
  Capture capture;
  start_log({});
  std::string got;
  std::thread reader([&] { got = capture.read_all(); });
  for (std::uint64_t i = 0; i < kLines; ++i) log_info("line", {{"i", static_cast<std::int64_t>(i)}});
  stop_log(std::chrono::seconds{20});
  capture.give_back();
  reader.join();
  ASSERT_EQ(count_lines(got), kLines);
  std::size_t at = 0;
  for (std::uint64_t i = 0; i < kLines; ++i) {
    const std::size_t end = got.find('\n', at);
    ASSERT_TRUE(got.substr(at, end - at).ends_with(" i=" + std::to_string(i)));
    at = end + 1;
  }
}

TEST(Log, AReaderThatWentAwayCostsOnlyTheLines) {
  std::signal(SIGPIPE, SIG_IGN);  // as main() does
  for (const Capture::Kind kind : {Capture::Kind::pipe, Capture::Kind::socket}) {
    const std::uint64_t dropped_before = log_lines_dropped();
    Capture capture(kind);
    capture.close_reading_end();
    start_log({});
    for (int i = 0; i < 1'000; ++i) log_info("x");
    stop_log();
    EXPECT_EQ(log_lines_dropped() - dropped_before, 1'000U);
  }
  std::signal(SIGPIPE, SIG_DFL);
}

TEST(Log, AClosedStandardErrorCostsOnlyTheLines) {
  const std::uint64_t dropped_before = log_lines_dropped();
  Capture capture;
  ::close(STDERR_FILENO);
  start_log({});
  for (int i = 0; i < 1'000; ++i) log_info("x");
  stop_log();
  EXPECT_EQ(log_lines_dropped() - dropped_before, 1'000U);
}

TEST(Log, ManyThreadsMayLogWhileItStops) {
  constexpr std::uint64_t kEach = 2'000;
  Capture capture;
  start_log({});
  std::string got;
  std::thread reader([&] { got = capture.read_all(); });
  {
    std::vector<std::jthread> writers;
    for (int w = 0; w < 4; ++w) {
      writers.emplace_back([] {
        for (std::uint64_t i = 0; i < kEach; ++i) log_info("x");
      });
    }
    stop_log(std::chrono::seconds{20});
  }
  capture.give_back();
  reader.join();
  EXPECT_LE(count_lines(got), 4 * kEach);
}

}  // namespace
}  // namespace holdfast::base
