#include "admin_routes.h"

#include <algorithm>
#include <boost/json.hpp>

#include "base/log.h"
#include "control/json.h"
#include "control/metrics.h"
#include "control/metrics_page.h"
#include "control/metrics_process.h"
#include "gateway/metrics.h"
#include "pool_json.h"

namespace holdfast::app {
namespace {

using control::Method;
using control::Request;
using control::Response;

control::Response plain(unsigned status, const char* text) {
  Response response;
  response.status = status;
  response.body = text;
  return response;
}

// What a balancer or DNS in front asks before it sends clients.
Response readiness(Phase phase) {
  switch (phase) {
    case Phase::starting: return control::problem(503, "starting: host names are being resolved");
    case Phase::draining: return control::problem(503, "draining: no new connections are accepted");
    case Phase::serving: break;
  }
  return plain(200, "ready\n");
}

Response metrics(const AdminSources& sources) {
  control::MetricsPage page;
  page.gauge("holdfast_build_info", "Always 1; version and node.name are labels.")
      .add({{"version", HOLDFAST_VERSION}, {"node", sources.node_name}}, 1);
  page.gauge("holdfast_ready", "1 while new connections are served.")
      .add({}, sources.phase() == Phase::serving ? 1 : 0);
  gateway::add_metrics(page, sources.status());
  control::add_http_metrics(page, {&sources.http()});
  page.counter("holdfast_log_lines_dropped_total", "Log lines dropped because the sink did not keep up.")
      .add({}, static_cast<double>(base::log_lines_dropped()));
  control::add_process_metrics(page);
  Response response;
  response.content_type = control::MetricsPage::kContentType;
  response.body = page.text();
  return response;
}

Response pools(const gateway::Status& status) {
  boost::json::array all;
  for (const gateway::PoolStatus& pool : status.pools) all.push_back(to_json(pool));
  return control::json_response(all);
}

Response servers(const gateway::Status& status, const std::string& name) {
  const auto pool = std::ranges::find(status.pools, name, &gateway::PoolStatus::name);
  if (pool == status.pools.end()) return control::problem(404, "no pool is called \"" + name + "\"");
  boost::json::array all;
  for (const gateway::ServerStatus& server : pool->servers) all.push_back(to_json(server));
  return control::json_response(all);
}

}  // namespace

control::Router admin_routes(AdminSources sources) {
  control::Router router;
  router.add(Method::get, "/healthz", [](const Request&) { return plain(200, "ok\n"); });
  router.add(Method::get, "/readyz", [sources](const Request&) { return readiness(sources.phase()); });
  router.add(Method::get, "/metrics", [sources](const Request&) { return metrics(sources); });
  router.add(Method::get, "/v1/pools", [sources](const Request&) { return pools(sources.status()); });
  router.add(Method::get, "/v1/pools/{pool}/servers",
             [sources](const Request& request) { return servers(sources.status(), request.path_parameter("pool")); });
  return router;
}

}  // namespace holdfast::app
