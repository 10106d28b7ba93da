#include "wire/mqtt/text.h"

#include "wire/mqtt/mqtt_testing.h"

namespace holdfast::wire::mqtt {
namespace {

using namespace std::string_literals;
using testing::what;

enum class Verdict { fine, not_utf8, null };

struct Case {
  const char* name;
  std::string text;
  Verdict verdict;
};

//= MQTT5 [MQTT-1.5.4-1] type=test
//= MQTT5 [MQTT-1.5.4-2] type=test
//= MQTT5 [MQTT-1.5.4-3] type=test
//= MQTT5 [MQTT-4.7.3-2] type=test
//= MQTT311 [MQTT-1.5.3-1] type=test
//= MQTT311 [MQTT-1.5.3-2] type=test
//= MQTT311 [MQTT-1.5.3-3] type=test
//= MQTT311 [MQTT-4.7.3-2] type=test
const Case kCases[] = {
    {"empty", "", Verdict::fine},
    {"ASCII", "sensors/7/temperature", Verdict::fine},
    {"control characters are only advised against", "\x01\x1f\x7f", Verdict::fine},
    {"two bytes", "caf\xc3\xa9", Verdict::fine},
    {"three bytes", "\xe4\xb8\xad\xe6\x96\x87", Verdict::fine},
    {"four bytes", "\xf0\x9f\x98\x80", Verdict::fine},
    {"the last code point", "\xf4\x8f\xbf\xbf", Verdict::fine},
    {"a byte order mark is a character", "\xef\xbb\xbf", Verdict::fine},
    {"a non-character", "\xef\xbf\xbf", Verdict::fine},
    {"before the surrogates", "\xed\x9f\xbf", Verdict::fine},
    {"behind the surrogates", "\xee\x80\x80", Verdict::fine},
    {"null", "\0"s, Verdict::null},
    {"null behind others", "\xc3\xa9\0"s, Verdict::null},
    {"null in two bytes", "\xc0\x80", Verdict::not_utf8},
    {"first surrogate", "\xed\xa0\x80", Verdict::not_utf8},
    {"last surrogate", "\xed\xbf\xbf", Verdict::not_utf8},
    {"above the last code point", "\xf4\x90\x80\x80", Verdict::not_utf8},
    {"overlong", "\xe0\x9f\xbf", Verdict::not_utf8},
    {"cut short", "\xe4\xb8", Verdict::not_utf8},
    {"continues nothing", "\x80", Verdict::not_utf8},
    {"never in UTF-8", "\xff", Verdict::not_utf8},
};

// Wherever it stands: texts are read eight bytes at a time.
TEST(MqttText, IsJudgedWhereverTheCharacterStands) {
  for (const Case& c : kCases) {
    SCOPED_TRACE(c.name);
    for (std::size_t before = 0; before < 20; ++before) {
      for (std::size_t behind = 0; behind < 20; ++behind) {
        const std::string text = std::string(before, 'x') + c.text + std::string(behind, '/');
        const Fault* fault = check_text(text, Version::v5);
        ASSERT_EQ(fault == nullptr, c.verdict == Verdict::fine) << text << what(fault);
        EXPECT_EQ(check_topic(text, Version::v5), fault);
        if (fault == nullptr) continue;
        EXPECT_EQ(fault->reason, Reason::malformed_packet);
        EXPECT_STREQ(fault->clause, c.verdict == Verdict::null ? "MQTT5 [MQTT-1.5.4-2]" : "MQTT5 [MQTT-1.5.4-1]");
        EXPECT_STREQ(check_text(text, Version::v311)->clause,
                     c.verdict == Verdict::null ? "MQTT311 [MQTT-1.5.3-2]" : "MQTT311 [MQTT-1.5.3-1]");
      }
    }
  }
}

//= MQTT5 [MQTT-3.3.2-2] type=test
//= MQTT5 [MQTT-4.7.1-1] type=test
//= MQTT311 [MQTT-3.3.2-2] type=test
//= MQTT311 [MQTT-4.7.1-1] type=test
TEST(MqttText, ATopicHasNoWildcards) {
  for (const char* wildcard : {"+", "#", "\xc3\xa9+", "#\xc3\xa9"}) {
    for (std::size_t before = 0; before < 20; ++before) {
      for (std::size_t behind = 0; behind < 20; ++behind) {
        const std::string topic = std::string(before, 'x') + wildcard + std::string(behind, '/');
        EXPECT_EQ(check_text(topic, Version::v5), nullptr);
        ASSERT_NE(check_topic(topic, Version::v5), nullptr) << topic;
        EXPECT_EQ(check_topic(topic, Version::v5)->reason, Reason::topic_name_invalid);
      }
    }
  }
}

// No other character is taken for a wildcard or for something suspicious.
TEST(MqttText, ATopicMayHaveAllOtherAsciiCharacters) {
  for (int c = 1; c < 0x80; ++c) {
    if (c == '+' || c == '#') continue;
    for (std::size_t size = 1; size < 20; ++size) {
      EXPECT_EQ(check_topic(std::string(size, static_cast<char>(c)), Version::v5), nullptr) << c;
    }
  }
}

}  // namespace
}  // namespace holdfast::wire::mqtt
