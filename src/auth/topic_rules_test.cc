#include "auth/topic_rules.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "config/topic_filter.h"

namespace holdfast::auth {
namespace {

//= MQTT5 [MQTT-4.7.2-1] type=test
TEST(Matches, FollowsTheExamplesOfTheStandard) {
  struct Case {
    const char* filter;
    const char* topic;
    bool want;
  };
  for (const Case& c : {Case{"sport/tennis/player1/#", "sport/tennis/player1", true},
                        {"sport/tennis/player1/#", "sport/tennis/player1/score/wimbledon", true},
                        {"sport/#", "sport", true},
                        {"#", "a", true},
                        {"#", "$SYS/a", false},
                        {"+/monitor/Clients", "$SYS/monitor/Clients", false},
                        {"$SYS/#", "$SYS/a", true},
                        {"sport/tennis/+", "sport/tennis/player1", true},
                        {"sport/tennis/+", "sport/tennis/player1/ranking", false},
                        {"sport/+", "sport", false},
                        {"sport/+", "sport/", true},
                        {"+/+", "/finance", true},
                        {"/+", "/finance", true},
                        {"+", "/finance", false},
                        {"a", "A", false},
                        {"a/b", "a/b/", false}}) {
    EXPECT_EQ(matches(c.filter, c.topic), c.want) << c.filter << " " << c.topic;
  }
}

TEST(Covers, SaysWhetherAPermissionIsEnough) {
  struct Case {
    const char* filter;
    const char* inner;
    bool want;
  };
  for (const Case& c : {Case{"#", "#", true},
                        {"#", "a/+/#", true},
                        {"#", "$SYS/#", false},
                        {"$SYS/#", "$SYS/#", true},
                        {"$SYS/#", "#", false},
                        {"a/#", "a", true},
                        {"a/#", "a/#", true},
                        {"a/#", "#", false},
                        {"a/+", "a/#", false},
                        {"a/+", "a/+", true},
                        {"a/+/c", "a/b/+", false},
                        {"a/+/c", "a/b/c", true},
                        {"+/+", "+", false},
                        {"a/b", "a/+", false}}) {
    EXPECT_EQ(covers(c.filter, c.inner), c.want) << c.filter << " " << c.inner;
  }
}

// All texts of up to `levels_max` of these levels that are `good`.
template <typename Good>
std::vector<std::string> all_of(const std::vector<std::string>& levels, std::size_t levels_max, const Good& good) {
  std::vector<std::string> found;
  std::vector<std::string> row = levels;
  for (std::size_t n = 1; n <= levels_max; ++n) {
    std::ranges::copy_if(row, std::back_inserter(found), good);
    std::vector<std::string> longer;
    for (const std::string& each : row) {
      for (const std::string& level : levels) longer.push_back(each + "/" + level);
    }
    row = std::move(longer);
  }
  return found;
}

// With one level more than any filter, all there is to tell apart is told apart.
TEST(CoversAndOverlaps, SayWhatAllTopicsSay) {
  const auto filters = all_of({"a", "b", "$s", "+", "#"}, 3, config::is_topic_filter);
  const auto topics = all_of({"a", "b", "c", "$s"}, 4, config::is_topic);
  std::vector<std::vector<bool>> matched;
  for (const std::string& filter : filters) {
    auto& row = matched.emplace_back();
    for (const std::string& topic : topics) row.push_back(matches(filter, topic));
  }
  std::size_t missed = 0;
  for (std::size_t i = 0; i < filters.size(); ++i) {
    for (std::size_t k = 0; k < filters.size(); ++k) {
      bool covered = true;
      bool common = false;
      for (std::size_t t = 0; t < topics.size(); ++t) {
        covered = covered && (!matched[k][t] || matched[i][t]);
        common = common || (matched[i][t] && matched[k][t]);
      }
      ASSERT_EQ(overlaps(filters[i], filters[k]), common) << filters[i] << " " << filters[k];
      const bool said = covers(filters[i], filters[k]);
      ASSERT_TRUE(covered || !said) << filters[i] << " " << filters[k];
      if (said == covered) continue;
      ++missed;
      ASSERT_NE(filters[k].find('#'), std::string::npos) << filters[i] << " " << filters[k];
    }
  }
  EXPECT_LT(missed, filters.size());
}

TEST(WithoutPrefix, TakesAwayWhatIsNoTopic) {
  EXPECT_EQ(without_prefix("$share/group/a/+"), "a/+");
  EXPECT_EQ(without_prefix("$share/group"), "$share/group");
  EXPECT_EQ(without_prefix("$queue/a"), "a");
  EXPECT_EQ(without_prefix("$exclusive/a/b"), "a/b");
  EXPECT_EQ(without_prefix("$SYS/a"), "$SYS/a");
  EXPECT_EQ(without_prefix("share/group/a"), "share/group/a");
  EXPECT_EQ(without_delay("$delayed/15/a/b"), "a/b");
  EXPECT_EQ(without_delay("$delayed/x/a"), "$delayed/x/a");
  EXPECT_EQ(without_delay("$delayed/15"), "$delayed/15");
  EXPECT_EQ(without_delay("a/15/b"), "a/15/b");
}

}  // namespace
}  // namespace holdfast::auth
