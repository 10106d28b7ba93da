#include "base/units.h"

#include <gtest/gtest.h>

#include <optional>

namespace holdfast::base {
namespace {

using std::chrono::microseconds;

TEST(ParseDuration, FollowsItsTable) {
  struct Case {
    const char* text;
    std::optional<microseconds> want;
  };
  const Case cases[] = {
      {"0", microseconds{0}},
      {"0s", microseconds{0}},
      {"250us", microseconds{250}},
      {"200ms", microseconds{200'000}},
      {"5s", microseconds{5'000'000}},
      {"1h30m", microseconds{5'400'000'000}},
      {"7d", microseconds{604'800'000'000}},
      {"", std::nullopt},
      {"5", std::nullopt},
      {"s", std::nullopt},
      {"5 s", std::nullopt},
      {"-5s", std::nullopt},
      {"1.5s", std::nullopt},
      {"30m1h", std::nullopt},
      {"1s1s", std::nullopt},
      {"5sec", std::nullopt},
      {"99999999999999999999s", std::nullopt},
      {"36501d", std::nullopt},
      {"18446744073709551615us", std::nullopt},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.text);
    const auto got = parse_duration(c.text);
    ASSERT_EQ(got.has_value(), c.want.has_value());
    if (!got) continue;
    EXPECT_EQ(*got, *c.want);
    EXPECT_EQ(*parse_duration(to_text(*got)), *got) << "text reads back";
  }
}

TEST(ParseBytes, FollowsItsTable) {
  struct Case {
    const char* text;
    std::optional<std::uint64_t> want;
    const char* canonical = "";
  };
  const Case cases[] = {
      {"0", 0, "0B"},
      {"512", 512, "512B"},
      {"512B", 512, "512B"},
      {"64KiB", 65'536, "64KiB"},
      {"1MiB", 1'048'576, "1MiB"},
      {"10kB", 10'000, "10kB"},
      {"1024KiB", 1'048'576, "1MiB"},
      {"", std::nullopt},
      {"KiB", std::nullopt},
      {"1KB", std::nullopt},
      {"1.5MiB", std::nullopt},
      {"-1", std::nullopt},
      {"99999999999GiB", std::nullopt},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.text);
    const auto got = parse_bytes(c.text);
    ASSERT_EQ(got.has_value(), c.want.has_value());
    if (!got) continue;
    EXPECT_EQ(got->count, *c.want);
    EXPECT_EQ(to_text(*got), c.canonical);
  }
}

TEST(ParseRate, FollowsItsTable) {
  EXPECT_DOUBLE_EQ(parse_rate("200/s")->per_second, 200);
  EXPECT_DOUBLE_EQ(parse_rate("30/m")->per_second, 0.5);
  for (const char* text : {"200/s", "30/m", "5/h", "0/s"}) EXPECT_EQ(to_text(*parse_rate(text)), text);
  for (const char* text : {"", "200", "/s", "200/", "200/d", "a/s", "1.5/s", "-1/s"}) {
    EXPECT_FALSE(parse_rate(text)) << text;
  }
}

}  // namespace
}  // namespace holdfast::base
