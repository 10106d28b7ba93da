// policy/address_key.h: one number for all connections that count as one address.
//
// Thread: pure. Cost: about 10 ns.
// Who does not know the key of the hash can neither aim at the entry of another address nor fill one part of a table on
// purpose.
#pragma once

#include <cstdint>

#include "base/peer_address.h"
#include "base/siphash.h"

namespace holdfast::policy {

// The key of a peer that has no address to count by: a unix socket, or one that is not known.
constexpr std::uint64_t kNoAddress = 0;

// Ports do not matter, nor do the bits of an IPv6 address behind `ipv6_prefix` (0 to 128), because one customer usually
// has a whole /64. ::ffff:a.b.c.d is the IPv4 address that it stands for. Never kNoAddress for IPv4 and IPv6. `seed` is
// random, and the same for all workers and as long as keys made with it are in use.
[[nodiscard]] std::uint64_t address_key(const base::PeerAddress& peer, std::uint8_t ipv6_prefix,
                                        const base::SipKey& seed) noexcept;

}  // namespace holdfast::policy
