#include "policy/address_key.h"

#include <gtest/gtest.h>

#include <unordered_set>

#include "base/cidr.h"

namespace holdfast::policy {
namespace {

using base::PeerAddress;

constexpr base::SipKey kSeed{0x0706050403020100, 0x0f0e0d0c0b0a0908};

PeerAddress peer(const char* text, std::uint16_t port = 1) {
  const base::Cidr address = *base::parse_cidr(text);
  const bool is_ipv4 = address.family == base::Cidr::Family::ipv4;
  return {address.bytes, port, is_ipv4 ? PeerAddress::Family::ipv4 : PeerAddress::Family::ipv6};
}

TEST(AddressKey, IsTheSameForAllConnectionsOfAnAddress) {
  EXPECT_EQ(address_key(peer("10.0.0.1", 1), 64, kSeed), address_key(peer("10.0.0.1", 2), 128, kSeed));
  EXPECT_NE(address_key(peer("10.0.0.1"), 64, kSeed), address_key(peer("10.0.0.2"), 64, kSeed));
  EXPECT_NE(address_key(peer("10.0.0.1"), 64, kSeed), address_key(peer("10.0.0.1"), 64, base::SipKey{1, 2}));
}

TEST(AddressKey, TakesAnIpv4PeerOfAnIpv6SocketForWhatItIs) {
  PeerAddress mapped;
  mapped.bytes = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF, 10, 0, 0, 1};
  mapped.family = PeerAddress::Family::ipv6;
  for (const std::uint8_t prefix : std::initializer_list<std::uint8_t>{0, 64, 128})
    EXPECT_EQ(address_key(mapped, prefix, kSeed), address_key(peer("10.0.0.1"), 64, kSeed));
}

TEST(AddressKey, LooksAtNoMoreThanThePrefixOfIpv6) {
  struct Case {
    const char* a;
    const char* b;
    std::uint8_t longest_same;  // the longest prefix by which they are one address
  };
  const Case cases[] = {
      {"2001:db8::1", "2001:db8::2", 126},
      {"2001:db8::1", "2001:db8:0:0:8000::", 64},
      {"2001:db8::", "2001:db8:0:1::", 63},
      {"2001:db8::", "2001:db8:0:100::", 55},
      {"::", "8000::", 0},
      {"::", "1::", 15},
      {"::", "::1", 127},
      {"2001:db8::1", "2001:db8::1", 128},
  };
  for (const Case& c : cases) {
    for (int prefix = 0; prefix <= 128; ++prefix) {
      const auto bits = static_cast<std::uint8_t>(prefix);
      const bool is_same = address_key(peer(c.a), bits, kSeed) == address_key(peer(c.b), bits, kSeed);
      EXPECT_EQ(is_same, prefix <= c.longest_same) << c.a << " " << c.b << " " << prefix;
    }
  }
}

TEST(AddressKey, IsNoneForWhoHasNoAddress) {
  PeerAddress unix_socket;
  unix_socket.family = PeerAddress::Family::unix_socket;
  EXPECT_EQ(address_key(unix_socket, 64, kSeed), kNoAddress);
  EXPECT_EQ(address_key(PeerAddress{}, 64, kSeed), kNoAddress);
}

TEST(AddressKey, SpreadsNeighboursOverAllBits) {
  std::unordered_set<std::uint64_t> keys;
  int ones[64] = {};
  constexpr int kAddresses = 1 << 16;
  for (int i = 0; i < kAddresses; ++i) {
    PeerAddress address = peer("10.0.0.0");
    address.bytes[2] = static_cast<std::uint8_t>(i >> 8);
    address.bytes[3] = static_cast<std::uint8_t>(i);
    const std::uint64_t key = address_key(address, 64, kSeed);
    keys.insert(key);
    for (int bit = 0; bit < 64; ++bit) ones[bit] += static_cast<int>(key >> bit & 1);
  }
  EXPECT_EQ(keys.size(), static_cast<std::size_t>(kAddresses));
  // Six standard deviations of a fair coin (128) around the half.
  for (const int count : ones) EXPECT_NEAR(count, kAddresses / 2, 6 * 128);
}

}  // namespace
}  // namespace holdfast::policy
