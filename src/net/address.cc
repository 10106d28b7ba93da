#include "net/address.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#include <cstring>

namespace holdfast::net {
namespace {

// The same bytes seen as another address type; sockaddr_storage exists to make this right.
template <typename T>
T view_as(const sockaddr* address) {
  T value{};
  std::memcpy(&value, address, sizeof value);
  return value;
}

}  // namespace

base::Result<SocketAddress> SocketAddress::from(const base::Endpoint& endpoint) {
  SocketAddress result;
  switch (endpoint.kind) {
    case base::Endpoint::Kind::ipv4: {
      sockaddr_in v4{};
      v4.sin_family = AF_INET;
      v4.sin_port = htons(endpoint.port);
      ::inet_pton(AF_INET, endpoint.host.c_str(), &v4.sin_addr);
      std::memcpy(&result.storage_, &v4, sizeof v4);
      result.size_ = sizeof v4;
      return result;
    }
    case base::Endpoint::Kind::ipv6: {
      sockaddr_in6 v6{};
      v6.sin6_family = AF_INET6;
      v6.sin6_port = htons(endpoint.port);
      ::inet_pton(AF_INET6, endpoint.host.c_str(), &v6.sin6_addr);
      std::memcpy(&result.storage_, &v6, sizeof v6);
      result.size_ = sizeof v6;
      return result;
    }
    case base::Endpoint::Kind::unix_path: {
      sockaddr_un& path = result.storage_.unix_path;
      path.sun_family = AF_UNIX;
      std::memcpy(path.sun_path, endpoint.host.data(), std::min(endpoint.host.size(), sizeof path.sun_path - 1));
      result.size_ = sizeof path;
      return result;
    }
    case base::Endpoint::Kind::host_name: break;
  }
  return base::Error{base::Errc::unsupported, base::Side::internal, 0, "address"};
}

base::Result<SocketAddress> SocketAddress::local_of(int fd) {
  SocketAddress result;
  if (::getsockname(fd, result.get(), result.room()) != 0) return base::system_error("getsockname");
  return result;
}

base::Result<SocketAddress> SocketAddress::remote_of(int fd) {
  SocketAddress result;
  if (::getpeername(fd, result.get(), result.room()) != 0) return base::system_error("getpeername");
  return result;
}

std::string SocketAddress::path() const {
  if (!is_unix()) return "";
  const char* path = storage_.unix_path.sun_path;
  return std::string(path, ::strnlen(path, sizeof storage_.unix_path.sun_path));
}

base::PeerAddress SocketAddress::peer() const noexcept {
  using base::PeerAddress;
  PeerAddress peer;
  if (family() == AF_INET) {
    const auto v4 = view_as<sockaddr_in>(get());
    std::memcpy(peer.bytes.data(), &v4.sin_addr, sizeof v4.sin_addr);
    peer.port = ntohs(v4.sin_port);
    peer.family = PeerAddress::Family::ipv4;
  } else if (family() == AF_INET6) {
    const auto v6 = view_as<sockaddr_in6>(get());
    std::memcpy(peer.bytes.data(), &v6.sin6_addr, sizeof v6.sin6_addr);
    peer.port = ntohs(v6.sin6_port);
    peer.family = PeerAddress::Family::ipv6;
  } else if (family() == AF_UNIX) {
    peer.family = PeerAddress::Family::unix_socket;
  }
  return peer;
}

std::string SocketAddress::text() const { return is_unix() ? "unix:" + path() : peer().text(); }

}  // namespace holdfast::net
