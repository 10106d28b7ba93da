// load/run.h: one run of the load generator, over all its threads, from the first connection to the result.
//
// Thread: run() blocks the calling thread, which leads; each model has a thread of its own.
// Time:   connecting (each dial is bounded by Settings::timeout; hold: the ramp), warm-up, duration, and at most
//         Model::kGrace for what is still on its way.
#pragma once

#include <array>
#include <cstdint>

#include "base/result.h"
#include "load/settings.h"

namespace holdfast::load {

struct Progress {
  base::Duration elapsed{};
  std::uint64_t opened = 0;
  std::int64_t open = 0;
  std::uint64_t done = 0;  // since the last time: round trips, connections, or bytes of bulk
  base::Duration done_in{};
  std::uint64_t failed = 0;
};

struct Outcome {
  base::Time from;            // when measuring began
  base::Duration measured{};  // shorter than asked when it was interrupted
  std::uint64_t opened = 0;
  std::uint64_t operations = 0;  // echo, hold: round trips; connect: connections
  std::uint64_t bytes = 0;       // bulk
  std::int64_t held = 0;         // connections that stood when traffic began
  std::int64_t lost = 0;         // of those, gone before the end; not meaningful for connect
  std::array<std::uint64_t, kFailures> failures{};
  Histogram latency;

  [[nodiscard]] std::uint64_t failed() const noexcept;
  [[nodiscard]] double per_second(std::uint64_t count) const noexcept;
};

// Who wants to know how it goes. Called by the thread that leads.
class Observer {
 public:
  virtual void on_progress(const Progress&) {}       // once a second
  virtual void on_settled(std::int64_t /*open*/) {}  // every connection stands, or has failed

 protected:
  ~Observer() = default;
};

// `interrupt_fd`: ends the run early, with what was counted so far, when it becomes readable; -1 for none.
// Errors: what kept the very first connection to the target from being made, or descriptors that ran out. All that
// goes wrong later is counted in the outcome.
[[nodiscard]] base::Result<Outcome> run(const Settings& settings, int interrupt_fd, Observer& observer);

}  // namespace holdfast::load
