// base/log_line.h: one line of the log, as text or as a JSON object. Pure.
//
// Thread: any. Cost: one pass; one string, and one for each number.
// Limits: a line is cut at 4,000 bytes, its end included, between two characters (and says so): a pipe takes it whole.
// Safety: what a peer sent goes into fields. No value can end a line or begin another field: in text, a value with a
//         space, quote, '=', backslash or control character is written as a JSON string. Bytes that are
//         not UTF-8 become U+FFFD.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <variant>

namespace holdfast::base {

inline constexpr std::size_t kLogLineBytesMax = 4000;

enum class LogLevel : std::uint8_t { trace, debug, info, warning, error };
enum class LogFormat : std::uint8_t { text, json };

// One thing that a line says: key=value in text, "key":value in JSON.
struct LogField {
  std::string_view key;
  std::variant<std::string, std::int64_t, double> value;
};

// What a line says. Borrows everything.
struct LogRecord {
  LogLevel level = LogLevel::info;
  std::chrono::system_clock::time_point time;  // shown in UTC, with milliseconds
  std::string_view message;
  std::span<const LogField> fields;
};

// The line, with its newline. In JSON, a number that is none (infinite, NaN) is null.
[[nodiscard]] std::string log_line(LogFormat format, const LogRecord& record);

}  // namespace holdfast::base
