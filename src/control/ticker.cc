#include "control/ticker.h"

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <cstdlib>

namespace holdfast::control {
namespace asio = boost::asio;

// Kept by the wait that is under way, so that it may end after its Ticker.
struct Ticker::State : std::enable_shared_from_this<State> {
  State(asio::io_context& context, std::chrono::milliseconds every, std::function<void()> callback)
      : timer(context, every), period(every), on_tick(std::move(callback)) {}

  void wait() {
    timer.async_wait([self = shared_from_this()](const boost::system::error_code& error) {
      if (!error) self->on_expiry();
    });
  }

  void on_expiry() {
    if (over) return;
    on_tick();
    if (over) return;
    const auto now = asio::steady_timer::clock_type::now();
    const auto next = timer.expiry() + period;
    timer.expires_at(next > now ? next : now + period);
    wait();
  }

  asio::steady_timer timer;
  const std::chrono::milliseconds period;
  std::function<void()> on_tick;
  bool over = false;
};

Ticker::Ticker(Runtime& runtime, std::chrono::milliseconds period, std::function<void()> on_tick) {
  runtime.assert_control_thread();
  if (period <= std::chrono::milliseconds::zero()) std::abort();
  state_ = std::make_shared<State>(runtime.context(), period, std::move(on_tick));
  state_->wait();
}

Ticker::~Ticker() {
  state_->over = true;
  state_->timer.cancel();
}

}  // namespace holdfast::control
