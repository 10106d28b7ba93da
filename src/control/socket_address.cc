#include "control/socket_address.h"

#include <arpa/inet.h>

namespace holdfast::control {

using base::Endpoint;

SocketAddress address_of(const Endpoint& endpoint) {
  SocketAddress address;
  switch (endpoint.kind) {
    case Endpoint::Kind::ipv4:
      address.v4 = {AF_INET, htons(endpoint.port), {}, {}};
      ::inet_pton(AF_INET, endpoint.host.c_str(), &address.v4.sin_addr);
      address.length = sizeof address.v4;
      break;
    case Endpoint::Kind::ipv6:
      address.v6 = {AF_INET6, htons(endpoint.port), 0, {}, 0};
      ::inet_pton(AF_INET6, endpoint.host.c_str(), &address.v6.sin6_addr);
      address.length = sizeof address.v6;
      break;
    case Endpoint::Kind::unix_path:
      address.local = {AF_UNIX, {}};
      endpoint.host.copy(address.local.sun_path, sizeof address.local.sun_path - 1);
      address.length = sizeof address.local;
      break;
    case Endpoint::Kind::host_name: address.length = 0; break;
  }
  return address;
}

Endpoint endpoint_of(const SocketAddress& address) {
  std::string host(INET6_ADDRSTRLEN, '\0');
  const auto host_length = static_cast<socklen_t>(host.size());
  if (address.any.ss_family == AF_INET) {
    ::inet_ntop(AF_INET, &address.v4.sin_addr, host.data(), host_length);
    return {Endpoint::Kind::ipv4, host.c_str(), ntohs(address.v4.sin_port)};
  }
  if (address.any.ss_family == AF_INET6) {
    ::inet_ntop(AF_INET6, &address.v6.sin6_addr, host.data(), host_length);
    return {Endpoint::Kind::ipv6, host.c_str(), ntohs(address.v6.sin6_port)};
  }
  return {Endpoint::Kind::unix_path, address.local.sun_path, 0};
}

}  // namespace holdfast::control
