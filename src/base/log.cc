// How a line is made (on the caller's thread) and how it reaches standard error (on the log's own thread).
#include "base/log.h"

#include <fmt/chrono.h>
#include <poll.h>
#include <spdlog/async_logger.h>
#include <spdlog/details/thread_pool.h>
#include <spdlog/sinks/sink.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cmath>
#include <future>
#include <memory>
#include <mutex>
#include <thread>
#include <utility>

namespace holdfast::base {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::size_t kQueueLinesMax = 8192;
constexpr std::size_t kLineBytesMax = 4000;
constexpr std::size_t kEndBytesMax = 16;  // what closes a line that was cut: `","cut":true}` and the newline
constexpr std::chrono::milliseconds kPollStep{20};
constexpr std::chrono::milliseconds kStopMargin{100};  // for the sink to notice that it is time, and drop the rest

const char* name(LogLevel level) {
  switch (level) {
    case LogLevel::trace: return "trace";
    case LogLevel::debug: return "debug";
    case LogLevel::info: return "info";
    case LogLevel::warning: return "warn";
    case LogLevel::error: return "error";
  }
  return "unknown";
}

// The first character of a text. An invalid sequence counts as one byte and has no code point.
struct Character {
  std::uint32_t code_point = 0;
  std::size_t length = 1;
  bool valid = false;
};

Character first_character(std::string_view text) {
  const auto byte = [text](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  if (byte(0) < 0x80) return {byte(0), 1, true};
  const std::size_t length = byte(0) >= 0xf0 ? 4 : byte(0) >= 0xe0 ? 3 : 2;
  if (byte(0) < 0xc2 || byte(0) > 0xf4 || text.size() < length) return {};
  std::uint32_t code_point = byte(0) & (0x7fU >> length);
  for (std::size_t i = 1; i < length; ++i) {
    if ((byte(i) & 0xc0) != 0x80) return {};
    code_point = code_point << 6 | (byte(i) & 0x3fU);
  }
  constexpr std::uint32_t kSmallest[] = {0, 0, 0x80, 0x800, 0x10000};
  const bool surrogate = code_point >= 0xd800 && code_point <= 0xdfff;
  if (code_point < kSmallest[length] || code_point > 0x10ffff || surrogate) return {};
  return {code_point, length, true};
}

// Characters that a terminal obeys or that some reader takes for the end of a line.
bool is_control(std::uint32_t code_point) {
  return code_point < 0x20 || (code_point >= 0x7f && code_point < 0xa0) || code_point == 0x2028 || code_point == 0x2029;
}

// Appends to a line, and refuses what would make it too long: from then on the line is cut.
class Line {
 public:
  [[nodiscard]] bool cut() const noexcept { return cut_; }
  void put(std::string_view piece) {
    cut_ = cut_ || text_.size() + piece.size() > kLineBytesMax - kEndBytesMax;
    if (!cut_) text_ += piece;
  }
  // As inside a JSON string; an invalid byte becomes U+FFFD.
  void put_escaped(std::string_view text) { put_each(text, &Line::put_escaped_character); }
  // Quotes and backslashes stay as they are; only what could break the line is escaped.
  void put_plain(std::string_view text) { put_each(text, &Line::put_plain_character); }
  void put_quoted(std::string_view text);
  // For what ends the line, which always has room.
  void end(std::string_view piece) { text_ += piece; }
  [[nodiscard]] const std::string& text() const noexcept { return text_; }

 private:
  using PutCharacter = void (Line::*)(Character, std::string_view bytes);
  void put_each(std::string_view text, PutCharacter put_character);
  void put_escaped_character(Character character, std::string_view bytes);
  void put_plain_character(Character character, std::string_view bytes);

  std::string text_;
  bool cut_ = false;
};

void Line::put_escaped_character(Character character, std::string_view bytes) {
  if (!character.valid) return put("\\ufffd");
  switch (character.code_point) {
    case '"': return put("\\\"");
    case '\\': return put("\\\\");
    case '\n': return put("\\n");
    case '\r': return put("\\r");
    case '\t': return put("\\t");
    default: return is_control(character.code_point) ? put(fmt::format("\\u{:04x}", character.code_point)) : put(bytes);
  }
}

void Line::put_plain_character(Character character, std::string_view bytes) {
  const bool harmless = character.valid && !is_control(character.code_point);
  return harmless ? put(bytes) : put_escaped_character(character, bytes);
}

void Line::put_each(std::string_view text, PutCharacter put_character) {
  while (!text.empty() && !cut_) {
    const Character character = first_character(text);
    (this->*put_character)(character, text.substr(0, character.length));
    text.remove_prefix(character.length);
  }
}

void Line::put_quoted(std::string_view text) {
  put("\"");
  if (cut_) return;
  put_escaped(text);
  end("\"");
}

// A value that stands without quotes cannot be mistaken for the end of itself.
bool may_stand_bare(std::string_view text) {
  if (text.empty()) return false;
  while (!text.empty()) {
    const Character character = first_character(text);
    const std::uint32_t c = character.code_point;
    if (!character.valid || is_control(c) || c == ' ' || c == '"' || c == '=' || c == '\\') return false;
    text.remove_prefix(character.length);
  }
  return true;
}

std::string timestamp() {
  using std::chrono::milliseconds;
  using std::chrono::seconds;
  const auto now = std::chrono::time_point_cast<milliseconds>(std::chrono::system_clock::now());
  const auto second = std::chrono::floor<seconds>(now);
  return fmt::format("{:%Y-%m-%dT%H:%M:%S}.{:03}Z", fmt::gmtime(std::chrono::system_clock::to_time_t(second)),
                     (now - second).count());
}

std::string number_text(const LogField& field) {
  if (const auto* integer = std::get_if<std::int64_t>(&field.value)) return fmt::format("{}", *integer);
  return fmt::format("{}", std::get<double>(field.value));
}

void put_text_field(Line& line, const LogField& field) {
  line.put(" ");
  line.put_plain(field.key);
  line.put("=");
  const auto* text = std::get_if<std::string>(&field.value);
  if (text == nullptr) return line.put(number_text(field));
  return may_stand_bare(*text) ? line.put_plain(*text) : line.put_quoted(*text);
}

std::string text_line(LogLevel level, std::string_view message, std::initializer_list<LogField> fields) {
  Line line;
  line.put(fmt::format("{} {:5} ", timestamp(), name(level)));
  line.put_plain(message);
  for (const LogField& field : fields) put_text_field(line, field);
  line.end(line.cut() ? " cut=true\n" : "\n");
  return line.text();
}

void put_json_field(Line& line, const LogField& field) {
  Line key;
  key.put_quoted(field.key);
  if (const auto* text = std::get_if<std::string>(&field.value)) {
    line.put("," + key.text() + ":\"");
    if (line.cut()) return;
    line.put_escaped(*text);
    return line.end("\"");
  }
  const auto* real = std::get_if<double>(&field.value);
  const bool has_no_number = real != nullptr && !std::isfinite(*real);
  line.put("," + key.text() + ":" + (has_no_number ? "null" : number_text(field)));
}

std::string json_line(LogLevel level, std::string_view message, std::initializer_list<LogField> fields) {
  Line line;
  line.put(fmt::format(R"({{"time":"{}","level":"{}","message":)", timestamp(), name(level)));
  line.put_quoted(message);
  for (const LogField& field : fields) put_json_field(line, field);
  line.end(line.cut() ? ",\"cut\":true}\n" : "}\n");
  return line.text();
}

// Writes whole lines to standard error. Runs on the log's thread, except stop_at() and dropped().
class StderrSink final : public spdlog::sinks::sink {
 public:
  void log(const spdlog::details::log_msg& line) override {
    if (!write_all({line.payload.data(), line.payload.size()})) dropped_.fetch_add(1, std::memory_order_relaxed);
  }
  void flush() override {}
  void set_pattern(const std::string&) override {}
  void set_formatter(std::unique_ptr<spdlog::formatter>) override {}

  // From `time` on nothing waits any more: a line that cannot be written at once is dropped.
  void stop_at(Clock::time_point time) noexcept { stop_at_.store(time, std::memory_order_relaxed); }
  [[nodiscard]] std::uint64_t dropped() const noexcept { return dropped_.load(std::memory_order_relaxed); }

 private:
  bool write_all(std::string_view bytes) const {
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
  bool wait_writable() const {
    for (;;) {
      pollfd standard_error{STDERR_FILENO, POLLOUT, 0};
      const auto left = stop_at_.load(std::memory_order_relaxed) - Clock::now();
      const auto step = std::clamp<Clock::duration>(left, Clock::duration::zero(), kPollStep);
      const int ready =
          ::poll(&standard_error, 1, static_cast<int>(std::chrono::ceil<std::chrono::milliseconds>(step).count()));
      if (ready > 0) return true;
      if (left <= Clock::duration::zero()) return false;
    }
  }

  // A socket (the journal's) is written without SIGPIPE and without blocking; the rest relies on poll().
  static ssize_t write_some(std::string_view bytes) {
    const ssize_t sent = ::send(STDERR_FILENO, bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent >= 0 || errno != ENOTSOCK) return sent;
    return ::write(STDERR_FILENO, bytes.data(), bytes.size());
  }

  std::atomic<Clock::time_point> stop_at_{Clock::time_point::max()};
  std::atomic<std::uint64_t> dropped_{0};
};

// The parts of a running log. The queue holds the logger, and that the sink, for each line that waits.
struct Running {
  std::shared_ptr<StderrSink> sink = std::make_shared<StderrSink>();
  std::shared_ptr<spdlog::details::thread_pool> pool =
      std::make_shared<spdlog::details::thread_pool>(kQueueLinesMax, 1);
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

// The pool's destructor writes the rest and joins its thread. Should that thread hang in a write() that nothing ends,
// it is left behind with its pool: the end of the process takes both.
void drain(std::shared_ptr<spdlog::details::thread_pool> pool, Clock::time_point give_up_at) {
  std::promise<void> drained;
  std::future<void> done = drained.get_future();
  std::thread closer([pool = std::move(pool), drained = std::move(drained)]() mutable {
    pool.reset();
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
  const std::uint64_t overrun = running->pool->overrun_counter();
  drain(std::move(running->pool), stop_at + kStopMargin);
  const std::scoped_lock lock(log.mutex);
  log.dropped_before += overrun + running->sink->dropped();
}

bool log_enabled(LogLevel level) noexcept {
  return static_cast<int>(level) >= the_log().level.load(std::memory_order_relaxed);
}

void log(LogLevel level, std::string_view message, std::initializer_list<LogField> fields) {
  if (!log_enabled(level)) return;
  Log& log = the_log();
  const bool json = log.format.load(std::memory_order_relaxed) == LogFormat::json;
  const std::string line = json ? json_line(level, message, fields) : text_line(level, message, fields);
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
