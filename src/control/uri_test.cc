#include "control/uri.h"

#include <gtest/gtest.h>

#include <optional>

#include "control/utf8.h"

namespace holdfast::control {
namespace {

TEST(DecodePercent, FollowsItsTable) {
  struct Case {
    std::string text;
    std::optional<std::string> want;
  };
  const Case cases[] = {
      {"", ""},
      {"abc", "abc"},
      {"%41%62", "Ab"},
      {"a%2fb%2F", "a/b/"},
      {"+", "+"},
      {"%C3%A9", "\xc3\xa9"},
      {"\xc3\xa9", "\xc3\xa9"},
      {"%25", "%"},
      {"%2541", "%41"},
      {"%", std::nullopt},
      {"%4", std::nullopt},
      {"a%4", std::nullopt},
      {"%4g", std::nullopt},
      {"%0x", std::nullopt},
      {"%-1", std::nullopt},
      {"% 1", std::nullopt},
      {"%00", std::nullopt},
      {"%FF", std::nullopt},
      {"%C0%AF", std::nullopt},
      {"%ED%A0%80", std::nullopt},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.text);
    const auto got = decode_percent(c.text);
    ASSERT_EQ(got.has_value(), c.want.has_value());
    if (got) {
      EXPECT_EQ(*got, *c.want);
    }
  }
}

TEST(ParseTarget, FollowsItsTable) {
  struct Case {
    const char* text;
    const char* path;  // null when it is none
    NamedValues query;
  };
  const Case cases[] = {
      {"/", "/", {}},
      {"/a/b", "/a/b", {}},
      {"/a%2Fb", "/a%2Fb", {}},
      {"/a?", "/a", {}},
      {"/a?x=1&y=2&x=3", "/a", {{"x", "1"}, {"y", "2"}, {"x", "3"}}},
      {"/a?x", "/a", {{"x", ""}}},
      {"/a?x=", "/a", {{"x", ""}}},
      {"/a?=1", "/a", {{"", "1"}}},
      {"/a?x=1=2", "/a", {{"x", "1=2"}}},
      {"/a?&&x=1&", "/a", {{"x", "1"}}},
      {"/a?x=a+b%2Bc%26", "/a", {{"x", "a b+c&"}}},
      {"/a?b?c", "/a", {{"b?c", ""}}},
      {"http://host:80/a?x=1", "/a", {{"x", "1"}}},
      {"http://host", "/", {}},
      {"http://host?x=1", "/", {{"x", "1"}}},
      {"", nullptr, {}},
      {"a", nullptr, {}},
      {"*", nullptr, {}},
      {"https://host/", nullptr, {}},
      {"/a?%zz", nullptr, {}},
      {"/a?x=%", nullptr, {}},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.text);
    const auto got = parse_target(c.text);
    ASSERT_EQ(got.has_value(), c.path != nullptr);
    if (!got) continue;
    EXPECT_EQ(got->path, c.path);
    EXPECT_EQ(got->query, c.query);
  }
}

TEST(Printable, ShowsAnythingInBounds) {
  EXPECT_EQ(printable("/a?b"), "/a?b");
  EXPECT_EQ(printable("a b\n\x7f\xff"), "a%20b%0A%7F%FF");
  for (const char c : {'x', '\n'}) {
    const std::string shown = printable(std::string(10'000, c));
    EXPECT_LE(shown.size(), 200U);
    EXPECT_TRUE(shown.ends_with("..."));
  }
}

//= RFC3629 4 type=test
TEST(Utf8, FollowsTheGrammar) {
  struct Case {
    const char* name;
    std::string text;
    bool valid;
  };
  const Case cases[] = {
      {"empty", "", true},
      {"ASCII", "a\x7f", true},
      {"two bytes, smallest and largest", "\xc2\x80\xdf\xbf", true},
      {"three bytes, smallest and largest", "\xe0\xa0\x80\xef\xbf\xbf", true},
      {"around the surrogates", "\xed\x9f\xbf\xee\x80\x80", true},
      {"four bytes, smallest and largest", "\xf0\x90\x80\x80\xf4\x8f\xbf\xbf", true},
      {"lone continuation", "\x80", false},
      {"overlong in two bytes", "\xc1\xbf", false},
      {"overlong in three bytes", "\xe0\x9f\xbf", false},
      {"overlong in four bytes", "\xf0\x8f\xbf\xbf", false},
      {"surrogate", "\xed\xa0\x80", false},
      {"above the last", "\xf4\x90\x80\x80", false},
      {"no such first byte", "\xf5\x80\x80\x80", false},
      {"second byte wrong", "\xc2\x41", false},
      {"third byte wrong", "\xe1\x80\x41", false},
      {"fourth byte wrong", "\xf1\x80\x80\x41", false},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.name);
    EXPECT_EQ(is_utf8(c.text), c.valid);
    EXPECT_TRUE(is_utf8(to_utf8(c.text)));
    if (c.valid) {
      EXPECT_EQ(to_utf8(c.text), c.text);
    }
    for (std::size_t cut = 0; cut < c.text.size(); ++cut) (void)is_utf8(std::string_view(c.text).substr(0, cut));
  }
  EXPECT_FALSE(is_utf8("\xe2\x82"));
  EXPECT_EQ(to_utf8("a\xff\xc3\xa9"), "a???");
}

}  // namespace
}  // namespace holdfast::control
