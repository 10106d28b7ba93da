// base/peer_address.h: who a peer is, as a flat value: kept in the record of every connection.
//
// Thread: values. Cost: 20 bytes; no allocation but in text().
#pragma once

#include <array>
#include <cstdint>
#include <string>

namespace holdfast::base {

// An IPv4 address is kept in the first 4 of the 16 bytes; both kinds in network order.
struct PeerAddress {
  enum class Family : std::uint8_t { none, ipv4, ipv6, unix_socket };

  std::array<std::uint8_t, 16> bytes{};
  std::uint16_t port = 0;
  Family family = Family::none;

  // "10.0.0.1:4711", "[::1]:4711", "unix", or "-" when it is not known.
  [[nodiscard]] std::string text() const;
  // An IPv4 peer of an IPv6 socket, ::ffff:a.b.c.d, as the IPv4 address that it is; any other as it stands.
  //= RFC4291 2.5.5.2
  [[nodiscard]] PeerAddress unmapped() const noexcept;
  friend bool operator==(const PeerAddress&, const PeerAddress&) = default;
};

}  // namespace holdfast::base
