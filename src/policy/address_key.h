// policy/address_key.h: one number for all connections that count as one address.
//
// Thread: pure. Cost: about 10 ns.
// Source: SipHash-1-3 (Aumasson, Bernstein: "SipHash: a fast short-input PRF", 2012), with 1 and 3 rounds as the hash
//         tables of Rust, Ruby and Python have it. Who does not know the seed can neither aim at the entry of another
//         address nor fill one part of a table on purpose.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "base/peer_address.h"

namespace holdfast::policy {

// 128 random bits from the operating system, the same for all workers and as long as keys made with them are in use.
struct HashSeed {
  std::uint64_t k0 = 0;
  std::uint64_t k1 = 0;
};

// The key of a peer that has no address to count by: a unix socket, or one that is not known.
constexpr std::uint64_t kNoAddress = 0;

// Ports do not matter, nor do the bits of an IPv6 address behind `ipv6_prefix` (0 to 128), because one customer usually
// has a whole /64. ::ffff:a.b.c.d is the IPv4 address that it stands for. Never kNoAddress for IPv4 and IPv6.
[[nodiscard]] std::uint64_t address_key(const base::PeerAddress& peer, std::uint8_t ipv6_prefix,
                                        const HashSeed& seed) noexcept;

[[nodiscard]] std::uint64_t siphash13(std::span<const std::uint8_t> bytes, const HashSeed& seed) noexcept;

}  // namespace holdfast::policy
