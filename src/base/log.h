// base/log.h: the log of the process, to standard error.
//
// Thread: any; workers do not log themselves, they post what happened to control, which does.
// Cost:   a line is put in a bounded queue and written by a thread of its own. Nobody waits for the sink:
//         when the queue is full its oldest line is dropped and counted.
// Limits: 8,192 lines in the queue; a line is cut at 4,000 bytes (and says so), so that a pipe takes it whole.
// Safety: what a peer sent goes into fields. No value can end a line or begin another field: in text, a value with a
//         space, quote, '=', backslash or control character is written as a JSON string. Bytes that are not UTF-8
//         become U+FFFD.
#pragma once

#include <fmt/format.h>

#include <chrono>
#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <variant>

namespace holdfast::base {

enum class LogLevel : std::uint8_t { trace, debug, info, warning, error };
enum class LogFormat : std::uint8_t { text, json };

struct LogSettings {
  LogLevel level = LogLevel::info;
  LogFormat format = LogFormat::text;
};

// One thing that a line says: key=value in text, "key":value in JSON.
struct LogField {
  std::string_view key;
  std::variant<std::string, std::int64_t, double> value;
};

// Starts the log; before this, and after stop_log(), lines are dropped. While it runs, changes its settings.
void start_log(LogSettings settings);
// Writes what is queued, for at most `patience` and 100 ms, then stops. A sink that nobody reads cannot hold the process.
void stop_log(std::chrono::milliseconds patience = std::chrono::seconds{1});

[[nodiscard]] bool log_enabled(LogLevel level) noexcept;
void log(LogLevel level, std::string_view message, std::initializer_list<LogField> fields = {});

// Lines that were dropped because the sink did not keep up.
[[nodiscard]] std::uint64_t log_lines_dropped() noexcept;

inline void log_info(std::string_view message, std::initializer_list<LogField> fields = {}) {
  log(LogLevel::info, message, fields);
}
inline void log_warning(std::string_view message, std::initializer_list<LogField> fields = {}) {
  log(LogLevel::warning, message, fields);
}
inline void log_error(std::string_view message, std::initializer_list<LogField> fields = {}) {
  log(LogLevel::error, message, fields);
}

}  // namespace holdfast::base
