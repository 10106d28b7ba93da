#include "base/siphash.h"

#include <gtest/gtest.h>

#include <vector>

namespace holdfast::base {
namespace {

constexpr SipKey kKey{0x0706050403020100, 0x0f0e0d0c0b0a0908};  // bytes 0 to 15

std::vector<std::byte> counted(std::size_t size) {
  std::vector<std::byte> bytes(size);
  for (std::size_t i = 0; i < size; ++i) bytes[i] = static_cast<std::byte>(i);
  return bytes;
}

// Bytes 0, 1, 2, ... under the key of bytes 0 to 15, as in the authors' vectors.h; OpenSSL 3 says the same of all:
//   openssl mac -macopt size:8 -macopt c-rounds:1 -macopt d-rounds:3 -macopt hexkey:KEY -in FILE SIPHASH
// It prints the bytes of each number from the lowest to the highest.
TEST(SipHash, FollowsTheReferenceVectors) {
  struct Case {
    std::size_t size;
    std::uint64_t of_13;
    std::uint64_t of_24;
    SipHash128 wide_24;
  };
  const Case cases[] = {
      {0, 0xabac0158050fc4dc, 0x726fdb47dd0e0e31, {0xe6a825ba047f81a3, 0x930255c71472f66d}},
      {1, 0xc9f49bf37d57ca93, 0x74f839c593dc67fd, {0x44af996bd8c187da, 0x45fc229b11597634}},
      {4, 0xcf75576088d38328, 0xcf2794e0277187b7, {0xaf8f9c2dc16481f8, 0x7955cd7b7c6e0f7d}},
      {7, 0xd3927d989bb11140, 0xab0200f58b01d137, {0x53c1dbd8beebf1a1, 0x3982f01fa64ab8c0}},
      {8, 0x369095118d299a8e, 0x93f5f5799a932462, {0x61f55862baa9623b, 0xb49714f364e2830f}},
      {15, 0xd320d86d2a519956, 0xa129ca6149be45e5, {0x11a8b03399e99354, 0xd9c3cf970fec087e}},
      {16, 0xcc4fdd1a7d908b66, 0x3f2acc7f57c29bdb, {0xbb54b067caa4e26e, 0x77052385bf1533fd}},
      {17, 0x9cf2689063dbd80c, 0x699ae9f52cbe4794, {0x98b88d73e8063d47, 0x4077e47ac466c054}},
      {31, 0x2370dd1f8c21d1bc, 0x32d892fad841c342, {0xfcfa233218b03929, 0x353dc4524fde2317}},
      {63, 0x9d199062b7bbb3a8, 0x958a324ceb064572, {0x4a83502f77d15051, 0x7cbd3f979a063e50}},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.size);
    const std::vector<std::byte> bytes = counted(c.size);
    EXPECT_EQ(SipHash13::of(kKey, bytes), c.of_13);
    EXPECT_EQ(SipHash24::of(kKey, bytes), c.of_24);
    EXPECT_EQ(SipHash24::wide(kKey, bytes), c.wide_24);
  }
}

TEST(SipHash, DependsOnEveryByteAndOnTheLength) {
  std::vector<std::byte> bytes(40);
  const std::uint64_t zeros = SipHash13::of(kKey, bytes);
  const SipHash128 wide_zeros = SipHash24::wide(kKey, bytes);
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    SCOPED_TRACE(i);
    const std::span shorter = std::span(bytes).first(i);
    EXPECT_NE(SipHash13::of(kKey, shorter), zeros);
    EXPECT_NE(SipHash24::wide(kKey, shorter), wide_zeros);
    bytes[i] = std::byte{1};
    EXPECT_NE(SipHash13::of(kKey, bytes), zeros);
    EXPECT_NE(SipHash24::wide(kKey, bytes), wide_zeros);
    bytes[i] = std::byte{0};
  }
}

TEST(SipHash, DependsOnTheWholeKey) {
  const std::vector<std::byte> bytes = counted(9);
  for (unsigned bit = 0; bit < 128; ++bit) {
    SCOPED_TRACE(bit);
    SipKey other = kKey;
    (bit < 64 ? other.low : other.high) ^= std::uint64_t{1} << bit % 64;
    EXPECT_NE(SipHash13::of(other, bytes), SipHash13::of(kKey, bytes));
    EXPECT_NE(SipHash24::wide(other, bytes), SipHash24::wide(kKey, bytes));
  }
}

TEST(RandomSipKey, IsAnotherOneEachTime) {
  const SipKey first = random_sip_key();
  const SipKey second = random_sip_key();
  EXPECT_NE(first.low, second.low);
  EXPECT_NE(first.high, second.high);
}

}  // namespace
}  // namespace holdfast::base
