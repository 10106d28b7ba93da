#include "base/log_line.h"

#include <gtest/gtest.h>

#include <initializer_list>
#include <limits>

namespace holdfast::base {
namespace {

using std::chrono::milliseconds;
using std::chrono::system_clock;

constexpr system_clock::time_point kTime{milliseconds{1'795'151'777'003}};
constexpr std::string_view kTimeText = "2026-11-20T05:16:17.003Z";

// One line, without its time.
std::string line_of(LogFormat format, LogLevel level, std::string_view message,
                    std::initializer_list<LogField> fields) {
  std::string line = log_line(format, {level, kTime, message, fields});
  const std::size_t time_begins = line.find(kTimeText);
  EXPECT_LT(time_begins, 10U) << line;
  return time_begins < line.size() ? line.erase(time_begins, kTimeText.size()) : line;
}

std::string text_of(std::string value) {
  const std::string line = line_of(LogFormat::text, LogLevel::info, "m", {{"k", std::move(value)}});
  return line.substr(std::string_view(" info    m k=").size());
}

TEST(LogText, ShowsTimeLevelMessageAndFields) {
  EXPECT_EQ(line_of(LogFormat::text, LogLevel::info, "listener started",
                    {{"listener", std::string("mqtt")}, {"port", std::int64_t{1883}}, {"load", 0.5}}),
            " info    listener started listener=mqtt port=1883 load=0.5\n");
  EXPECT_EQ(line_of(LogFormat::text, LogLevel::warning, "x", {}), " warning x\n");
  EXPECT_EQ(line_of(LogFormat::text, LogLevel::error, "x", {}), " error   x\n");
  EXPECT_EQ(line_of(LogFormat::text, LogLevel::trace, "say \"hi\"", {}), " trace   say \"hi\"\n");
}

TEST(LogText, ATimeIsUtcWithMilliseconds) {
  const auto text_of_time = [](milliseconds since_epoch) {
    return log_line(LogFormat::text, {LogLevel::info, system_clock::time_point(since_epoch), "x", {}});
  };
  EXPECT_EQ(text_of_time(milliseconds{0}), "1970-01-01T00:00:00.000Z info    x\n");
  EXPECT_EQ(text_of_time(milliseconds{-1}), "1969-12-31T23:59:59.999Z info    x\n");
  EXPECT_EQ(text_of_time(milliseconds{1'795'151'777'043}), "2026-11-20T05:16:17.043Z info    x\n");
}

TEST(LogText, NoValueCanForgeALineOrAField) {
  struct Case {
    const char* name;
    std::string value;
    std::string want;
  };
  const Case cases[] = {
      {"plain", "a-b/c:1", "a-b/c:1\n"},
      {"empty", "", "\"\"\n"},
      {"space", "a b", "\"a b\"\n"},
      {"equals", "a=b", "\"a=b\"\n"},
      {"quote", "a\"b", "\"a\\\"b\"\n"},
      {"backslash", "a\\b", "\"a\\\\b\"\n"},
      {"newline", "a\nb", "\"a\\nb\"\n"},
      {"carriage return and tab", "\r\t", "\"\\r\\t\"\n"},
      {"escape sequence", "\x1b[31m", "\"\\u001b[31m\"\n"},
      {"zero byte", std::string("a\0b", 3), "\"a\\u0000b\"\n"},
      {"delete", "\x7f", "\"\\u007f\"\n"},
      {"eight-bit control",
       "\xc2\x9b"
       "31m",
       "\"\\u009b31m\"\n"},
      {"next line", "\xc2\x85", "\"\\u0085\"\n"},
      {"line separator", "\xe2\x80\xa8", "\"\\u2028\"\n"},
      {"UTF-8 of each length", "\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80", "\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80\n"},
      {"lone continuation",
       "a\x80"
       "b",
       "\"a\\ufffdb\"\n"},
      {"cut sequence", "a\xe2\x82", "\"a\\ufffd\\ufffd\"\n"},
      {"overlong", "\xc0\xaf", "\"\\ufffd\\ufffd\"\n"},
      {"overlong in three bytes", "\xe0\x80\xaf", "\"\\ufffd\\ufffd\\ufffd\"\n"},
      {"surrogate", "\xed\xa0\x80", "\"\\ufffd\\ufffd\\ufffd\"\n"},
      {"beyond Unicode", "\xf4\x90\x80\x80", "\"\\ufffd\\ufffd\\ufffd\\ufffd\"\n"},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.name);
    EXPECT_EQ(text_of(c.value), c.want);
  }
  EXPECT_EQ(line_of(LogFormat::text, LogLevel::info, "a\nb", {}), " info    a\\nb\n");
}

TEST(LogJson, IsOneObjectALine) {
  const double infinity = std::numeric_limits<double>::infinity();
  EXPECT_EQ(line_of(LogFormat::json, LogLevel::warning, "it \"broke\"\n",
                    {{"who", std::string("\x01\xff\\")}, {"n", std::int64_t{-7}}, {"x", 1.25}, {"inf", infinity}}),
            "{\"time\":\"\",\"level\":\"warning\",\"message\":\"it \\\"broke\\\"\\n\","
            "\"who\":\"\\u0001\\ufffd\\\\\",\"n\":-7,\"x\":1.25,\"inf\":null}\n");
}

// Every length around the limit, with characters that must not be torn apart.
TEST(LogJson, ALineThatIsTooLongIsCutAndStaysAnObject) {
  for (std::size_t length = 3850; length < 4010; ++length) {
    for (const std::string& value : {std::string(length, '"'), std::string(length, 'a') + "\xe2\x82\xac"}) {
      const LogField fields[] = {{"long", value}, {"after", std::int64_t{1}}};
      const std::string line = log_line(LogFormat::json, {LogLevel::info, kTime, "m", fields});
      ASSERT_LE(line.size(), kLogLineBytesMax);
      ASSERT_EQ(line.find('\n'), line.size() - 1);
      const bool whole = line.ends_with("\",\"after\":1}\n");
      ASSERT_TRUE(whole || line.ends_with("\",\"cut\":true}\n")) << line;
    }
  }
}

TEST(LogJson, AMessageOrAKeyThatIsTooLongIsCutToo) {
  const std::string much(9'000, 'x');
  const std::string long_message = line_of(LogFormat::json, LogLevel::info, much, {{"k", std::int64_t{1}}});
  EXPECT_TRUE(long_message.ends_with("xxx\",\"cut\":true}\n")) << long_message;
  EXPECT_EQ(line_of(LogFormat::json, LogLevel::info, "m", {{much, std::int64_t{1}}, {"k", std::int64_t{1}}}),
            "{\"time\":\"\",\"level\":\"info\",\"message\":\"m\",\"cut\":true}\n");
}

TEST(LogText, ALineThatIsTooLongIsCut) {
  for (const std::string& value : {std::string(9'000, 'x'), std::string(9'000, ' '), std::string(9'000, '\n')}) {
    const LogField fields[] = {{"k", value}, {"after", std::int64_t{1}}};
    const std::string line = log_line(LogFormat::text, {LogLevel::info, kTime, "m", fields});
    EXPECT_LE(line.size(), kLogLineBytesMax);
    EXPECT_GT(line.size(), kLogLineBytesMax - 100);
    EXPECT_TRUE(line.ends_with(" cut=true\n")) << line;
  }
}

}  // namespace
}  // namespace holdfast::base
