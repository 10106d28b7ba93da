// base/cidr.h: a network as users write it: "10.0.0.0/8", "2001:db8::/32", or one address: "10.0.0.7", "::1".
//
// Thread: values. Cost: 18 bytes; no allocation but in text().
// Source: RFC4632 3.1 (prefixes of IPv4), RFC4291 2.3 (of IPv6).
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/peer_address.h"
#include "base/result.h"

namespace holdfast::base {

// The address is kept as in PeerAddress: IPv4 in the first 4 bytes, the others 0, all in network order.
struct Cidr {
  enum class Family : std::uint8_t { ipv4, ipv6 };

  std::array<std::uint8_t, 16> bytes{};
  std::uint8_t prefix = 0;  // at most 32 or 128
  Family family = Family::ipv4;

  // Whether there are bits set that the prefix does not cover: "10.0.0.7/8". It is read nevertheless, and contains what
  // canonical() does; but somebody meant something else, so who reads settings should refuse it and offer canonical().
  [[nodiscard]] bool has_host_bits() const noexcept { return *this != canonical(); }
  // The same network with those bits 0: "10.0.0.0/8".
  [[nodiscard]] Cidr canonical() const noexcept;
  // Whether a peer is in this network. Its port does not matter, and ::ffff:a.b.c.d is the IPv4 address that it stands
  // for. Unix sockets and unknown peers are in none. For many networks at once: policy/cidr_set.h.
  [[nodiscard]] bool contains(const PeerAddress& peer) const noexcept;
  // What parse_cidr() reads back as the same value, with the prefix: "10.0.0.7/32".
  [[nodiscard]] std::string text() const;
  friend bool operator==(const Cidr&, const Cidr&) = default;
};

// An address without a prefix is a network of that one alone. IPv4 networks written as IPv6, "::ffff:10.0.0.0/104", are
// read as what they are: "10.0.0.0/8". "::/0" is every IPv6 address and no IPv4 one.
// Errors: malformed, also for zones ("fe80::1%eth0"), short forms ("10/8") and prefixes with needless digits ("/08").
[[nodiscard]] Result<Cidr> parse_cidr(std::string_view text);

}  // namespace holdfast::base
