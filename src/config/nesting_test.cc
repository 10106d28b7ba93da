#include "config/nesting.h"

#include <gtest/gtest.h>

#include <string>

namespace holdfast::config {
namespace {

std::string repeat(std::string_view text, std::size_t times) {
  std::string out;
  for (std::size_t i = 0; i < times; ++i) out += text;
  return out;
}

TEST(FindTooDeep, CountsBracketsAndPartsOfNames) {
  const std::string brackets = repeat("[", kBracketsMax);
  const std::string parts = "a" + repeat(".a", kNamePartsMax - 1);
  struct Case {
    std::string text;
    bool too_deep;
  };
  const Case cases[] = {
      {"", false},
      {brackets, false},
      {brackets + "[", true},
      {repeat("{", kBracketsMax + 1), true},
      {repeat("[]", 100), false},
      {repeat("[[a]]\n", 100), false},
      {parts, false},
      {parts + ".a", true},
      {"[" + parts + ".a]", true},
      {parts + " = " + parts, false},
      {repeat(parts + "\n", 100), false},
      {repeat("1.5, ", 100), false},
      {"x = {" + parts + ".a = 1}", true},
  };
  for (const Case& c : cases) EXPECT_EQ(find_too_deep(c.text).has_value(), c.too_deep) << c.text;
}

TEST(FindTooDeep, SeesWhereStringsAndCommentsEnd) {
  const std::string deep = repeat("[", kBracketsMax + 1);
  struct Case {
    std::string before;
    std::string after;
    bool too_deep;
  };
  const Case cases[] = {
      {"# ", "", false},
      {"# \n", "", true},
      {"# \"\n", "", true},
      {"\"", "\"", false},
      {"\"\\\"", "\"", false},
      {"\"\\\\\"", "", true},
      {"'\\'", "", true},
      {"'", "'", false},
      {"\"\"", "", true},
      {"''", "", true},
      {"\"\n", "", true},
      {"\"\"\"\n", "\"\"\"", false},
      {"'''\n\\'''", "", true},
      {"'''\n", "'''", false},
      {"\"\"\" \" \"\" \\\"\"\" ", "\"\"\"", false},
      {"\"\"\"a\"\"\"\"\"", "", true},
      {"\"\"\"a\"\"\"\"\" \"", "\"", false},
      {"\"\"\"", "", false},
      {"\"\\", "", false},
  };
  for (const Case& c : cases) {
    const std::string text = c.before + deep + c.after;
    const auto found = find_too_deep(text);
    ASSERT_EQ(found.has_value(), c.too_deep) << text;
    if (found) {
      EXPECT_EQ(*found, c.before.size() + kBracketsMax) << text;
    }
    for (std::size_t cut = 0; cut < text.size(); ++cut) (void)find_too_deep(std::string_view(text).substr(0, cut));
  }
}

}  // namespace
}  // namespace holdfast::config
