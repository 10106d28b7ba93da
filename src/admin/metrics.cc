#include "admin/metrics.h"

#include "base/log.h"
#include "control/metrics.h"
#include "control/metrics_page.h"
#include "control/metrics_process.h"
#include "control/metrics_reload.h"
#include "gateway/metrics.h"

namespace holdfast::admin {
namespace {

control::ReloadCounts reload_counts(const ConfigInfo& config) {
  using Newest = control::ReloadCounts::Newest;
  return {.applied = config.reloads_total,
          .refused = config.reloads_refused_total,
          .newest = config.last_error ? Newest::refused : Newest::applied,
          .loaded_at = config.loaded_at};
}

}  // namespace

control::Response metrics(const Faces& faces) {
  const NodeInfo node = faces.node();
  control::MetricsPage page;
  page.gauge("holdfast_build_info", "Always 1; version and node.name are labels.")
      .add({{"version", node.version}, {"node", node.name}}, 1);
  page.gauge("holdfast_ready", "1 while new connections are served.").add({}, node.phase == Phase::serving ? 1 : 0);
  gateway::add_metrics(page, faces.status());
  control::add_http_metrics(page, faces.http());
  control::add_reload_metrics(page, reload_counts(node.config));
  control::add_process_metrics(page);
  if (faces.add_metrics) faces.add_metrics(page);
  page.counter("holdfast_log_lines_dropped_total", "Log lines dropped because the sink did not keep up.")
      .add({}, static_cast<double>(base::log_lines_dropped()));
  control::Response response;
  response.content_type = control::MetricsPage::kContentType;
  response.body = page.text();
  return response;
}

}  // namespace holdfast::admin
