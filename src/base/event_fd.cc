#include "base/event_fd.h"

#include <sys/eventfd.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <system_error>

namespace holdfast::base {

EventFd::EventFd() : fd_(::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)) {
  if (fd_ < 0) throw std::system_error(errno, std::generic_category(), "eventfd");
}

EventFd::~EventFd() { ::close(fd_); }

void EventFd::wake() noexcept {
  const std::uint64_t one = 1;
  // Fails only when the counter is full, and then a wake-up is pending already.
  [[maybe_unused]] const auto written = ::write(fd_, &one, sizeof one);
}

void EventFd::clear() noexcept {
  std::uint64_t pending = 0;
  [[maybe_unused]] const auto got = ::read(fd_, &pending, sizeof pending);
}

}  // namespace holdfast::base
