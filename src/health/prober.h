// health/prober.h: probes the servers of a pool again and again, each at its own time.
//
// Thread:    control. Cost: one timer for all targets; a probe costs what probe.h says.
// Limits:    256 probes under way at once; those that are due beyond that wait in line, first come first served.
//            The probes of one target never overlap; the agent beside the check is asked at times of its own.
// Precision: 1 ms. When the control thread was late by more than 50 ms, the timetable moves as a whole by the rest:
//            nothing is made up for, and what was spread evenly stays so.
// Lifetime:  destroyed before the runtime. Destroying it closes every connection, and no callback comes any more.
//            Callbacks may watch, change and forget any target, and destroy the Prober.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>

#include "config/settings.h"
#include "control/runtime.h"
#include "health/probe.h"
#include "health/probe_histogram.h"
#include "health/spread.h"

namespace holdfast::health {

class Prober {
 public:
  static constexpr std::size_t kInFlightMax = 256;

  // Called after each probe. Returns how long after the beginning of this probe the next one begins, jitter included;
  // a probe that took longer than that is followed by the next at once.
  using OnResult = std::function<std::chrono::milliseconds(std::uint32_t target, const Outcome& outcome)>;
  // Called after each answer, or none, of the agent beside the check; it is asked every `interval`, with `jitter`.
  using OnAgent = std::function<void(std::uint32_t target, const Outcome& outcome)>;

  // Without `agent_port` in the settings no agent is asked, and `on_agent` may be empty.
  Prober(control::Runtime& runtime, std::shared_ptr<const config::Health> settings, OnResult on_result,
         OnAgent on_agent = {});
  ~Prober();
  Prober(const Prober&) = delete;
  Prober& operator=(const Prober&) = delete;

  // The numbers are the caller's; one that is watched already is a programming error. `first_after`: see spread().
  void watch(std::uint32_t target, Target whom, std::chrono::milliseconds first_after);
  // Other settings, from the next probe of each target on; the one under way is still reported. Whoever would be asked
  // later than after a whole new interval is asked within it. An agent beside the check comes and goes with its port.
  void set_settings(std::shared_ptr<const config::Health> settings);
  // From the next probe on; the one under way is still reported. No-op when it is not watched.
  void change(std::uint32_t target, Target whom);
  // The probe under way ends, and is never reported. No-op when it is not watched.
  void forget(std::uint32_t target);

  [[nodiscard]] std::size_t targets() const noexcept;
  [[nodiscard]] std::size_t in_flight() const noexcept;  // agents included; one forgotten counts until it has ended
  [[nodiscard]] std::size_t waiting() const noexcept;    // due, but in line
  [[nodiscard]] std::uint64_t probes_total() const noexcept;    // reported ones, agents beside the check not included
  [[nodiscard]] std::uint64_t failures_total() const noexcept;  // those of them that did not pass
  // How long they took, but for those that could not be made.
  [[nodiscard]] const ProbeHistogram& durations() const noexcept;

 private:
  struct State;
  std::shared_ptr<State> state_;
};

}  // namespace holdfast::health
