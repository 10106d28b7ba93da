#include "base/cidr.h"

#include <gtest/gtest.h>

namespace holdfast::base {
namespace {

PeerAddress peer(const char* text) {
  const auto address = parse_cidr(text);
  PeerAddress result;
  result.bytes = address->bytes;
  result.port = 4711;
  result.family = address->family == Cidr::Family::ipv4 ? PeerAddress::Family::ipv4 : PeerAddress::Family::ipv6;
  return result;
}

PeerAddress mapped(const char* ipv4) {
  const PeerAddress inner = peer(ipv4);
  PeerAddress result;
  result.bytes[10] = result.bytes[11] = 0xFF;
  for (std::size_t i = 0; i < 4; ++i) result.bytes[12 + i] = inner.bytes[i];
  result.port = inner.port;
  result.family = PeerAddress::Family::ipv6;
  return result;
}

TEST(ParseCidr, ReadsWhatUsersWrite) {
  struct Case {
    const char* text;
    const char* written_back;
  };
  const Case cases[] = {
      {"10.0.0.0/8", "10.0.0.0/8"},
      {"10.0.0.7", "10.0.0.7/32"},
      {"0.0.0.0/0", "0.0.0.0/0"},
      {"255.255.255.255/32", "255.255.255.255/32"},
      {"192.168.1.128/25", "192.168.1.128/25"},
      {"::1", "::1/128"},
      {"::/0", "::/0"},
      {"2001:db8::/32", "2001:db8::/32"},
      {"2001:0DB8:0:0::/32", "2001:db8::/32"},
      {"64:ff9b::192.0.2.0/120", "64:ff9b::c000:200/120"},
      {"::ffff:10.0.0.7", "10.0.0.7/32"},      // an IPv4 address, however it is written
      {"::ffff:10.0.0.0/104", "10.0.0.0/8"},   //
      {"::ffff:0:0/96", "0.0.0.0/0"},          //
      {"::ffff:0:0/95", "::ffff:0.0.0.0/95"},  // more than IPv4 addresses
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.text);
    const auto got = parse_cidr(c.text);
    ASSERT_TRUE(got);
    EXPECT_EQ(got->text(), c.written_back);
    const auto again = parse_cidr(got->text());
    ASSERT_TRUE(again);
    EXPECT_EQ(*again, *got);
  }
}

TEST(ParseCidr, RefusesWhatIsNone) {
  using namespace std::string_literals;
  for (const std::string& text : {""s,
                                  "/"s,
                                  "/8"s,
                                  "10"s,
                                  "10/8"s,
                                  "10.0.0/8"s,
                                  "10.0.0.0/"s,
                                  "10.0.0.0/33"s,
                                  "10.0.0.0/256"s,
                                  "10.0.0.0/264"s,
                                  "10.0.0.0/-1"s,
                                  "10.0.0.0/+8"s,
                                  "10.0.0.0/08"s,
                                  "10.0.0.0/00"s,
                                  "10.0.0.0/ 8"s,
                                  "10.0.0.0/8 "s,
                                  " 10.0.0.0/8"s,
                                  "10.0.0.0 /8"s,
                                  "10.0.0.0/8/8"s,
                                  "10.0.0.0//8"s,
                                  "10.0.0.0/255.0.0.0"s,
                                  "10.0.0.256"s,
                                  "10.0.0.01"s,
                                  "0x0a000001"s,
                                  "167772161"s,
                                  "10.0.0.1:80"s,
                                  "::1/129"s,
                                  "::1/1000"s,
                                  "[::1]"s,
                                  "[::1]/128"s,
                                  ":::"s,
                                  "1::2::3"s,
                                  "12345::"s,
                                  "fe80::1%eth0"s,
                                  "fe80::%1/64"s,
                                  "2001:db8::/32x"s,
                                  "localhost"s,
                                  "unix:/path"s,
                                  "10.0.0.0\0"s,
                                  "10.0.0.0\0/8"s,
                                  "10.0.0.0/8\0"s,
                                  "::1\0junk"s,
                                  "10.0.0.0/0x8"s,
                                  "10.0.0.0/8.0"s,
                                  std::string(1000, '1'),
                                  std::string(46, ':')}) {
    EXPECT_FALSE(parse_cidr(text)) << text;
  }
}

TEST(Cidr, TellsWhatWouldHaveBeenRight) {
  struct Case {
    const char* text;
    const char* canonical;
  };
  for (const Case& c : {Case{"10.0.0.7/8", "10.0.0.0/8"}, Case{"10.0.0.7/0", "0.0.0.0/0"},
                        Case{"192.168.1.129/25", "192.168.1.128/25"}, Case{"10.0.0.1/31", "10.0.0.0/31"},
                        Case{"2001:db8:ffff::1/33", "2001:db8:8000::/33"}, Case{"::1/127", "::/127"}}) {
    SCOPED_TRACE(c.text);
    const auto got = parse_cidr(c.text);
    ASSERT_TRUE(got);
    EXPECT_TRUE(got->has_host_bits());
    EXPECT_EQ(got->canonical().text(), c.canonical);
    EXPECT_FALSE(got->canonical().has_host_bits());
  }
  for (const char* text : {"10.0.0.0/8", "10.0.0.7", "0.0.0.0/0", "::1", "::/0", "2001:db8::/32"})
    EXPECT_FALSE(parse_cidr(text)->has_host_bits()) << text;
}

TEST(Cidr, ContainsWhatItsPrefixCovers) {
  struct Case {
    const char* network;
    const char* inside;
    const char* outside;
  };
  const Case cases[] = {
      {"10.0.0.0/8", "10.255.255.255", "11.0.0.0"},
      {"10.0.0.7/8", "10.1.2.3", "9.255.255.255"},
      {"10.0.0.7", "10.0.0.7", "10.0.0.6"},
      {"192.168.1.128/25", "192.168.1.128", "192.168.1.127"},
      {"0.0.0.0/0", "255.255.255.255", "::1"},
      {"::/0", "2001:db8::1", "10.0.0.1"},
      {"2001:db8::/32", "2001:db8:ffff::", "2001:db9::"},
      {"2001:db8:8000::/33", "2001:db8:8000::1", "2001:db8:7fff::"},
      {"::1", "::1", "::2"},
      {"128.0.0.0/1", "128.0.0.0", "127.255.255.255"},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.network);
    const auto network = parse_cidr(c.network);
    EXPECT_TRUE(network->contains(peer(c.inside)));
    EXPECT_FALSE(network->contains(peer(c.outside)));
  }
}

