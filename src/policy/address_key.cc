#include "policy/address_key.h"

#include <algorithm>
#include <array>
#include <bit>

namespace holdfast::policy {
namespace {

using base::PeerAddress;

std::uint64_t load_little_endian(std::span<const std::uint8_t> bytes) {
  std::uint64_t value = 0;
  for (std::size_t i = 0; i < bytes.size(); ++i) value |= std::uint64_t{bytes[i]} << (8 * i);
  return value;
}

struct SipState {
  std::uint64_t v0, v1, v2, v3;

  void round() {
    v0 += v1;
    v1 = std::rotl(v1, 13) ^ v0;
    v0 = std::rotl(v0, 32);
    v2 += v3;
    v3 = std::rotl(v3, 16) ^ v2;
    v0 += v3;
    v3 = std::rotl(v3, 21) ^ v0;
    v2 += v1;
    v1 = std::rotl(v1, 17) ^ v2;
    v2 = std::rotl(v2, 32);
  }
  void take(std::uint64_t word) {
    v3 ^= word;
    round();
    v0 ^= word;
  }
};

}  // namespace

std::uint64_t siphash13(std::span<const std::uint8_t> bytes, const HashSeed& seed) noexcept {
  SipState state{seed.k0 ^ 0x736f6d6570736575, seed.k1 ^ 0x646f72616e646f6d, seed.k0 ^ 0x6c7967656e657261,
                 seed.k1 ^ 0x7465646279746573};
  const std::uint64_t length = bytes.size();
  for (; bytes.size() >= 8; bytes = bytes.subspan(8)) state.take(load_little_endian(bytes.first<8>()));
  state.take(length << 56 | load_little_endian(bytes));
  state.v2 ^= 0xFF;
  for (int i = 0; i < 3; ++i) state.round();
  return state.v0 ^ state.v1 ^ state.v2 ^ state.v3;
}

std::uint64_t address_key(const PeerAddress& peer, std::uint8_t ipv6_prefix, const HashSeed& seed) noexcept {
  PeerAddress address = peer.unmapped();
  std::size_t length = 0;
  if (address.family == PeerAddress::Family::ipv4) {
    length = 4;
  } else if (address.family == PeerAddress::Family::ipv6) {
    length = 16;
    const std::size_t whole = ipv6_prefix / 8;
    if (whole < length) {
      address.bytes[whole] &= static_cast<std::uint8_t>(0xFF00 >> ipv6_prefix % 8);
      std::fill(address.bytes.begin() + static_cast<std::ptrdiff_t>(whole) + 1, address.bytes.end(), std::uint8_t{0});
    }
  } else {
    return kNoAddress;
  }
  // The length is part of what is hashed, so an IPv4 address is never taken for an IPv6 one.
  const std::uint64_t key = siphash13(std::span(address.bytes).first(length), seed);
  return key == kNoAddress ? 1 : key;
}

}  // namespace holdfast::policy
