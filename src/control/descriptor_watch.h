// control/descriptor_watch.h: what runs on the control thread each time a descriptor can be read.
//
// Thread:   the control thread, or before run().
// Cost:     nothing while nothing comes; the descriptor is watched by level, so the callback reads what is there.
// Lifetime: `fd` is borrowed: it stays open until the watch is destroyed, and may be closed right after. Destroyed
//           before the runtime; the callback may do it.
#pragma once

#include <functional>
#include <memory>

#include "control/runtime.h"

namespace boost::asio {
class io_context;
}

namespace holdfast::control {

class DescriptorWatch {
 public:
  // Throws std::system_error when `fd` cannot be watched (start-up only).
  DescriptorWatch(boost::asio::io_context& context, int fd, std::function<void()> on_readable);
  ~DescriptorWatch();
  DescriptorWatch(const DescriptorWatch&) = delete;
  DescriptorWatch& operator=(const DescriptorWatch&) = delete;

 private:
  struct State;
  std::shared_ptr<State> state_;
};

}  // namespace holdfast::control
