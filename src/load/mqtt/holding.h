// load/mqtt/holding.h: clients that come at a steady pace, may publish a little, and are then silent.
//
// A client has arrived when a PINGREQ after its messages was answered and all acknowledgements and, if it subscribed to
// its own topic, all messages have come: then the target has nothing left to do for it. The run begins to count when
// all have arrived. Whatever ends before the run does is a loss, counted by its reason.
#pragma once

#include <vector>

#include "load/mqtt/arrivals.h"
#include "load/mqtt/model.h"
#include "load/rate_schedule.h"

namespace holdfast::load {

class MqttHolding final : public MqttModel {
 public:
  MqttHolding(net::Loop& loop, const MqttSettings& settings, const Window& window);

  [[nodiscard]] bool settled() const override { return arrived_or_gone_ == settings_.clients; }
  void tend() override;

 private:
  struct Holder {
    std::uint32_t acknowledged = 0;
    std::uint32_t came = 0;  // of its messages
    bool answered = false;   // its PINGREQ
    bool counted = false;    // in arrived_or_gone_
  };

  void on_begin() override;
  void fill() override {}
  [[nodiscard]] std::string filter_of(std::uint32_t number) const override;
  void on_welcome(base::Key key, Client& client) override;
  [[nodiscard]] bool on_message(base::Key key, Client& client, const wire::mqtt::Publish& publish) override;
  [[nodiscard]] bool on_ack(base::Key key, Client& client, const wire::mqtt::Ack& ack) override;
  void on_pong(base::Key key, Client& client) override;
  void on_pace() override;
  void on_gone(std::uint32_t number, Client::State was) override;

  void judge(std::uint32_t number);
  void count(std::uint32_t number);

  RateSchedule schedule_;
  std::uint32_t next_ = 0;  // of the ramp
  std::vector<Holder> holders_;
  std::uint32_t arrived_or_gone_ = 0;
  wire::mqtt::Bytes outgoing_;
};

}  // namespace holdfast::load
