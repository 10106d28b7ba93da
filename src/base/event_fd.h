// base/event_fd.h: how one thread wakes another that waits on descriptors.
//
// Thread: wake() from any thread; clear() and fd() by the one that waits.
// Cost:   wake() is one system call. It never blocks: a wake-up that is already pending is enough.
#pragma once

namespace holdfast::base {

// Whoever can be woken: a worker's loop, the control plane's runtime.
class Waker {
 public:
  virtual void wake() noexcept = 0;

 protected:
  ~Waker() = default;
};

class EventFd final : public Waker {
 public:
  EventFd();  // throws std::system_error when there are no descriptors left (start-up only)
  ~EventFd();
  EventFd(const EventFd&) = delete;
  EventFd& operator=(const EventFd&) = delete;

  void wake() noexcept override;
  void clear() noexcept;  // takes back all pending wake-ups
  [[nodiscard]] int fd() const noexcept { return fd_; }

 private:
  int fd_;
};

}  // namespace holdfast::base
