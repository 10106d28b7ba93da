// base/thread_cpu_time.h: for tests that bound what something costs: CPU time, so that a busy machine does not count.
//
// Thread: the calling thread's own time.
#pragma once

#include <chrono>
#include <ctime>

namespace holdfast::base {

[[nodiscard]] inline std::chrono::nanoseconds thread_cpu_time() noexcept {
  timespec time{};
  ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return std::chrono::seconds(time.tv_sec) + std::chrono::nanoseconds(time.tv_nsec);
}

}  // namespace holdfast::base
