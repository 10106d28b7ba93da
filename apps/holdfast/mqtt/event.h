// apps/holdfast/mqtt/event.h: what the one coroutine of a client waits for: anything at all that has happened.
//
// Thread: the control thread. Cost: one timer. Lifetime: outlives everything that may set() it.
#pragma once

#include <algorithm>
#include <boost/asio/io_context.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <chrono>

#include "base/time.h"
#include "control/task.h"

namespace holdfast::app {

class Event {
 public:
  explicit Event(boost::asio::io_context& context) : timer_(context) {}

  // Ends the wait that is under way, or else the next one.
  void set() {
    is_set_ = true;
    timer_.cancel();
  }

  // By one at a time. May end early: look again at what was waited for.
  [[nodiscard]] control::Task<> wait(base::Time until) {
    if (!is_set_) {
      timer_.expires_at(std::min(until, base::Clock::now() + std::chrono::hours{1}));
      boost::system::error_code ignored;
      co_await timer_.async_wait(boost::asio::redirect_error(boost::asio::use_awaitable, ignored));
    }
    is_set_ = false;
  }

 private:
  boost::asio::steady_timer timer_;
  bool is_set_ = false;
};

}  // namespace holdfast::app
