#include "auth/known_passwords.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace holdfast::auth {
namespace {

using namespace std::chrono_literals;

constexpr base::Time kStart{1h};

HashKey reference_key() {
  HashKey key;
  for (std::size_t i = 0; i < key.size(); ++i) key[i] = static_cast<std::byte>(i);
  return key;
}

// From the authors' vectors.h, which has the bytes in the order of `low` and `high`, each little-endian.
TEST(KeyedHash, IsSipHash) {
  struct Case {
    std::size_t size;
    KeyedHash want;
  };
  for (const Case& c :
       {Case{0, {0xe6a825ba047f81a3, 0x930255c71472f66d}}, {1, {0x44af996bd8c187da, 0x45fc229b11597634}}}) {
    std::vector<std::byte> bytes;
    for (std::size_t i = 0; i < c.size; ++i) bytes.push_back(static_cast<std::byte>(i));
    EXPECT_EQ(keyed_hash(reference_key(), bytes), c.want) << c.size;
  }
}

TEST(KeyedHash, DependsOnEveryByteAndOnTheKey) {
  std::vector<std::byte> bytes(40);
  const KeyedHash zeros = keyed_hash(reference_key(), bytes);
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    bytes[i] = std::byte{1};
    EXPECT_NE(keyed_hash(reference_key(), bytes), zeros) << i;
    bytes[i] = std::byte{0};
    EXPECT_NE(keyed_hash(reference_key(), std::span(bytes).first(i)), zeros) << i;
  }
  EXPECT_NE(keyed_hash(random_key(), bytes), zeros);
}

TEST(KnownPasswords, KnowsWhatWasRightForAWhile) {
  KnownPasswords known(10min, 100);
  EXPECT_FALSE(known.knows("a", "h", kStart));
  known.add("a", "h", kStart);
  EXPECT_TRUE(known.knows("a", "h", kStart));
  EXPECT_TRUE(known.knows("a", "h", kStart + 10min - 1ms));
  EXPECT_FALSE(known.knows("a", "h", kStart + 10min));
  EXPECT_FALSE(known.knows("b", "h", kStart));
  EXPECT_FALSE(known.knows("a", "h2", kStart)) << "a new hash is another password";
  EXPECT_FALSE(known.knows("", "ha", kStart));
}

TEST(KnownPasswords, ForgetsTheOldestWhenThereIsNoRoom) {
  KnownPasswords known(10min, 3);
  for (int i = 0; i < 5; ++i) known.add(std::to_string(i), "h", kStart + i * 1s);
  EXPECT_EQ(known.size(), 3U);
  EXPECT_FALSE(known.knows("1", "h", kStart + 5s));
  EXPECT_TRUE(known.knows("2", "h", kStart + 5s));
  known.add("9", "h", kStart + 11min);
  EXPECT_EQ(known.size(), 1U);
}

TEST(KnownPasswords, TwiceIsOnce) {
  KnownPasswords known(10min, 3);
  known.add("a", "h", kStart);
  known.add("a", "h", kStart + 1min);
  EXPECT_EQ(known.size(), 1U);
  known.add("a", "h", kStart + 10min);
  EXPECT_TRUE(known.knows("a", "h", kStart + 19min));
}

TEST(KnownPasswords, NoTimeMeansNothingIsKnown) {
  KnownPasswords known(0s, 3);
  known.add("a", "h", kStart);
  EXPECT_FALSE(known.knows("a", "h", kStart));
  EXPECT_EQ(known.size(), 0U);
}

}  // namespace
}  // namespace holdfast::auth
