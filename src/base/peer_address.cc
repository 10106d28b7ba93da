#include "base/peer_address.h"

#include <arpa/inet.h>

#include <algorithm>
#include <span>

namespace holdfast::base {

std::string PeerAddress::text() const {
  char buffer[INET6_ADDRSTRLEN] = "";
  switch (family) {
    case Family::none: return "-";
    case Family::unix_socket: return "unix";
    case Family::ipv4: ::inet_ntop(AF_INET, bytes.data(), buffer, sizeof buffer); break;
    case Family::ipv6: ::inet_ntop(AF_INET6, bytes.data(), buffer, sizeof buffer); break;
  }
  const std::string host = family == Family::ipv6 ? "[" + std::string(buffer) + "]" : std::string(buffer);
  return host + ":" + std::to_string(port);
}

PeerAddress PeerAddress::unmapped() const noexcept {
  constexpr std::array<std::uint8_t, 12> kMapped = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF};
  if (family != Family::ipv6 || !std::ranges::equal(kMapped, std::span(bytes).first(kMapped.size()))) return *this;
  PeerAddress ipv4;
  std::copy(bytes.begin() + kMapped.size(), bytes.end(), ipv4.bytes.begin());
  ipv4.port = port;
  ipv4.family = Family::ipv4;
  return ipv4;
}

}  // namespace holdfast::base
