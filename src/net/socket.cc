#include "net/socket.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

namespace holdfast::net {
namespace {

constexpr int kBacklog = 65'535;  // the kernel takes the smaller of this and net.core.somaxconn

bool set(int fd, int level, int option, int value) noexcept {
  return ::setsockopt(fd, level, option, &value, sizeof value) == 0;
}

bool apply(int fd, TcpOptions options) noexcept {
  if (!set(fd, IPPROTO_TCP, TCP_NODELAY, 1)) return false;
  if (options.keepalive.count() > 0) {
    constexpr int kSecondsMax = 32'767;  // the kernel's own bound
    const int idle = static_cast<int>(std::min<std::int64_t>(options.keepalive.count(), kSecondsMax));
    if (!set(fd, SOL_SOCKET, SO_KEEPALIVE, 1) || !set(fd, IPPROTO_TCP, TCP_KEEPIDLE, idle) ||
        !set(fd, IPPROTO_TCP, TCP_KEEPINTVL, std::max(1, idle / 4)) || !set(fd, IPPROTO_TCP, TCP_KEEPCNT, 3)) {
      return false;
    }
  }
  const auto user_timeout = static_cast<int>(std::min<std::int64_t>(options.user_timeout.count(), 1 << 30));
  return user_timeout == 0 || set(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, user_timeout);
}

// The address alone: the port waits for connect().
bool bind_address(int fd, const SocketAddress& from) noexcept {
  return set(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, 1) && ::bind(fd, from.get(), from.size()) == 0;
}

// A unix socket's file outlives the process that made it. It may go when nobody answers behind it.
void remove_stale_file(const SocketAddress& address) {
  struct stat file {};
  const std::string path = address.path();
  if (::lstat(path.c_str(), &file) != 0 || !S_ISSOCK(file.st_mode)) return;
  const Fd probe(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (::connect(probe.get(), address.get(), address.size()) != 0 && errno == ECONNREFUSED) ::unlink(path.c_str());
}

}  // namespace

Fd::~Fd() {
  if (fd_ >= 0) ::close(fd_);
}

base::Result<Fd> bind_listener(const SocketAddress& address, TcpOptions options, Sharing sharing) {
  Fd fd(::socket(address.family(), SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (fd.get() < 0) return base::system_error("socket");
  if (address.is_unix()) {
    remove_stale_file(address);
  } else {
    const bool shared = sharing == Sharing::reuse_port;
    const bool v6 = address.family() == AF_INET6;
    if (!set(fd.get(), SOL_SOCKET, SO_REUSEADDR, 1) || (shared && !set(fd.get(), SOL_SOCKET, SO_REUSEPORT, 1)) ||
        (v6 && !set(fd.get(), IPPROTO_IPV6, IPV6_V6ONLY, 1)) || !apply(fd.get(), options)) {
      return base::system_error("setsockopt");
    }
  }
  if (::bind(fd.get(), address.get(), address.size()) != 0) return base::system_error("bind");
  return fd;
}

base::Result<void> begin_listening(int fd) noexcept {
  if (::listen(fd, kBacklog) != 0) return base::system_error("listen");
  return {};
}

base::Result<Fd> open_listener(const SocketAddress& address, TcpOptions options, Sharing sharing) {
  auto fd = bind_listener(address, options, sharing);
  if (!fd) return fd;
  const auto listening = begin_listening(fd->get());
  if (!listening) return listening.error();
  return fd;
}

base::Result<void> change_options(int fd, TcpOptions options) noexcept {
  const auto user_timeout = static_cast<int>(std::min<std::int64_t>(options.user_timeout.count(), 1 << 30));
  const bool done = set(fd, SOL_SOCKET, SO_KEEPALIVE, options.keepalive.count() > 0 ? 1 : 0) &&
                    set(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, user_timeout) && apply(fd, options);
  if (!done) return base::system_error("setsockopt");
  return {};
}

base::Result<Fd> duplicate(int fd) noexcept {
  Fd copy(::fcntl(fd, F_DUPFD_CLOEXEC, 0));
  if (copy.get() < 0) return base::system_error("fcntl");
  return copy;
}

base::Result<void> check_unused(const SocketAddress& address) {
  const Fd fd(::socket(address.family(), SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (fd.get() < 0) return base::system_error("socket");
  const bool v6 = address.family() == AF_INET6;
  if (!set(fd.get(), SOL_SOCKET, SO_REUSEADDR, 1) || (v6 && !set(fd.get(), IPPROTO_IPV6, IPV6_V6ONLY, 1))) {
    return base::system_error("setsockopt");
  }
  if (::bind(fd.get(), address.get(), address.size()) != 0) return base::system_error("bind");
  return {};
}

base::Result<int> dial(const SocketAddress& address, TcpOptions options, const SocketAddress* from) noexcept {
  const int fd = ::socket(address.family(), SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) return base::system_error("socket");
  if (from != nullptr && !bind_address(fd, *from)) {
    base::Error error = base::system_error("bind");
    if (error.system_errno == EADDRNOTAVAIL) error.code = base::Errc::not_found;  // ports are not looked for yet
    ::close(fd);
    return error;
  }
  const bool ready = address.is_unix() || apply(fd, options);
  if (!ready || (::connect(fd, address.get(), address.size()) != 0 && errno != EINPROGRESS)) {
    const base::Error error = base::system_error("connect", base::Side::backend);
    ::close(fd);
    return error;
  }
  return fd;
}

bool met_itself(int fd, std::uint16_t port) noexcept {
  SocketAddress local;
  if (::getsockname(fd, local.get(), local.room()) != 0 || local.peer().port != port) return false;
  SocketAddress peer;
  return ::getpeername(fd, peer.get(), peer.room()) == 0 && local.peer() == peer.peer();
}

}  // namespace holdfast::net
