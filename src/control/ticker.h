// control/ticker.h: something that is done again and again on the control thread.
//
// Thread:    the control thread, or before run(). Cost: one timer.
// Precision: the beat does not drift; ticks that were missed (a busy thread, a sleeping machine) are not made up for.
// Lifetime:  destroying it ends it at once; destroyed before the runtime.
#pragma once

#include <chrono>
#include <functional>
#include <memory>

#include "control/runtime.h"

namespace holdfast::control {

class Ticker {
 public:
  // The first tick comes after one `period`, which must be positive. `on_tick` may destroy the Ticker.
  Ticker(Runtime& runtime, std::chrono::milliseconds period, std::function<void()> on_tick);
  ~Ticker();
  Ticker(const Ticker&) = delete;
  Ticker& operator=(const Ticker&) = delete;

 private:
  struct State;
  std::shared_ptr<State> state_;
};

}  // namespace holdfast::control
