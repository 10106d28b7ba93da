#include "config/suggest.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace holdfast::config {
namespace {

TEST(TypingDistance, FollowsItsTable) {
  struct Case {
    const char* a;
    const char* b;
    std::size_t want;
  };
  const Case cases[] = {
      {"", "", 0},
      {"", "abc", 3},
      {"weight", "weight", 0},
      {"weight", "wieght", 1},
      {"name", "nmae", 1},
      {"Name", "name", 0},
      {"idle-timeout", "idle_timeout", 1},
      {"pool", "spool", 1},
      {"pool", "spools", 2},
      {"listener", "listner", 1},
      {"ab", "ba", 1},
      {"abc", "ca", 3},  // a swapped pair is not changed again
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(std::string(c.a) + " " + c.b);
    EXPECT_EQ(typing_distance(c.a, c.b), c.want);
    EXPECT_EQ(typing_distance(c.b, c.a), c.want);
  }
}

TEST(Closest, NamesWhatIsAPlausibleSlipAndNothingElse) {
  const std::vector<std::string_view> keys = {"name", "bind", "pool", "idle_timeout", "max_connections"};
  struct Case {
    std::string word;
    const char* want;  // null: none
  };
  const Case cases[] = {
      {"nmae", "name"},
      {"binds", "bind"},
      {"idle_timout", "idle_timeout"},
      {"max_conections", "max_connections"},
      {"POOL", "pool"},
      {"proxy", nullptr},
      {"timeout", nullptr},
      {"", nullptr},
      {"x", nullptr},
      {"mind", "bind"},
      {std::string(100, 'x'), nullptr},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.word);
    const auto index = closest(c.word, keys);
    ASSERT_EQ(index.has_value(), c.want != nullptr);
    if (index) {
      EXPECT_EQ(keys[*index], c.want);
    }
  }
}

}  // namespace
}  // namespace holdfast::config
