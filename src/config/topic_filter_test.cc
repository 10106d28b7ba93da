#include "config/topic_filter.h"

#include <gtest/gtest.h>

#include <string>

namespace holdfast::config {
namespace {

//= MQTT5 [MQTT-4.7.1-1] type=test
//= MQTT5 [MQTT-4.7.1-2] type=test
//= MQTT5 [MQTT-4.7.3-1] type=test
//= MQTT5 [MQTT-4.7.3-2] type=test
//= MQTT5 [MQTT-4.7.3-3] type=test
TEST(IsTopicFilter, KnowsWhereWildcardsMayStand) {
  for (const char* good : {"a", "/", "a/b", "#", "+", "a/#", "+/a/+", "/+", "+/#", "$SYS/#", "a//b", "%u/%c"})
    EXPECT_TRUE(is_topic_filter(good)) << good;
  for (const char* bad : {"", "a#", "#/a", "a+", "+a", "a/+b/c", "a/#/b", "##", "++", "\xFF"})
    EXPECT_FALSE(is_topic_filter(bad)) << bad;
  EXPECT_FALSE(is_topic_filter(std::string("a\0b", 3)));
  EXPECT_TRUE(is_topic_filter(std::string(kTopicBytesMax, 'a')));
  EXPECT_FALSE(is_topic_filter(std::string(kTopicBytesMax + 1, 'a')));
}

TEST(IsTopic, HasNoWildcards) {
  for (const char* good : {"a", "/", "a/b", "$SYS/x"}) EXPECT_TRUE(is_topic(good)) << good;
  for (const char* bad : {"", "#", "a/+", "a+b"}) EXPECT_FALSE(is_topic(bad)) << bad;
}

TEST(WildcardsIn, CountsLevels) {
  EXPECT_EQ(wildcards_in("a/b"), 0U);
  EXPECT_EQ(wildcards_in("+/a/+/#"), 3U);
  EXPECT_EQ(wildcards_in("#"), 1U);
}

TEST(UnknownName, IsAPercentWithAnotherLetter) {
  for (const std::string_view good : {"", "a", "%u/%c", "x%c%u", "100%", "%/a", "%%", "%1", "50%/day"}) {
    EXPECT_EQ(unknown_name_in(good), "") << good;
  }
  EXPECT_EQ(unknown_name_in("%x/a"), "%x");
  EXPECT_EQ(unknown_name_in("a/%u/%U/%y"), "%U");
  EXPECT_EQ(unknown_name_in("a%%x"), "%x");
}

}  // namespace
}  // namespace holdfast::config
