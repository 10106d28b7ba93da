#include "broker/core/keyed_hash.h"

#include <gtest/gtest.h>

#include <set>
#include <string>

namespace holdfast::broker {
namespace {

// As CPython 3.11 has them: PYTHONHASHSEED=0 python3 -c 'print(hex(hash(b"a") & (1 << 64) - 1))'
TEST(KeyedHash, IsSipHash13) {
  std::string longer;
  for (int i = 0; i < 20; ++i) longer += "device/4711/state";
  EXPECT_EQ(keyed_hash({0, 0}, "a"), 0x407448d2b89b1813);
  EXPECT_EQ(keyed_hash({0, 0}, "abcdefg"), 0x6db12aae9070f506);
  EXPECT_EQ(keyed_hash({0, 0}, "abcdefgh"), 0x3f7b849c0b8e35ea);
  EXPECT_EQ(keyed_hash({0, 0}, "device/4711/state"), 0x06b8722cbc778175);
  EXPECT_EQ(keyed_hash({0, 0}, longer), 0xb9c751e8424cbe67);
}

TEST(KeyedHash, DependsOnTheWholeKeyAndTheLength) {
  const std::set<std::uint64_t> all{keyed_hash({1, 2}, "a"), keyed_hash({2, 1}, "a"), keyed_hash({1, 3}, "a"),
                                    keyed_hash({1, 2}, ""), keyed_hash({1, 2}, std::string_view("\0", 1))};
  EXPECT_EQ(all.size(), 5U);
}

}  // namespace
}  // namespace holdfast::broker
