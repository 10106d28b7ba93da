#include "control/wakeup.h"

#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>

namespace holdfast::control {
namespace asio = boost::asio;

// Kept by the wait that is under way, so that it may end after its Wakeup.
struct Wakeup::State : std::enable_shared_from_this<State> {
  State(asio::io_context& context, std::function<void()> callback)
      : descriptor(context, event.fd()), on_wake(std::move(callback)) {}
  ~State() { descriptor.release(); }  // `event` closes it

  void wait() {
    descriptor.async_wait(asio::posix::stream_descriptor::wait_read,
                          [self = shared_from_this()](const boost::system::error_code& error) {
                            if (!error) self->on_readable();
                          });
  }

  void on_readable() {
    if (over) return;
    event.clear();  // before the callback, so that a wake() during it is not lost
    on_wake();
    if (!over) wait();
  }

  base::EventFd event;
  asio::posix::stream_descriptor descriptor;
  std::function<void()> on_wake;
  bool over = false;
};

Wakeup::Wakeup(Runtime& runtime, std::function<void()> on_wake)
    : state_(std::make_shared<State>(runtime.context(), std::move(on_wake))) {
  state_->wait();
}

Wakeup::~Wakeup() {
  state_->over = true;
  boost::system::error_code ignored;
  state_->descriptor.cancel(ignored);
}

void Wakeup::wake() noexcept { state_->event.wake(); }

}  // namespace holdfast::control
