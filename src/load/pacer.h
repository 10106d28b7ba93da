// load/pacer.h: wakes a loop at a time that is finer than the milliseconds of epoll_wait.
//
// Thread: the loop's. Cost: one system call for each arm(). Precision: that of the kernel's high-resolution timers.
#pragma once

#include "base/time.h"
#include "net/loop.h"
#include "net/socket.h"

namespace holdfast::load {

class Pacer {
 public:
  Pacer();  // throws std::system_error when there are no descriptors left (start-up only)

  [[nodiscard]] base::Result<void> watch(net::Loop& loop, net::Token token) { return loop.watch(fd_.get(), token); }
  // One event (readable) at `time`, or at once when it has passed. Replaces what was armed before.
  void arm(base::Time time) noexcept;

 private:
  net::Fd fd_;
};

}  // namespace holdfast::load
