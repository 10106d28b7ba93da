// load/hold.h: connections that come at a steady pace and then stay, silent or with a round trip now and then.
//
// The run begins to count when all are there. Whatever ends before the run does is a loss, counted by its reason.
#pragma once

#include <vector>

#include "load/model.h"
#include "load/rate_schedule.h"

namespace holdfast::load {

class HoldModel final : public Model {
 public:
  HoldModel(net::Loop& loop, const Settings& settings, Share share, const Window& window, base::Waker& leader);

 private:
  void on_begin() override;
  void fill() override {}
  void on_start() override;
  void on_open(base::Key key, Connection& connection) override;
  void on_readable(base::Key key, Connection& connection, net::Ready ready) override;
  void on_writable(base::Key key, Connection& connection) override;
  void on_due(base::Key key, Connection& connection) override;
  void on_pace() override;
  void on_gone(std::uint32_t number) override { note_arrived(number); }
  [[nodiscard]] bool all_settled() const override { return arrivals_ == connections(); }

  void note_arrived(std::uint32_t number);  // or gone before it could
  void ask(base::Key key, Connection& connection);
  void flush(base::Key key, Connection& connection);

  RateSchedule schedule_;      // of the ramp
  std::uint32_t next_ = 0;     // the next connection of the ramp
  std::vector<bool> arrived_;  // by number: open, and had its first round trip if there is one
  std::uint32_t arrivals_ = 0;
};

}  // namespace holdfast::load
