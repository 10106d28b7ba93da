#include "client/shown.h"

#include <gtest/gtest.h>

namespace holdfast::app {
namespace {

struct Case {
  double value;
  const char* shown;
};

TEST(Shown, SecondsInTheUnitThatSaysMost) {
  const Case cases[] = {{-1, "-"},          {0, "0s"},         {0.00018, "180us"}, {0.0009996, "1.0ms"},
                        {0.0123, "12.3ms"}, {0.9996, "1.0s"},  {4.2, "4.2s"},      {59.96, "1m00s"},
                        {192, "3m12s"},     {3599.7, "1h00m"}, {18420, "5h07m"},   {86400, "1d00h"},
                        {356400, "4d03h"}};
  for (const Case& c : cases) EXPECT_EQ(shown_seconds(c.value), c.shown) << c.value;
}

TEST(Shown, SecondsThatAreNotKnown) { EXPECT_EQ(shown_seconds(std::optional<double>()), "-"); }

TEST(Shown, ShortCountsTakeAtMostFiveColumns) {
  const Case cases[] = {{0, "0"},      {0.4, "0.4"},      {7, "7"},         {9.96, "10"},
                        {999, "999"},  {999.6, "1.0k"},   {12345, "12.3k"}, {123456, "123k"},
                        {1e6, "1.0M"}, {999.6e6, "1.0G"}, {1e15, "1000T"}};
  for (const Case& c : cases) {
    EXPECT_EQ(shown_short(c.value), c.shown) << c.value;
    EXPECT_LE(shown_short(c.value).size(), 5U);
  }
}

TEST(Shown, BytesInPowersOf1024) {
  const Case cases[] = {{0, "0B"},        {1023, "1023B"},       {1024, "1.0KiB"},
                        {1536, "1.5KiB"}, {123456789, "118MiB"}, {1099511627776.0, "1.0TiB"}};
  for (const Case& c : cases) EXPECT_EQ(shown_bytes(c.value), c.shown) << c.value;
}

}  // namespace
}  // namespace holdfast::app
