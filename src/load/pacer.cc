#include "load/pacer.h"

#include <sys/timerfd.h>

#include <algorithm>
#include <cerrno>
#include <system_error>

namespace holdfast::load {

Pacer::Pacer() : fd_(::timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC)) {
  if (fd_.get() < 0) throw std::system_error(errno, std::generic_category(), "timerfd_create");
}

void Pacer::arm(base::Time time) noexcept {
  constexpr std::int64_t kSecond = 1'000'000'000;
  const std::int64_t count = std::max<std::int64_t>(time.time_since_epoch().count(), 1);  // 0 would disarm it
  itimerspec when{};
  when.it_value.tv_sec = count / kSecond;
  when.it_value.tv_nsec = count % kSecond;
  ::timerfd_settime(fd_.get(), TFD_TIMER_ABSTIME, &when, nullptr);
}

}  // namespace holdfast::load
