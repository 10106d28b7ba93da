#include "control/uri.h"

#include <gtest/gtest.h>

#include <optional>

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

//= RFC3986 2.3 type=test
TEST(EncodePercent, ReadsBackAndIsOnePiece) {
  EXPECT_EQ(encode_percent("b1-._~Z"), "b1-._~Z");
  EXPECT_EQ(encode_percent("a/b c?d&e=f%"), "a%2Fb%20c%3Fd%26e%3Df%25");
  for (const char* text : {"", "\xc3\xa9", "a+b", "[::1]:80"}) EXPECT_EQ(*decode_percent(encode_percent(text)), text);
}

}  // namespace
}  // namespace holdfast::control
