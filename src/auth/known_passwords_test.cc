#include "auth/known_passwords.h"

#include <gtest/gtest.h>

#include <string>

namespace holdfast::auth {
namespace {

using namespace std::chrono_literals;

constexpr base::Time kStart{1h};

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
