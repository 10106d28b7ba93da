#include "net/transport.h"

#include <linux/sockios.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>

namespace holdfast::net {
namespace {

// recv() and send() of the C library are cancellation points: two atomic operations a call in a threaded process, which
// a message can feel. The bare system calls are not.
ssize_t receive(int fd, std::span<std::byte> into, int flags = 0) noexcept {
  return ::syscall(SYS_recvfrom, fd, into.data(), into.size(), MSG_DONTWAIT | flags, nullptr, nullptr);
}

ssize_t send(int fd, std::span<const std::byte> from) noexcept {
  return ::syscall(SYS_sendto, fd, from.data(), from.size(), MSG_DONTWAIT | MSG_NOSIGNAL, nullptr, 0);
}

IoResult failed_or_again() noexcept {
  const bool again = errno == EAGAIN || errno == EINTR;
  return again ? IoResult{} : IoResult{IoStatus::failed, errno, 0};
}

IoResult received(ssize_t got) noexcept {
  if (got > 0) return {IoStatus::ok, 0, static_cast<std::size_t>(got)};
  return got == 0 ? IoResult{IoStatus::end, 0, 0} : failed_or_again();
}

// 0 also for a socket that is closed.
std::uint32_t queued(int fd, unsigned long which) noexcept {
  int bytes = 0;
  return ::ioctl(fd, which, &bytes) == 0 && bytes > 0 ? static_cast<std::uint32_t>(bytes) : 0;
}

}  // namespace

IoResult Transport::read(std::span<std::byte> into) noexcept { return received(receive(fd_, into)); }

IoResult Transport::peek(std::span<std::byte> into) noexcept { return received(receive(fd_, into, MSG_PEEK)); }

IoResult Transport::write(std::span<const std::byte> from) noexcept {
  const ssize_t sent = send(fd_, from);
  return sent >= 0 ? IoResult{IoStatus::ok, 0, static_cast<std::size_t>(sent)} : failed_or_again();
}

IoResult Transport::write(std::span<const iovec> pieces) noexcept {
  msghdr message{};
  message.msg_iov = const_cast<iovec*>(pieces.data());  // sendmsg does not change it
  message.msg_iovlen = pieces.size();
  const ssize_t sent = ::sendmsg(fd_, &message, MSG_DONTWAIT | MSG_NOSIGNAL);
  return sent >= 0 ? IoResult{IoStatus::ok, 0, static_cast<std::size_t>(sent)} : failed_or_again();
}

void Transport::end_writing() noexcept { ::shutdown(fd_, SHUT_WR); }

bool Transport::peer_has_ended() const noexcept {
  pollfd look{fd_, POLLRDHUP, 0};
  return ::poll(&look, 1, 0) > 0;
}

std::uint32_t Transport::unread_bytes() const noexcept { return queued(fd_, SIOCINQ); }

std::uint32_t Transport::untaken_bytes() const noexcept { return queued(fd_, SIOCOUTQ); }

int Transport::take_error() noexcept {
  int error = 0;
  socklen_t size = sizeof error;
  return ::getsockopt(fd_, SOL_SOCKET, SO_ERROR, &error, &size) == 0 ? error : errno;
}

void Transport::close() noexcept {
  ::close(fd_);
  fd_ = -1;
}

void Transport::abort() noexcept {
  const linger at_once{1, 0};
  ::setsockopt(fd_, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
  close();
}

}  // namespace holdfast::net
