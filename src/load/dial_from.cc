#include "load/dial_from.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>

#include <cerrno>

#include "net/socket.h"
#include "net/transport.h"

namespace holdfast::load {
namespace {

bool set(int fd, int level, int option) noexcept {
  const int on = 1;
  return ::setsockopt(fd, level, option, &on, sizeof on) == 0;
}

}  // namespace

base::Result<int> dial_from(const net::SocketAddress& source, const net::SocketAddress& target) noexcept {
  net::Fd fd(::socket(target.family(), SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (fd.get() < 0) return base::system_error("socket");
  if (!set(fd.get(), IPPROTO_TCP, TCP_NODELAY) || !set(fd.get(), IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT)) {
    return base::system_error("setsockopt");
  }
  if (::bind(fd.get(), source.get(), source.size()) != 0) return base::system_error("bind");
  if (::connect(fd.get(), target.get(), target.size()) != 0 && errno != EINPROGRESS) {
    return base::system_error("connect", base::Side::backend);
  }
  return fd.release();
}

base::Result<void> probe(const net::SocketAddress& target, std::chrono::milliseconds patience) noexcept {
  const auto dialled = net::dial(target, {});
  if (!dialled) return dialled.error();
  const net::Fd fd(*dialled);
  pollfd one{fd.get(), POLLOUT, 0};
  if (::poll(&one, 1, static_cast<int>(patience.count())) <= 0) {
    return base::Error{base::Errc::timeout, base::Side::backend, ETIMEDOUT, "connect"};
  }
  errno = net::Transport(fd.get()).take_error();
  if (errno != 0) return base::system_error("connect", base::Side::backend);
  return {};
}

}  // namespace holdfast::load
