#include "broker/core/rewrite.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <vector>

namespace holdfast::broker {
namespace {

using Of = Rewrite::Of;

struct Case {
  const char* name;
  std::vector<Rewrite> rules;
  const char* text;
  const char* want;
};

const Case kCases[] = {
    {"no rule", {}, "a/b", "a/b"},
    {"nothing fits", {{Of::all, "x/#", "y"}}, "a/b", "a/b"},
    {"captures in their order", {{Of::all, "x/+/y/+", "z/$2/$1"}}, "x/1/y/2", "z/2/1"},
    {"the rest as one capture", {{Of::all, "x/#", "z/$1"}}, "x/1/2/3", "z/1/2/3"},
    {"the rest may be nothing", {{Of::all, "x/#", "z/$1"}}, "x", "z/"},
    {"the first rule that fits wins", {{Of::all, "a/#", "one"}, {Of::all, "a/b", "two"}}, "a/b", "one"},
    {"no chain: rules see what the client wrote", {{Of::all, "a", "b"}, {Of::all, "b", "c"}}, "a", "b"},
    {"of another action", {{Of::subscribe, "a", "b"}}, "a", "a"},
    {"who it is", {{Of::all, "me/#", "c/%c/%u/$1"}}, "me/x", "c/id/user/x"},
    {"a number without capture stays", {{Of::all, "a", "b/$1/$0"}}, "a", "b/$1/$0"},
    {"longer than the filter", {{Of::all, "a/+", "b"}}, "a/b/c", "a/b/c"},
    {"shorter than the filter", {{Of::all, "a/+", "b"}}, "a", "a"},
    {"empty levels", {{Of::all, "/+/", "[$1]"}}, "//", "[]"},
    {"a filter is rewritten too", {{Of::all, "a/+/#", "b/$1/$2"}}, "a/+/c/#", "b/+/c/#"},
    {"not one that asks for more", {{Of::all, "a/+", "b/$1"}}, "a/#", "a/#"},
    {"the server's own topics are left alone by wildcards", {{Of::all, "#", "b/$1"}}, "$SYS/x", "$SYS/x"},
    {"but not where the rule says so", {{Of::all, "$own/#", "b/$1"}}, "$own/x", "b/x"},
};

TEST(Rewrite, FollowsTheTable) {
  for (const Case& c : kCases) {
    SCOPED_TRACE(c.name);
    std::string made;
    EXPECT_EQ(rewritten(c.rules, Of::publish, c.text, "id", "user", made), c.want);
  }
}

struct NameCase {
  const char* pattern;
  const char* client_id;
  const char* user_name;
  bool want;
};

const NameCase kNameCases[] = {
    {"news", "#", "", true},     {"c/%c", "id", "", true},    {"c/%c", "#", "", false},    {"c/%c", "+", "", false},
    {"c/%c", "a/b", "", false},  {"c/%c", "", "", false},     {"%c/x", "$SYS", "", false}, {"c/%u", "id", "", false},
    {"c/%u", "#", "user", true}, {"%c/%u", "id", "#", false},
};

TEST(NamesFit, NoNameChangesWhatAFilterMeans) {
  for (const NameCase& c : kNameCases) {
    SCOPED_TRACE(fmt::format("{} {} {}", c.pattern, c.client_id, c.user_name));
    EXPECT_EQ(names_fit(c.pattern, c.client_id, c.user_name), c.want);
  }
}

}  // namespace
}  // namespace holdfast::broker
