#include "control/descriptor_watch.h"

#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>

namespace holdfast::control {
namespace asio = boost::asio;

// Kept by the wait that is under way, so that it may end after its DescriptorWatch.
struct DescriptorWatch::State : std::enable_shared_from_this<State> {
  State(asio::io_context& context, int fd, std::function<void()> callback)
      : descriptor(context, fd), on_readable(std::move(callback)) {}
  ~State() { release(); }

  // The descriptor is not ours to close. Also when the runtime ends before the watch was told to.
  void release() {
    if (descriptor.is_open()) descriptor.release();
  }

  void wait() {
    descriptor.async_wait(asio::posix::stream_descriptor::wait_read,
                          [self = shared_from_this()](const boost::system::error_code& error) {
                            if (!error && self->descriptor.is_open()) self->on_event();
                          });
  }

  void on_event() {
    on_readable();
    if (descriptor.is_open()) wait();
  }

  asio::posix::stream_descriptor descriptor;  // not open: the watch is over
  std::function<void()> on_readable;
};

DescriptorWatch::DescriptorWatch(asio::io_context& context, int fd, std::function<void()> on_readable)
    : state_(std::make_shared<State>(context, fd, std::move(on_readable))) {
  state_->wait();
}

DescriptorWatch::~DescriptorWatch() { state_->release(); }

}  // namespace holdfast::control
