#include "policy/cidr_set.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>

namespace holdfast::policy {
namespace {

using base::Cidr;
using base::PeerAddress;

std::vector<Cidr> networks(std::initializer_list<const char*> texts) {
  std::vector<Cidr> result;
  for (const char* text : texts) result.push_back(*base::parse_cidr(text));
  return result;
}

PeerAddress peer(const char* text) {
  const Cidr address = *base::parse_cidr(text);
  PeerAddress result;
  result.bytes = address.bytes;
  result.family = address.family == Cidr::Family::ipv4 ? PeerAddress::Family::ipv4 : PeerAddress::Family::ipv6;
  return result;
}

TEST(CidrSet, HoldsWhatItsNetworksHold) {
  struct Case {
    const char* name;
    std::vector<Cidr> networks;
    std::vector<const char*> inside;
    std::vector<const char*> outside;
  };
  const Case cases[] = {
      {"nothing", {}, {}, {"0.0.0.0", "10.0.0.1", "::", "::1"}},
      {"one address", networks({"10.0.0.7"}), {"10.0.0.7"}, {"10.0.0.6", "10.0.0.8", "::"}},
      {"everything", networks({"0.0.0.0/0", "::/0"}), {"0.0.0.0", "255.255.255.255", "::", "ffff::"}, {}},
      {"IPv4 only", networks({"0.0.0.0/0"}), {"0.0.0.0", "255.255.255.255"}, {"::", "::1"}},
      {"the very first", networks({"0.0.0.0", "::"}), {"0.0.0.0", "::"}, {"0.0.0.1", "::1"}},
      {"the very last",
       networks({"255.255.255.255", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"}),
       {"255.255.255.255", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"},
       {"255.255.255.254", "0.0.0.0", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:fffe"}},
      {"one inside another",
       networks({"10.0.0.0/8", "10.1.0.0/16"}),
       {"10.0.0.0", "10.1.0.0", "10.2.0.0"},
       {"11.0.0.0"}},
      {"inside the last", networks({"128.0.0.0/1", "255.0.0.0/8"}), {"128.0.0.0", "255.1.1.1"}, {"127.255.255.255"}},
      {"neighbours",
       networks({"10.0.0.128/25", "10.0.0.0/25"}),
       {"10.0.0.0", "10.0.0.128"},
       {"9.255.255.255", "10.0.1.0"}},
      {"host bits", networks({"10.9.9.9/8"}), {"10.0.0.0", "10.255.255.255"}, {"11.0.0.0"}},
      {"high and low halves",
       networks({"2001:db8::/64", "2001:db8:0:1::/96"}),
       {"2001:db8::ffff:ffff:ffff:ffff", "2001:db8:0:1::1"},
       {"2001:db8:0:1:1::", "2001:db8:0:2::"}},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.name);
    const CidrSet set(c.networks);
    EXPECT_EQ(set.empty(), c.networks.empty());
    for (const char* text : c.inside) EXPECT_TRUE(set.contains(peer(text))) << text;
    for (const char* text : c.outside) EXPECT_FALSE(set.contains(peer(text))) << text;
  }
}

TEST(CidrSet, TakesAnIpv4PeerOfAnIpv6SocketForWhatItIs) {
  PeerAddress mapped;
  mapped.bytes = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF, 10, 1, 2, 3};
  mapped.family = PeerAddress::Family::ipv6;
  EXPECT_TRUE(CidrSet(networks({"10.0.0.0/8"})).contains(mapped));
  EXPECT_FALSE(CidrSet(networks({"::/0"})).contains(mapped));
}

TEST(CidrSet, HoldsNeitherUnixSocketsNorTheUnknown) {
  const CidrSet everything(networks({"0.0.0.0/0", "::/0"}));
  PeerAddress unix_socket;
  unix_socket.family = PeerAddress::Family::unix_socket;
  EXPECT_FALSE(everything.contains(unix_socket));
  EXPECT_FALSE(everything.contains(PeerAddress{}));
}

TEST(CidrSet, JoinsNeighbours) {
  std::vector<Cidr> all;
  for (int i = 0; i < 256; ++i) all.push_back(*base::parse_cidr("10.0." + std::to_string(i) + ".0/24"));
  EXPECT_EQ(CidrSet(all).memory_bytes(), 8U);
}

// Addresses and networks close together, so that edges meet; the whole range would hardly ever show them.
class Crowd {
 public:
  explicit Crowd(std::uint64_t seed) : random_(seed) {}

  PeerAddress address() {
    PeerAddress result;
    const bool is_ipv4 = random_() % 2 == 0;
    result.family = is_ipv4 ? PeerAddress::Family::ipv4 : PeerAddress::Family::ipv6;
    const std::size_t length = is_ipv4 ? 4 : 16;
    constexpr std::uint8_t kBytes[] = {0, 1, 0x7F, 0x80, 0xFE, 0xFF};
    const std::uint8_t filler = random_() % 2 == 0 ? 0 : 0xFF;
    std::fill_n(result.bytes.begin(), length, filler);
    for (std::size_t i = 0; i < 3; ++i) result.bytes[random_() % length] = kBytes[random_() % std::size(kBytes)];
    return result;
  }
  Cidr network() {
    const PeerAddress at = address();
    const bool is_ipv4 = at.family == PeerAddress::Family::ipv4;
    const auto prefix = static_cast<std::uint8_t>(random_() % (is_ipv4 ? 33 : 129));
    return {at.bytes, prefix, is_ipv4 ? Cidr::Family::ipv4 : Cidr::Family::ipv6};
  }

 private:
  std::mt19937_64 random_;
};

TEST(CidrSet, AgreesWithAskingEveryNetwork) {
  for (std::uint64_t round = 0; round < 500; ++round) {
    Crowd crowd(round);
    std::vector<Cidr> list(round % 40);
    std::ranges::generate(list, [&] { return crowd.network(); });
    // Wide networks would hide the narrow ones in most rounds.
    if (round % 4 != 0) std::erase_if(list, [](const Cidr& each) { return each.prefix < 12; });
    const CidrSet set(list);
    for (int i = 0; i < 200; ++i) {
      const PeerAddress address = crowd.address();
      const bool expected = std::ranges::any_of(list, [&](const Cidr& each) { return each.contains(address); });
      ASSERT_EQ(set.contains(address), expected) << address.text() << " in round " << round;
    }
  }
}

}  // namespace
}  // namespace holdfast::policy
