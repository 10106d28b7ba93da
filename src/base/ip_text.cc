#include "base/ip_text.h"

#include <arpa/inet.h>

#include <algorithm>

namespace holdfast::base {

std::optional<PeerAddress> parse_ip(PeerAddress::Family family, std::string_view text) noexcept {
  if (family != PeerAddress::Family::ipv4 && family != PeerAddress::Family::ipv6) return std::nullopt;
  char ended[INET6_ADDRSTRLEN] = "";  // inet_pton() wants a zero at the end; the longest text leaves room for it
  if (text.size() >= sizeof ended || text.find('\0') != std::string_view::npos) return std::nullopt;
  std::ranges::copy(text, ended);
  PeerAddress address;
  address.family = family;
  const int system_family = family == PeerAddress::Family::ipv4 ? AF_INET : AF_INET6;
  return ::inet_pton(system_family, ended, address.bytes.data()) == 1 ? std::optional(address) : std::nullopt;
}

}  // namespace holdfast::base
