// broker/listeners.h: where clients come in and under which rules, as the workers see it.
//
// Thread: made on control; immutable once the workers run, but for the counters, each written by its worker.
#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "broker/core/limits.h"
#include "broker/counters.h"
#include "config/settings.h"
#include "entry/admission.h"
#include "entry/binds.h"

namespace holdfast::broker {

// What one client may send. kNoRate: no limit.
struct ClientRates {
  static constexpr double kNoRate = 1e18;

  double messages = kNoRate;  // a second
  double message_burst = kNoRate;
  double bytes = kNoRate;
  double byte_burst = kNoRate;

  [[nodiscard]] bool limited() const noexcept { return messages < kNoRate || bytes < kNoRate; }
};

struct Listener {
  config::BrokerListener settings;
  ListenerLimits limits;
  ClientRates rates;
  std::chrono::milliseconds proxy_protocol_timeout{};
  std::chrono::milliseconds connect_timeout{};
  std::shared_ptr<const entry::Admission> admission;
  std::vector<entry::Bind> binds;
  std::vector<std::unique_ptr<ListenerCounters>> counters;  // by worker

  [[nodiscard]] bool is_websocket() const noexcept { return settings.protocol == config::BrokerProtocol::websocket; }
};

struct Listeners {
  std::vector<std::unique_ptr<Listener>> all;
  std::vector<std::shared_ptr<entry::ListenSocket>> sockets;  // of all of them

  [[nodiscard]] const Listener& at(std::uint16_t number) const { return *all[number]; }
};

// Without admission, binds and counters.
[[nodiscard]] Listener listener_of(const config::Broker& broker, const config::BrokerListener& listener);

}  // namespace holdfast::broker
