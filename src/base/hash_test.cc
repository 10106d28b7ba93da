#include "base/hash.h"

#include <gtest/gtest.h>

#include <bit>
#include <set>
#include <string>

namespace holdfast::base {
namespace {

struct Case {
  std::string_view text;
  std::uint64_t seed;
  std::uint64_t hash;
};

// Values of the reference implementation: whatever is stored by these hashes depends on them.
const Case kCases[] = {
    {"", 0, 0xEF46DB3751D8E999},
    {"a", 0, 0xD24EC4F1A98C6E5B},
    {"abc", 0, 0x44BC2CF5AD770999},
    {"xxhash", 0, 0x32DD38952C4BC720},
    {"xxhash", 20141025, 0xB559B98D844E0635},
    {"Call me Ishmael. Some years ago--never mind how long precisely-", 0, 0x02A2E85470D6FD96},
};

TEST(Hash, GivesTheValuesOfTheReference) {
  for (const Case& c : kCases) {
    SCOPED_TRACE(c.text);
    EXPECT_EQ(hash_text(c.text, c.seed), c.hash);
  }
}

TEST(Hash, EveryLengthAndSeedDiffers) {
  std::set<std::uint64_t> seen;
  const std::string text(100, 'x');
  for (std::size_t length = 0; length <= text.size(); ++length) {
    for (const std::uint64_t seed : {0U, 1U, 2U})
      seen.insert(hash_text(std::string_view(text).substr(0, length), seed));
  }
  EXPECT_EQ(seen.size(), 303U);
}

TEST(Hash, OneBitMovesHalfOfTheBits) {
  double changed = 0;
  for (std::uint64_t value = 0; value < 1000; ++value) {
    for (int bit = 0; bit < 64; ++bit) changed += std::popcount(mix(value) ^ mix(value ^ (std::uint64_t{1} << bit)));
  }
  EXPECT_NEAR(changed / 64'000, 32, 0.1);
}

}  // namespace
}  // namespace holdfast::base
