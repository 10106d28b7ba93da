#include "admin/pool_json.h"

#include <algorithm>
#include <boost/json.hpp>

#include "admin/node_json.h"
#include "base/utf8.h"

namespace holdfast::admin {
namespace {

namespace json = boost::json;

json::value seconds_or_null(double seconds) { return seconds < 0 ? json::value() : json::value(seconds); }

json::object to_json(const gateway::DiscoveryStatus& discovery) {
  return {{"source", base::to_utf8(discovery.source)},
          {"version", base::to_utf8(discovery.version)},
          {"age_seconds", seconds_or_null(discovery.age_seconds)},
          {"checked_seconds_ago", seconds_or_null(discovery.checked_seconds)},
          {"alarm", discovery.alarm},
          {"error", base::to_utf8(discovery.error)},
          {"from_disk_copy", discovery.from_disk_copy},
          {"changes_total", discovery.changes_total},
          {"errors_total", discovery.errors_total}};
}

json::array to_json(const std::vector<gateway::SourceStatus>& sources) {
  json::array all;
  for (const gateway::SourceStatus& source : sources) {
    if (!source.address.empty()) all.push_back({{"address", source.address}, {"ports", source.ports}});
  }
  return all;
}

json::array to_json(const std::vector<gateway::Difference>& differences) {
  json::array all;
  for (const gateway::Difference& each : differences) {
    all.push_back({{"key", each.key}, {"file", each.file}, {"now", each.now}});
  }
  return all;
}

json::object check_of(const gateway::ServerStatus& server) {
  return {{"result", base::to_utf8(server.last_check)},
          {"seconds_ago", seconds_or_null(server.last_check_seconds)},
          {"took_seconds", server.check_took_seconds}};
}

json::value connect_mean(const gateway::ServerStatus& server) {
  if (server.connections_total == 0) return nullptr;
  return server.connect_seconds_sum / static_cast<double>(server.connections_total);
}

}  // namespace

json::value to_json(const gateway::PoolStatus& pool) {
  json::object object = {
      {"name", pool.name},
      {"policy", pool.policy},
      {"servers", pool.servers.size()},
      {"servers_up", std::ranges::count_if(pool.servers, [](const auto& server) { return server.up; })},
      {"connections", pool.connections},
      {"waiting", pool.waiting},
      {"panic", pool.panic},
      {"probes_total", pool.probes_total},
      {"probe_failures_total", pool.probe_failures_total}};
  if (pool.discovery) object["discovery"] = to_json(*pool.discovery);
  return object;
}

json::value to_json(const gateway::ServerStatus& server) {
  return {{"name", server.name},
          {"address", server.address},
          {"state", server.state},
          {"up", server.up},
          {"cause", base::to_utf8(server.cause)},
          {"state_seconds", server.state_seconds},
          {"check", check_of(server)},
          {"agent_error", base::to_utf8(server.agent_error)},
          {"weight", server.weight},
          {"weight_now", server.weight_now},
          {"backup", server.backup},
          {"leaving", server.leaving},
          {"held_by_panic", server.held},
          {"ejected", server.ejected},
          {"addresses", server.addresses},
          {"max_connections", server.max_connections},
          {"connections", server.connections},
          {"connections_total", server.connections_total},
          {"ejections_total", server.ejections_total},
          {"connect_failures_total", server.connect_failures_total},
          {"early_closes_total", server.early_closes_total},
          {"ports_short_total", server.ports_short_total},
          {"connect_mean_seconds", connect_mean(server)},
          {"mode", server.mode},
          {"mode_by", server.mode_by},
          {"origin", server.origin},
          {"differs", to_json(server.differs)},
          {"drain", drain_json(server.draining)},
          {"sources", to_json(server.sources)}};
}

}  // namespace holdfast::admin
