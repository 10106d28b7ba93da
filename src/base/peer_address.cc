#include "base/peer_address.h"

#include <arpa/inet.h>

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

}  // namespace holdfast::base
