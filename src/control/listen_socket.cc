#include "control/listen_socket.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <system_error>

namespace holdfast::control {
namespace {

using base::Endpoint;

struct SocketAddress {
  union {
    sockaddr_storage any{};
    sockaddr_in v4;
    sockaddr_in6 v6;
    sockaddr_un local;
  };
  socklen_t length = sizeof any;

  [[nodiscard]] sockaddr* get() { return reinterpret_cast<sockaddr*>(&any); }
};

// A host name has no address here: length 0.
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

// A socket file that nobody listens on refuses connections; a living one is left alone.
void remove_if_dead(SocketAddress& address) {
  const int fd = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (fd < 0) return;
  const bool dead = ::connect(fd, address.get(), address.length) != 0 && errno == ECONNREFUSED;
  struct stat status {};
  const char* const path = address.local.sun_path;
  if (dead && ::lstat(path, &status) == 0 && S_ISSOCK(status.st_mode)) ::unlink(path);
  ::close(fd);
}

bool bind_and_listen(int fd, SocketAddress& address) {
  const int on = 1;
  if (address.any.ss_family == AF_UNIX) {
    remove_if_dead(address);
    // Before bind(), so that the path never exists with another mode.
    if (::fchmod(fd, 0660) != 0) return false;
  } else if (::setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) != 0) {
    return false;
  }
  return ::bind(fd, address.get(), address.length) == 0 && ::listen(fd, SOMAXCONN) == 0;
}

}  // namespace

int open_listen_socket(const std::string& name, const Endpoint& endpoint) {
  SocketAddress address = address_of(endpoint);
  errno = EADDRNOTAVAIL;  // when there is no address to begin with
  const int fd =
      address.length == 0 ? -1 : ::socket(address.any.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (fd >= 0 && bind_and_listen(fd, address)) return fd;
  const std::system_error error(errno, std::generic_category(), name + " " + endpoint.text());
  if (fd >= 0) ::close(fd);
  throw error;
}

Endpoint local_endpoint_of(int fd) {
  SocketAddress address;
  ::getsockname(fd, address.get(), &address.length);
  return endpoint_of(address);
}

std::string peer_text_of(int fd) {
  SocketAddress address;
  if (::getpeername(fd, address.get(), &address.length) != 0) return "gone";
  return address.any.ss_family == AF_UNIX ? "unix" : endpoint_of(address).text();
}

UnixPathOwner::UnixPathOwner(const Endpoint& endpoint) {
  struct stat status {};
  if (endpoint.kind != Endpoint::Kind::unix_path || ::stat(endpoint.host.c_str(), &status) != 0) return;
  path_ = endpoint.host;
  device_ = status.st_dev;
  inode_ = status.st_ino;
}

UnixPathOwner::~UnixPathOwner() {
  struct stat status {};
  if (path_.empty() || ::stat(path_.c_str(), &status) != 0) return;
  if (status.st_dev == device_ && status.st_ino == inode_) ::unlink(path_.c_str());
}

}  // namespace holdfast::control
