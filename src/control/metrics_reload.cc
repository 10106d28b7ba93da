#include "control/metrics_reload.h"

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

}  // namespace holdfast::control
