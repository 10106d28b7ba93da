// load/mqtt/run.h: one run of MQTT clients, from the first connection to the result.
//
// Thread: run_mqtt() runs everything on the calling thread: publishers and subscribers see one clock and one state.
// Time:   connecting (each client is bounded by MqttSettings::timeout; hold: the ramp), warm-up, duration, and then
//         until all that was sent has come, or nothing has for MqttSettings::drain, at most kMqttDrainMax.
#pragma once

#include "base/result.h"
#include "load/mqtt/settings.h"
#include "load/run.h"

namespace holdfast::load {

inline constexpr std::chrono::seconds kMqttDrainMax{60};

struct MqttOutcome {
  base::Time from;            // when measuring began
  base::Duration measured{};  // shorter than asked when it was interrupted or all was done
  std::int64_t held = 0;      // clients that stood when traffic began
  std::int64_t gone = 0;      // of those, gone before the end
  MqttTally tally;

  [[nodiscard]] std::uint64_t failed() const noexcept;
  [[nodiscard]] double per_second() const noexcept;
  // Whether what MQTT promises for this QoS was kept: order always, nothing lost from QoS 1 on, nothing twice but with
  // QoS 1.
  [[nodiscard]] bool promises_kept(wire::mqtt::Qos qos) const noexcept;
};

// `interrupt_fd` and errors are those of run() (load/run.h).
[[nodiscard]] base::Result<MqttOutcome> run_mqtt(const MqttSettings& settings, int interrupt_fd, Observer& observer);

}  // namespace holdfast::load
