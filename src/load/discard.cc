#include "load/discard.h"

#include <sys/socket.h>

#include <cerrno>

namespace holdfast::load {

net::IoResult discard(const net::Transport& from, std::span<std::byte> room) noexcept {
  const ssize_t got = ::recv(from.fd(), room.data(), room.size(), MSG_DONTWAIT | MSG_TRUNC);
  if (got > 0) return {net::IoStatus::ok, 0, static_cast<std::size_t>(got)};
  if (got == 0) return {net::IoStatus::end, 0, 0};
  const bool again = errno == EAGAIN || errno == EINTR;
  return again ? net::IoResult{} : net::IoResult{net::IoStatus::failed, errno, 0};
}

}  // namespace holdfast::load
