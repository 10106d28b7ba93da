#include "control/metrics_operation.h"

#include <algorithm>

namespace holdfast::control {

void add_reload_metrics(MetricsPage& page, const ReloadCounts& counts) {
  page.counter("holdfast_reloads_total", "Reloads of the configuration, by what became of them.")
      .add({{"result", "applied"}}, static_cast<double>(counts.applied))
      .add({{"result", "refused"}}, static_cast<double>(counts.refused));
  page.gauge("holdfast_config_last_reload_success", "1 unless the newest reload was refused.")
      .add({}, counts.newest == ReloadCounts::Newest::applied ? 1 : 0);
  page.gauge("holdfast_config_loaded_timestamp_seconds", "When the configuration that runs was loaded.")
      .add({}, std::chrono::duration<double>(counts.loaded_at.time_since_epoch()).count());
}

void add_alarm_metrics(MetricsPage& page, const std::vector<std::string_view>& active) {
  auto alarms = page.gauge("holdfast_alarm", "How many alarms of a name are raised.");
  for (const std::string_view name : kAlarmNames) {
    alarms.add({{"name", name}}, static_cast<double>(std::ranges::count(active, name)));
  }
}

}  // namespace holdfast::control
