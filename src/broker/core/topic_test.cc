#include "broker/core/topic.h"

#include <gtest/gtest.h>

#include <string>

#include "broker/core/hashed_topic.h"
#include "broker/core/tree_exercise.h"

namespace holdfast::broker {
namespace {

struct NameCase {
  std::string_view name;
  bool is_topic;
  bool is_filter;
};
//= MQTT5 [MQTT-4.7.0-1] type=test
//= MQTT5 [MQTT-4.7.1-1] type=test
//= MQTT5 [MQTT-4.7.1-2] type=test
//= MQTT5 [MQTT-4.7.3-1] type=test
//= MQTT311 [MQTT-4.7.1-1] type=test
//= MQTT311 [MQTT-4.7.1-2] type=test
//= MQTT311 [MQTT-4.7.1-3] type=test
//= MQTT311 [MQTT-4.7.3-1] type=test
const NameCase kNames[] = {
    {"", false, false},
    {"a", true, true},
    {"/", true, true},
    {"//", true, true},
    {"/finance", true, true},
    {"sport/tennis/player1", true, true},
    {"Accounts payable", true, true},
    {"$SYS/broker", true, true},
    {"#", false, true},
    {"/#", false, true},
    {"sport/tennis/#", false, true},
    {"sport/tennis#", false, false},
    {"sport/tennis/#/ranking", false, false},
    {"#/", false, false},
    {"##", false, false},
    {"+", false, true},
    {"+/tennis/#", false, true},
    {"sport+", false, false},
    {"sport/+/player1", false, true},
    {"/+", false, true},
    {"+/+", false, true},
    {"++", false, false},
    {"a/+b", false, false},
    {"+#", false, false},
    {"a/b+/c", false, false},
};
TEST(Topic, NamesAndFiltersFollowTheTable) {
  for (const NameCase& c : kNames) {
    SCOPED_TRACE(c.name);
    EXPECT_EQ(valid_topic(c.name), c.is_topic);
    EXPECT_EQ(valid_filter(c.name), c.is_filter);
  }
}

std::string of_levels(std::size_t count, std::string_view level) {
  std::string name(level);
  for (std::size_t i = 1; i < count; ++i) name.append("/").append(level);
  return name;
}

TEST(Topic, LevelsAndBytesAreBounded) {
  EXPECT_EQ(count_levels("a//b/"), 4U);
  EXPECT_TRUE(valid_topic(of_levels(kLevelsMax, "a")));
  EXPECT_FALSE(valid_topic(of_levels(kLevelsMax + 1, "a")));
  EXPECT_TRUE(valid_filter(of_levels(kLevelsMax, "+")));
  EXPECT_FALSE(valid_filter(of_levels(kLevelsMax + 1, "+")));
  EXPECT_TRUE(valid_topic(std::string(kTopicBytesMax, 'a')));
  EXPECT_FALSE(valid_topic(std::string(kTopicBytesMax + 1, 'a')));
}

struct MatchCase {
  std::string_view filter;
  std::string_view topic;
  bool matches;
};
//= MQTT5 [MQTT-4.7.1-1] type=test
//= MQTT5 [MQTT-4.7.2-1] type=test
//= MQTT5 [MQTT-4.7.3-4] type=test
//= MQTT311 [MQTT-4.7.2-1] type=test
//= MQTT311 [MQTT-4.7.3-4] type=test
const MatchCase kMatches[] = {
    {"sport/tennis/player1/#", "sport/tennis/player1", true},
    {"sport/tennis/player1/#", "sport/tennis/player1/score/wimbledon", true},
    {"sport/#", "sport", true},
    {"sport/#", "sports", false},
    {"#", "a/b", true},
    {"sport/tennis/+", "sport/tennis/player1", true},
    {"sport/tennis/+", "sport/tennis/player1/ranking", false},
    {"sport/+", "sport", false},
    {"sport/+", "sport/", true},
    {"+/+", "/finance", true},
    {"/+", "/finance", true},
    {"+", "/finance", false},
    {"/finance", "finance", false},
    {"ACCOUNTS", "Accounts", false},
    {"a//b", "a/b", false},
    {"a/+/b", "a//b", true},
    {"+/+/#", "a/b", true},
    {"+/+/#", "a", false},
    {"#", "$SYS/a", false},
    {"+/a", "$SYS/a", false},
    {"+/#", "$SYS/a", false},
    {"$SYS/#", "$SYS/a", true},
    {"$SYS/+", "$SYS/a", true},
    {"a/#", "a/$SYS", true},
    {"a", "a/b", false},
    {"a/b", "a", false},
};
TEST(Topic, MatchesFollowTheTable) {
  for (const MatchCase& c : kMatches) {
    SCOPED_TRACE(std::string(c.filter) + " " + std::string(c.topic));
    EXPECT_EQ(matches(c.filter, c.topic), c.matches);
    EXPECT_EQ(naive_matches(c.filter, c.topic), c.matches);
  }
}

TEST(Topic, MatchesAreThoseOfTheModel) {
  exercise_at_random(
      [](Choices& choices) {
        const std::string filter = some_filter(choices);
        const std::string topic = some_topic(choices);
        ASSERT_EQ(matches(filter, topic), naive_matches(filter, topic)) << filter << " " << topic;
      },
      1, 2'000);
}

struct ShareCase {
  std::string_view text;
  ShareRead::Form form;
  std::string_view group;
  std::string_view filter;
};
using Form = ShareRead::Form;
//= MQTT5 [MQTT-4.8.2-1] type=test
//= MQTT5 [MQTT-4.8.2-2] type=test
const ShareCase kShares[] = {
    {"a/b", Form::plain, "", ""},
    {"$share", Form::plain, "", ""},
    {"$shared/g/a", Form::plain, "", ""},
    {"$share/g/a/+", Form::shared, "g", "a/+"},
    {"$share/g//a", Form::shared, "g", "/a"},
    {"$share/g/#", Form::shared, "g", "#"},
    {"$share/g/$SYS/a", Form::shared, "g", "$SYS/a"},
    {"$share/g/", Form::malformed, "", ""},
    {"$share/g", Form::malformed, "", ""},
    {"$share//a", Form::malformed, "", ""},
    {"$share/", Form::malformed, "", ""},
    {"$share/g+/a", Form::malformed, "", ""},
    {"$share/#/a", Form::malformed, "", ""},
    {"$share/+/a", Form::malformed, "", ""},
    {"$share/g/a#", Form::malformed, "", ""},
    {"$queue/a/+", Form::shared, "$queue", "a/+"},
    {"$queue/", Form::malformed, "", ""},
    {"$queue", Form::plain, "", ""},
};
TEST(Topic, SharedSubscriptionsFollowTheTable) {
  for (const ShareCase& c : kShares) {
    SCOPED_TRACE(c.text);
    const ShareRead read = parse_share(c.text);
    EXPECT_EQ(read.form, c.form);
    EXPECT_EQ(read.group, c.group);
    EXPECT_EQ(read.filter, c.filter);
    for (std::size_t cut = 0; cut < c.text.size(); ++cut) (void)parse_share(c.text.substr(0, cut));
  }
}

TEST(HashedTopic, HasTheLevelsOfItsText) {
  const HashedTopic topic("/a//bc/", {1, 2});
  ASSERT_EQ(topic.levels(), 5U);
  const std::string_view levels[] = {"", "a", "", "bc", ""};
  for (std::size_t i = 0; i < 5; ++i) EXPECT_EQ(topic.level(i), levels[i]);
  EXPECT_NE(topic.hash(0), topic.hash(2)) << "the place is part of a hash";
  EXPECT_EQ(HashedTopic(of_levels(kLevelsMax, ""), {1, 2}).levels(), kLevelsMax);
  EXPECT_EQ(HashedTopic(of_levels(kLevelsMax + 1, ""), {1, 2}).levels(), 0U);
  const std::string longest(kTopicBytesMax, '/');
  EXPECT_EQ(HashedTopic(longest, {1, 2}).levels(), 0U);
}

}  // namespace
}  // namespace holdfast::broker
