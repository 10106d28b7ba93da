// load/echo.h: round trips on open connections: as fast as answers come, or at a fixed rate.
//
// At a fixed rate, message m goes out on connection m modulo their number, and its latency counts from the time at
// which the schedule meant it to go: one that had to wait because an answer was late is not forgiven.
#pragma once

#include <vector>

#include "load/model.h"
#include "load/rate_schedule.h"

namespace holdfast::load {

class EchoModel final : public Model {
 public:
  EchoModel(net::Loop& loop, const Settings& settings, Share share, const Window& window, base::Waker& leader);

 private:
  void on_start() override;
  void on_open(base::Key key, Connection& connection) override { keys_[connection.number] = key; }
  void on_readable(base::Key key, Connection& connection, net::Ready ready) override;
  void on_writable(base::Key key, Connection& connection) override;
  void on_pace() override;
  [[nodiscard]] bool all_answered() override;
  void on_finish() override;

  [[nodiscard]] bool paced() const noexcept { return settings_.rate != 0; }
  // How many messages this connection should have sent by now.
  [[nodiscard]] std::uint64_t target_of(const Connection& connection, base::Time now) const noexcept;
  void pump(base::Key key, Connection& connection, base::Time now);

  std::vector<base::Key> keys_;  // by connection number
  RateSchedule schedule_;
  std::uint64_t next_ = 0;  // the schedule's next message
};

}  // namespace holdfast::load