//= RFC4291 2.5.5.2 type=test
TEST(Cidr, FindsAnIpv4PeerOfAnIpv6SocketInIpv4NetworksOnly) {
  EXPECT_TRUE(parse_cidr("10.0.0.0/8")->contains(mapped("10.1.2.3")));
  EXPECT_FALSE(parse_cidr("10.0.0.0/8")->contains(mapped("11.1.2.3")));
  EXPECT_TRUE(parse_cidr("::ffff:10.0.0.0/104")->contains(peer("10.1.2.3")));
  EXPECT_FALSE(parse_cidr("::/0")->contains(mapped("10.1.2.3")));
  EXPECT_EQ(mapped("10.1.2.3").unmapped(), peer("10.1.2.3"));
  EXPECT_EQ(peer("10.1.2.3").unmapped(), peer("10.1.2.3"));
  EXPECT_EQ(peer("::1").unmapped(), peer("::1"));
}

TEST(Cidr, HoldsNeitherUnixSocketsNorTheUnknown) {
  PeerAddress unix_socket;
  unix_socket.family = PeerAddress::Family::unix_socket;
  for (const char* text : {"0.0.0.0/0", "::/0"}) {
    EXPECT_FALSE(parse_cidr(text)->contains(unix_socket));
    EXPECT_FALSE(parse_cidr(text)->contains(PeerAddress{}));
  }
}

}  // namespace
}  // namespace holdfast::base
