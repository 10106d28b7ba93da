// base/log.h: the log of the process, to standard error.
//
// Thread: any; workers do not log themselves, they post what happened to control, which does.
// Cost:   the caller makes the line (log_line.h); it is put in a bounded queue and written by a thread of its own.
//         Nobody waits for the sink: when the queue is full its oldest line is dropped and counted.
// Limits: 8,192 lines in the queue, of at most 4,000 bytes.
// Safety: what a peer sent goes into fields: no value can end a line or begin another field.
#pragma once

#include <chrono>
#include <cstdint>
#include <initializer_list>
#include <string_view>

#include "base/log_line.h"

namespace holdfast::base {

struct LogSettings {
  LogLevel level = LogLevel::info;
  LogFormat format = LogFormat::text;
};

// Starts the log; before this, and after stop_log(), lines are dropped. While it runs, changes its settings.
void start_log(LogSettings settings);
// Writes what is queued, for at most `patience` and half a second, then stops. A sink that nobody reads
// cannot hold the process.
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
