#include "base/utf8.h"

#include <gtest/gtest.h>

#include "base/random.h"

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

// Section 3 of RFC 3629 read word by word: the bits of the table put together, and then what a code point must not be.
bool is_utf8_naively(std::string_view text) {
  const auto bits = [&text](std::size_t i) -> unsigned {
    return i < text.size() ? static_cast<unsigned char>(text[i]) : 0U;
  };
  constexpr unsigned kSmallest[] = {0, 0, 0x80, 0x800, 0x10000};
  while (!text.empty()) {
    const std::size_t length = bits(0) < 0x80           ? 1
                               : (bits(0) >> 5) == 0x06 ? 2
                               : (bits(0) >> 4) == 0x0e ? 3
                               : (bits(0) >> 3) == 0x1e ? 4
                                                        : 0;
    if (length == 0) return false;
    unsigned code_point = length == 1 ? bits(0) : bits(0) & (0xffU >> (length + 1));
    for (std::size_t i = 1; i < length; ++i) {
      if ((bits(i) & 0xc0) != 0x80) return false;
      code_point = code_point << 6 | (bits(i) & 0x3f);
    }
    const bool surrogate = code_point >= 0xd800 && code_point <= 0xdfff;
    if (surrogate || code_point > 0x10ffff || code_point < kSmallest[length]) return false;
    text.remove_prefix(length);
  }
  return true;
}

TEST(IsUtf8, AgreesWithTheNaiveDecoderOnAllSequencesOfThreeBytes) {
  std::string text(3, '\0');
  for (unsigned bytes = 0; bytes < 1U << 24; ++bytes) {
    for (std::size_t i = 0; i < 3; ++i) text[i] = static_cast<char>(bytes >> (8 * i));
    ASSERT_EQ(is_utf8(text), is_utf8_naively(text)) << std::hex << bytes;
  }
}

// All first bytes that want three more, all second bytes, and bytes at the edges of what may follow.
TEST(IsUtf8, AgreesWithTheNaiveDecoderOnSequencesOfFourBytes) {
  const std::string edges("\x00\x41\x7f\x80\x8f\x90\x9f\xa0\xbf\xc0\xc2\xe0\xed\xf0\xf4\xff", 16);
  for (unsigned first = 0xf0; first <= 0xff; ++first) {
    for (unsigned second = 0; second <= 0xff; ++second) {
      for (const char third : edges) {
        for (const char fourth : edges) {
          const std::string text{static_cast<char>(first), static_cast<char>(second), third, fourth};
          ASSERT_EQ(is_utf8(text), is_utf8_naively(text)) << std::hex << first << " " << second;
        }
      }
    }
  }
}

TEST(IsUtf8, TakesEveryCodePointWhereverItStandsInAWord) {
  for (char32_t c = 0; c <= 0x10ffff; ++c) {
    const std::string character = encoded(c);
    const bool is_character = c < 0xd800 || c > 0xdfff;
    const std::string text = std::string(c % 17, 'a') + character + std::string(c % 11, 'z');
    ASSERT_EQ(is_utf8(character), is_character) << static_cast<unsigned>(c);
    ASSERT_EQ(is_utf8(text), is_character) << static_cast<unsigned>(c);
  }
}

// Texts of characters of all lengths, with runs of ASCII between them; most of them whole, some with a byte changed or
// an end cut off, so that faults stand everywhere in a word, and behind one that was skipped.
TEST(IsUtf8, AgreesWithTheNaiveDecoderOnRandomTexts) {
  constexpr char32_t kFirst[] = {0, 0x80, 0x800, 0xe000, 0x10000};
  constexpr std::uint32_t kCount[] = {0x80, 0x780, 0xd000, 0x2000, 0x100000};
  Random random(1);
  int whole = 0;
  constexpr int kTexts = 200'000;
  for (int i = 0; i < kTexts; ++i) {
    std::string text;
    for (std::uint32_t parts = random.below(8); parts > 0; --parts) {
      const std::uint32_t kind = random.below(5);
      text += encoded(kFirst[kind] + random.below(kCount[kind]));
      text.append(random.below(3) == 0 ? random.below(20) : 0, 'a');
    }
    if (!text.empty() && random.below(3) == 0)
      text[random.below(static_cast<std::uint32_t>(text.size()))] = static_cast<char>(random.below(256));
    if (!text.empty() && random.below(8) == 0) text.pop_back();
    const bool want = is_utf8_naively(text);
    whole += int{want};
    ASSERT_EQ(is_utf8(text), want) << testing::PrintToString(text);
    ASSERT_EQ(characters(text).find(kNone) == std::u32string::npos, want) << testing::PrintToString(text);
  }
  EXPECT_GT(whole, kTexts / 10);
  EXPECT_LT(whole, kTexts * 9 / 10);
}

TEST(ToUtf8, KeepsWhatIsUtf8AndReplacesBytesOtherwise) {
  EXPECT_EQ(to_utf8("a\xc3\xa9"), "a\xc3\xa9");
  EXPECT_EQ(to_utf8("a\xff\xc3\xa9"), "a???");
  EXPECT_EQ(to_utf8(""), "");
}

}  // namespace
}  // namespace holdfast::base
