#include "wire/crc32c.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>
#include <string>

namespace holdfast::wire {
namespace {

std::uint32_t crc_of(const std::string& text) { return crc32c(std::as_bytes(std::span(text))); }

//= RFC3720 B.4 type=test
TEST(Crc32c, FollowsTheExamplesOfTheStandard) {
  std::string rising(32, '\0');
  std::iota(rising.begin(), rising.end(), '\0');
  EXPECT_EQ(crc_of(""), 0U);
  EXPECT_EQ(crc_of("123456789"), 0xe3069283);
  EXPECT_EQ(crc_of(std::string(32, '\0')), 0x8a9136aa);
  EXPECT_EQ(crc_of(std::string(32, '\xff')), 0x62a8ab43);
  EXPECT_EQ(crc_of(rising), 0x46dd794e);
  std::ranges::reverse(rising);
  EXPECT_EQ(crc_of(rising), 0x113fdb5c);
}

TEST(Crc32c, GoesOnWhereItStopped) {
  const std::string text = "what is told in parts is the same";
  const auto bytes = std::as_bytes(std::span(text));
  for (std::size_t cut = 0; cut <= bytes.size(); ++cut) {
    EXPECT_EQ(crc32c(bytes.subspan(cut), crc32c(bytes.first(cut))), crc_of(text));
  }
}

}  // namespace
}  // namespace holdfast::wire
