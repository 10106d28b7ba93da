#include "base/utf8.h"

#include <gtest/gtest.h>

namespace holdfast::base {
namespace {

constexpr char32_t kNone = 0xffffffff;  // in place of a byte that begins no character

std::u32string characters(std::string_view text) {
  std::u32string all;
  while (!text.empty()) {
    const Utf8Character character = first_character(text);
    all += character.code_point.value_or(kNone);
    text.remove_prefix(character.length);
  }
  return all;
}

std::string encoded(char32_t c) {
  const auto tail = [c](int shift) { return static_cast<char>(0x80 | ((c >> shift) & 0x3f)); };
  if (c < 0x80) return {static_cast<char>(c)};
  if (c < 0x800) return {static_cast<char>(0xc0 | c >> 6), tail(0)};
  if (c < 0x10000) return {static_cast<char>(0xe0 | c >> 12), tail(6), tail(0)};
  return {static_cast<char>(0xf0 | c >> 18), tail(12), tail(6), tail(0)};
}

//= RFC3629 4 type=test
TEST(Utf8, FollowsTheGrammar) {
  struct Case {
    const char* name;
    std::string text;
    std::u32string want;
  };
  const Case cases[] = {
      {"empty", "", {}},
      {"ASCII", "a\x7f", {'a', 0x7f}},
      {"zero byte", std::string(1, '\0'), {0}},
      {"two bytes, smallest and largest", "\xc2\x80\xdf\xbf", {0x80, 0x7ff}},
      {"three bytes, smallest and largest", "\xe0\xa0\x80\xef\xbf\xbf", {0x800, 0xffff}},
      {"around the surrogates", "\xed\x9f\xbf\xee\x80\x80", {0xd7ff, 0xe000}},
      {"four bytes, smallest and largest", "\xf0\x90\x80\x80\xf4\x8f\xbf\xbf", {0x10000, 0x10ffff}},
      {"lone continuation", "\x80", {kNone}},
      {"overlong in two bytes", "\xc1\xbf", {kNone, kNone}},
      {"overlong in three bytes", "\xe0\x9f\xbf", {kNone, kNone, kNone}},
      {"overlong in four bytes", "\xf0\x8f\xbf\xbf", {kNone, kNone, kNone, kNone}},
      {"first and last surrogate", "\xed\xa0\x80\xed\xbf\xbf", {kNone, kNone, kNone, kNone, kNone, kNone}},
      {"above the last", "\xf4\x90\x80\x80", {kNone, kNone, kNone, kNone}},
      {"no such first byte", "\xf5\x80\x80\x80", {kNone, kNone, kNone, kNone}},
      {"second byte wrong", "\xc2\x41", {kNone, 'A'}},
      {"third byte wrong", "\xe1\x80\x41", {kNone, kNone, 'A'}},
      {"fourth byte wrong", "\xf1\x80\x80\x41", {kNone, kNone, kNone, 'A'}},
      {"cut, then whole", "\xe2\x82\xe2\x82\xac", {kNone, kNone, 0x20ac}},
      {"not all here", "\xe2\x82", {kNone, kNone}},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.name);
    EXPECT_TRUE(characters(c.text) == c.want);
    EXPECT_EQ(is_utf8(c.text), c.want.find(kNone) == std::u32string::npos);
    for (std::size_t cut = 0; cut < c.text.size(); ++cut) (void)characters(std::string_view(c.text).substr(0, cut));
  }
}

TEST(Utf8, EveryCodePointButTheSurrogatesReadsBack) {
  for (char32_t c = 0; c <= 0x110000; ++c) {
    const bool surrogate = c >= 0xd800 && c <= 0xdfff;
    const Utf8Character character = first_character(encoded(c));
    ASSERT_EQ(character.code_point.value_or(kNone), surrogate || c == 0x110000 ? kNone : c);
    ASSERT_EQ(character.length, character.code_point ? encoded(c).size() : 1);
  }
}

TEST(ToUtf8, KeepsWhatIsUtf8AndReplacesBytesOtherwise) {
  EXPECT_EQ(to_utf8("a\xc3\xa9"), "a\xc3\xa9");
  EXPECT_EQ(to_utf8("a\xff\xc3\xa9"), "a???");
  EXPECT_EQ(to_utf8(""), "");
}

}  // namespace
}  // namespace holdfast::base
