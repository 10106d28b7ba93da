#include "policy/address_key.h"

#include <algorithm>
#include <span>

namespace holdfast::policy {

using base::PeerAddress;

std::uint64_t address_key(const PeerAddress& peer, std::uint8_t ipv6_prefix, const base::SipKey& seed) noexcept {
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
  const std::uint64_t key = base::SipHash13::of(seed, std::as_bytes(std::span(address.bytes).first(length)));
  return key == kNoAddress ? 1 : key;
}

}  // namespace holdfast::policy
