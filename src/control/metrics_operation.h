// control/metrics_operation.h: what an operator has done to the process, and what it complains of.
//
// Thread: control. Cost: a line for each name of an alarm.
#pragma once

#include <chrono>
#include <cstdint>
#include <string_view>
#include <vector>

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

// Every name that an alarm can have, so that its metric is there before it is raised.
inline constexpr std::string_view kAlarmNames[] = {"pool_in_panic", "pool_without_servers", "descriptors_short",
                                                   "ports_short",   "discovery_stale",      "log_dropping",
                                                   "events_lost"};
// `active`: the names of those that are raised, one for each subject.
void add_alarm_metrics(MetricsPage& page, const std::vector<std::string_view>& active);

}  // namespace holdfast::control
