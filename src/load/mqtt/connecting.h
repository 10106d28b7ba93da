// load/mqtt/connecting.h: new clients: as many a second as wanted, or so many under way at a time.
//
// The latency of one is from dialling, or from when the rate meant it to dial, to its CONNACK.
#pragma once

#include "load/mqtt/model.h"
#include "load/rate_schedule.h"

namespace holdfast::load {

class MqttConnecting final : public MqttModel {
 public:
  using MqttModel::MqttModel;

  [[nodiscard]] bool settled() const override { return true; }
  void start() override;
  void tend() override { after_event(); }
  [[nodiscard]] bool drained() override { return under_way_ == 0; }
  // All that were wanted have come or failed.
  [[nodiscard]] bool done() const override {
    return settings_.count != 0 && begun_ == settings_.count && under_way_ == 0;
  }

 private:
  void fill() override {}
  void on_welcome(base::Key key, Client& client) override;
  void on_gone(std::uint32_t number, Client::State was) override;
  void on_pace() override;
  void after_event() override;

  [[nodiscard]] bool wants_more() const noexcept;
  void begin_one(base::Time meant);

  RateSchedule schedule_;
  std::uint64_t begun_ = 0;
  std::uint32_t under_way_ = 0;  // and not ready
  bool started_ = false;
};

}  // namespace holdfast::load
