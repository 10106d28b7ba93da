#include "base/log_line.h"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <cmath>

#include "base/utf8.h"

namespace holdfast::base {
namespace {

constexpr std::size_t kEndBytesMax = 16;  // what closes a line that was cut: `","cut":true}` and the newline

const char* name(LogLevel level) {
  switch (level) {
    case LogLevel::trace: return "trace";
    case LogLevel::debug: return "debug";
    case LogLevel::info: return "info";
    case LogLevel::warning: return "warning";
    case LogLevel::error: return "error";
  }
  return "unknown";
}

// Characters that a terminal obeys or that some reader takes for the end of a line.
bool is_control(char32_t c) { return c < 0x20 || (c >= 0x7f && c < 0xa0) || c == 0x2028 || c == 0x2029; }

bool is_harmless(const Utf8Character& character) { return character.code_point && !is_control(*character.code_point); }

// Appends to a line, and refuses what would make it too long: from then on the line is cut.
class Line {
 public:
  [[nodiscard]] bool cut() const noexcept { return cut_; }
  void put(std::string_view piece) {
    cut_ = cut_ || text_.size() + piece.size() > kLogLineBytesMax - kEndBytesMax;
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
  using PutCharacter = void (Line::*)(const Utf8Character& character, std::string_view bytes);
  void put_each(std::string_view text, PutCharacter put_character);
  void put_escaped_character(const Utf8Character& character, std::string_view bytes);
  void put_plain_character(const Utf8Character& character, std::string_view bytes);

  std::string text_;
  bool cut_ = false;
};

void Line::put_escaped_character(const Utf8Character& character, std::string_view bytes) {
  if (!character.code_point) return put("\\ufffd");
  const char32_t c = *character.code_point;
  switch (c) {
    case '"': return put("\\\"");
    case '\\': return put("\\\\");
    case '\n': return put("\\n");
    case '\r': return put("\\r");
    case '\t': return put("\\t");
    default: return is_control(c) ? put(fmt::format("\\u{:04x}", static_cast<std::uint32_t>(c))) : put(bytes);
  }
}

void Line::put_plain_character(const Utf8Character& character, std::string_view bytes) {
  return is_harmless(character) ? put(bytes) : put_escaped_character(character, bytes);
}

void Line::put_each(std::string_view text, PutCharacter put_character) {
  while (!text.empty() && !cut_) {
    const Utf8Character character = first_character(text);
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
  if (text.empty() || text.find_first_of(" \"=\\") != std::string_view::npos) return false;
  while (!text.empty()) {
    const Utf8Character character = first_character(text);
    if (!is_harmless(character)) return false;
    text.remove_prefix(character.length);
  }
  return true;
}

std::string timestamp(std::chrono::system_clock::time_point time) {
  using std::chrono::system_clock;
  const auto second = std::chrono::floor<std::chrono::seconds>(time);
  const auto millisecond = std::chrono::floor<std::chrono::milliseconds>(time - second);
  return fmt::format("{:%Y-%m-%dT%H:%M:%S}.{:03}Z", fmt::gmtime(system_clock::to_time_t(second)), millisecond.count());
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

std::string text_line(const LogRecord& record) {
  Line line;
  line.put(fmt::format("{} {:7} ", timestamp(record.time), name(record.level)));
  line.put_plain(record.message);
  for (const LogField& field : record.fields) put_text_field(line, field);
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

std::string json_line(const LogRecord& record) {
  Line line;
  line.put(fmt::format(R"({{"time":"{}","level":"{}","message":)", timestamp(record.time), name(record.level)));
  line.put_quoted(record.message);
  for (const LogField& field : record.fields) put_json_field(line, field);
  line.end(line.cut() ? ",\"cut\":true}\n" : "}\n");
  return line.text();
}

}  // namespace

std::string log_line(LogFormat format, const LogRecord& record) {
  return format == LogFormat::json ? json_line(record) : text_line(record);
}

}  // namespace holdfast::base
