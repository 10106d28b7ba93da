#include "mqtt/text.h"

#include <gtest/gtest.h>

namespace holdfast::app {
namespace {

using wire::mqtt::Reason;

TEST(ReasonText, IsTheStandardsWordsWithTheNumber) {
  EXPECT_EQ(reason_text(Reason::not_authorized), "not authorized (0x87)");
  EXPECT_EQ(reason_text(Reason::success), "success (0x00)");
  EXPECT_EQ(reason_text(Reason::qos_not_supported), "QoS not supported (0x9b)");
  EXPECT_EQ(reason_text(Reason::granted_qos_1), "granted QoS 1 (0x01)");
  EXPECT_EQ(reason_text(static_cast<Reason>(0xee)), "a reason that MQTT does not know (0xee)");
}

TEST(Base64, FollowsTheTestVectorsOfRfc4648) {
  const std::pair<std::string_view, const char*> cases[] = {
      {"", ""},
      {"f", "Zg=="},
      {"fo", "Zm8="},
      {"foo", "Zm9v"},
      {"foob", "Zm9vYg=="},
      {"fooba", "Zm9vYmE="},
      {"foobar", "Zm9vYmFy"},
      {"\xff\xfe\xfd", "//79"},
  };
  for (const auto& [bytes, text] : cases) EXPECT_EQ(base64(as_bytes(bytes)), text);
}

TEST(WithNumber, ReplacesEveryPlace) {
  EXPECT_EQ(with_number("a/{n}/b/{n}", 12), "a/12/b/12");
  EXPECT_EQ(with_number("{n}", 18'446'744'073'709'551'615U), "18446744073709551615");
  EXPECT_EQ(with_number("{n", 1), "{n");
  EXPECT_EQ(with_number("{{n}}", 1), "{1}");
  EXPECT_EQ(with_number("", 1), "");
}

TEST(Checks, SayWhatATopicAndAFilterMayBe) {
  EXPECT_EQ(check_topic("a/b"), "");
  EXPECT_EQ(check_topic("$SYS/x"), "");
  EXPECT_NE(check_topic(""), "");
  EXPECT_NE(check_topic("a/+"), "");
  EXPECT_NE(check_topic("a/#"), "");
  EXPECT_NE(check_topic("\xff"), "");
  EXPECT_NE(check_topic(std::string(65'536, 'a')), "");
  EXPECT_EQ(check_topic(std::string(65'535, 'a')), "");
  EXPECT_EQ(check_filter("a/+/#"), "");
  EXPECT_EQ(check_filter("$share/g/a#"), "") << "the broker is to say no";
  EXPECT_NE(check_filter(""), "");
}

TEST(IsNotAllowed, TellsWhoOneIsFromWhatOneDoes) {
  EXPECT_TRUE(is_not_allowed(Reason::not_authorized));
  EXPECT_TRUE(is_not_allowed(Reason::bad_user_name_or_password));
  EXPECT_FALSE(is_not_allowed(Reason::server_busy));
  EXPECT_FALSE(is_not_allowed(Reason::quota_exceeded));
}

}  // namespace
}  // namespace holdfast::app
