// control/wakeup.h: how a worker wakes the control thread, and what then runs there.
//
// Thread:   wake() from any thread; made and destroyed on the control thread, or while run() is not under way.
// Cost:     one system call a wake(); wake-ups that come before the callback has begun are one.
// Lifetime: outlives the mailbox that it wakes for and every thread that posts to it; destroyed before the runtime.
#pragma once

#include <functional>

#include "base/event_fd.h"
#include "control/descriptor_watch.h"
#include "control/runtime.h"

namespace holdfast::control {

class Wakeup final : public base::Waker {
 public:
  // `on_wake` runs on the control thread at least once after each wake(). It may destroy the Wakeup.
  // Throws std::system_error when there are no descriptors left (start-up only).
  Wakeup(Runtime& runtime, std::function<void()> on_wake);
  ~Wakeup();
  Wakeup(const Wakeup&) = delete;
  Wakeup& operator=(const Wakeup&) = delete;

  void wake() noexcept override;

 private:
  base::EventFd event_;
  DescriptorWatch watch_;
};

}  // namespace holdfast::control
