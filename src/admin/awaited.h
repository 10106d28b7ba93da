// admin/awaited.h: an answer that comes by a callback, waited for by a coroutine, for a bounded time.
//
// Thread: control. Cost: one allocation and one timer. The answer may come at once, later, too late, or never.
#pragma once

#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/system/system_error.hpp>
#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <utility>

#include "control/task.h"

namespace holdfast::admin {

// Nothing when `patience` is over. When the server stops, the wait throws as every wait of a handler does.
template <typename T>
[[nodiscard]] control::Task<std::optional<T>> awaited(std::function<void(std::function<void(T)>)> ask,
                                                      std::chrono::milliseconds patience) {
  struct Answer {
    explicit Answer(const boost::asio::any_io_executor& executor) : timer(executor) {}
    std::optional<T> value;
    boost::asio::steady_timer timer;
  };
  const auto executor = co_await boost::asio::this_coro::executor;
  const auto answer = std::make_shared<Answer>(executor);
  answer->timer.expires_after(patience);
  std::function<void(T)> on_answer = [weak = std::weak_ptr<Answer>(answer)](T value) {
    const auto waiting = weak.lock();
    if (!waiting) return;
    waiting->value = std::move(value);
    waiting->timer.cancel();
  };
  ask(std::move(on_answer));
  if (answer->value) co_return std::move(answer->value);
  boost::system::error_code error;
  auto token = boost::asio::redirect_error(boost::asio::use_awaitable, error);
  co_await answer->timer.async_wait(std::move(token));
  if (!answer->value && error) throw boost::system::system_error(error);
  co_return std::move(answer->value);
}

}  // namespace holdfast::admin
