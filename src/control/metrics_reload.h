// control/metrics_reload.h: what has become of reloads, and since when the configuration that runs does so.
//
// Thread: control.
#pragma once

#include <chrono>
#include <cstdint>

#include "control/metrics_page.h"

namespace holdfast::control {

struct ReloadCounts {
  enum class Newest : std::uint8_t { applied, refused };
  std::uint64_t applied = 0;                          // reloads whose file runs now, or ran
  std::uint64_t refused = 0;                          // a faulty file, or a bind that failed: nothing was changed
  Newest newest = Newest::applied;                    // also when there was none: the file of the start was taken
  std::chrono::system_clock::time_point loaded_at{};  // of what runs now
};
void add_reload_metrics(MetricsPage& page, const ReloadCounts& counts);

}  // namespace holdfast::control
