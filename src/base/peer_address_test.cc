#include "base/peer_address.h"

#include <gtest/gtest.h>

namespace holdfast::base {
namespace {

using Family = PeerAddress::Family;

TEST(PeerAddress, IsWrittenForPeople) {
  EXPECT_EQ(PeerAddress{}.text(), "-");
  EXPECT_EQ((PeerAddress{{10, 0, 0, 1}, 4711, Family::ipv4}.text()), "10.0.0.1:4711");
  EXPECT_EQ((PeerAddress{{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1}, 4711, Family::ipv6}.text()), "[::1]:4711");
  EXPECT_EQ((PeerAddress{{}, 0, Family::unix_socket}.text()), "unix");
}

TEST(PeerAddress, DiffersInFamilyAddressAndPort) {
  const PeerAddress one{{10, 0, 0, 1}, 80, Family::ipv4};
  EXPECT_EQ(one, (PeerAddress{{10, 0, 0, 1}, 80, Family::ipv4}));
  EXPECT_NE(one, (PeerAddress{{10, 0, 0, 2}, 80, Family::ipv4}));
  EXPECT_NE(one, (PeerAddress{{10, 0, 0, 1}, 81, Family::ipv4}));
  EXPECT_NE(one, (PeerAddress{{10, 0, 0, 1}, 80, Family::ipv6})) << "the same first bytes, another family";
}

}  // namespace
}  // namespace holdfast::base
