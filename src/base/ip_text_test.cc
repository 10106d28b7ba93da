#include "base/ip_text.h"

#include <gtest/gtest.h>

#include <string>

namespace holdfast::base {
namespace {

using Family = PeerAddress::Family;
using Bytes = std::array<std::uint8_t, 16>;

constexpr Bytes kOne{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1};
constexpr Bytes kEight{0, 1, 0, 2, 0, 3, 0, 4, 0, 5, 0, 6, 0, 7, 0, 8};
constexpr Bytes kMapped{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 10, 0, 0, 1};

//= RFC4291 2.2 type=test
TEST(ParseIp, FollowsItsTable) {
  struct Case {
    Family family;
    std::string text;
    std::optional<Bytes> want;
  };
  const Case cases[] = {
      {Family::ipv4, "10.0.0.1", Bytes{10, 0, 0, 1}},
      {Family::ipv4, "255.255.255.255", Bytes{255, 255, 255, 255}},
      {Family::ipv4, "0.0.0.0", Bytes{}},
      {Family::ipv4, "10.0.0.01", std::nullopt},
      {Family::ipv4, "10.0.0.256", std::nullopt},
      {Family::ipv4, "10.0.0", std::nullopt},
      {Family::ipv4, "10.0.0.1.", std::nullopt},
      {Family::ipv4, "10.0..1", std::nullopt},
      {Family::ipv4, "0x0a.0.0.1", std::nullopt},
      {Family::ipv4, " 10.0.0.1", std::nullopt},
      {Family::ipv4, "10.0.0.1 ", std::nullopt},
      {Family::ipv4, std::string("10.0.0.1\0", 9), std::nullopt},
      {Family::ipv4, std::string(), std::nullopt},
      {Family::ipv4, std::string(4096, '1'), std::nullopt},
      {Family::ipv4, "::1", std::nullopt},
      {Family::ipv6, "::", Bytes{}},
      {Family::ipv6, "::1", kOne},
      {Family::ipv6, "1:2:3:4:5:6:7:8", kEight},
      {Family::ipv6, "0001:0002:0003:0004:0005:0006:0007:0008", kEight},
      {Family::ipv6, "1:2:3:4:5:6:0.7.0.8", kEight},
      {Family::ipv6, "::ffff:10.0.0.1", kMapped},
      {Family::ipv6, "::FFFF:A00:1", kMapped},
      {Family::ipv6, "1:2:3:4:5:6:7", std::nullopt},
      {Family::ipv6, "1:2:3:4:5:6:7:8:9", std::nullopt},
      {Family::ipv6, "1::2::3", std::nullopt},
      {Family::ipv6, "1:2:3:4::5:6:7:8", std::nullopt},
      {Family::ipv6, ":1:2:3:4:5:6:7:8", std::nullopt},
      {Family::ipv6, "1:::2", std::nullopt},
      {Family::ipv6, "00001::", std::nullopt},
      {Family::ipv6, "g::", std::nullopt},
      {Family::ipv6, "fe80::1%eth0", std::nullopt},
      {Family::ipv6, "[::1]", std::nullopt},
      {Family::ipv6, "10.0.0.1", std::nullopt},
      {Family::ipv6, std::string("::1\0", 4), std::nullopt},
      {Family::ipv6, "", std::nullopt},
      {Family::none, "10.0.0.1", std::nullopt},
      {Family::unix_socket, "/x", std::nullopt},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.text.substr(0, 60));
    const auto got = parse_ip(c.family, c.text);
    ASSERT_EQ(got.has_value(), c.want.has_value());
    if (got) {
      EXPECT_EQ(*got, (PeerAddress{*c.want, 0, c.family}));
    }
  }
}

}  // namespace
}  // namespace holdfast::base
