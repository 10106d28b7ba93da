#include "admin/node_json.h"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <boost/json.hpp>
#include <limits>
#include <numeric>

#include "base/units.h"
#include "base/utf8.h"

namespace holdfast::admin {
namespace {

namespace json = boost::json;

json::object to_json(const gateway::DrainStatus& drain) {
  json::object object = {
      {"rate", nullptr}, {"deadline_seconds_left", nullptr}, {"remaining", drain.remaining}, {"closed", drain.closed}};
  if (drain.rate > 0) object["rate"] = base::to_text(base::Rate{drain.rate});
  if (drain.deadline_seconds_left) object["deadline_seconds_left"] = *drain.deadline_seconds_left;
  return object;
}

json::value to_json(const std::optional<NodeDrain>& drain) {
  if (!drain) return nullptr;
  json::object object = to_json(drain->progress);
  object["wait_seconds_left"] = drain->wait_seconds_left;
  return object;
}

json::object to_json(const ConfigInfo& config, std::size_t differences) {
  json::object object = {{"file", base::to_utf8(config.file)},
                         {"loaded_at", rfc3339(config.loaded_at)},
                         {"reloads_total", config.reloads_total},
                         {"last_error", nullptr},
                         {"differs", differences}};
  if (config.last_error) object["last_error"] = base::to_utf8(*config.last_error);
  return object;
}

json::array to_json(const std::vector<gateway::WorkerStatus>& workers) {
  json::array all;
  for (const gateway::WorkerStatus& worker : workers) {
    all.push_back({{"number", all.size()},
                   {"turns_total", worker.turns},
                   {"lag_seconds", worker.lag_seconds},
                   {"connections", worker.connections},
                   {"accept_paused", worker.accept_paused}});
  }
  return all;
}

// 0: as many as there are descriptors for.
std::uint32_t connections_max(const gateway::Status& status) {
  return status.max_connections == std::numeric_limits<std::uint32_t>::max() ? 0 : status.max_connections;
}

// Sums a number over things.
template <typename Thing>
std::uint64_t sum(const std::vector<Thing>& things, std::uint64_t Thing::*number) {
  return std::accumulate(things.begin(), things.end(), std::uint64_t{0},
                         [number](std::uint64_t before, const Thing& each) { return before + each.*number; });
}

}  // namespace

std::string rfc3339(WallTime time) {
  return fmt::format("{:%Y-%m-%dT%H:%M:%SZ}", fmt::gmtime(std::chrono::system_clock::to_time_t(time)));
}

json::value drain_json(const std::optional<gateway::DrainStatus>& drain) {
  return drain ? json::value(to_json(*drain)) : json::value();
}

json::object phase_json(const NodeInfo& node) { return {{"phase", name(node.phase)}, {"drain", to_json(node.drain)}}; }

json::object status_json(const NodeInfo& node, const gateway::Status& status, std::size_t differences,
                         json::value alarms) {
  using gateway::ListenerStatus;
  using gateway::WorkerStatus;
  return {{"node", base::to_utf8(node.name)},
          {"version", node.version},
          {"pid", node.pid},
          {"phase", name(node.phase)},
          {"uptime_seconds", node.uptime_seconds},
          {"config", to_json(node.config, differences)},
          {"connections", sum(status.listeners, &ListenerStatus::connections)},
          {"connections_total", sum(status.listeners, &ListenerStatus::connections_total)},
          {"max_connections", connections_max(status)},
          {"descriptors_free", status.descriptors_free},
          {"workers", to_json(status.workers)},
          {"memory",
           {{"relays_bytes", sum(status.workers, &WorkerStatus::relay_memory_bytes)},
            {"buffers_bytes", sum(status.workers, &WorkerStatus::buffer_memory_bytes)},
            {"resident_bytes", node.resident_bytes}}},
          {"drain", to_json(node.drain)},
          {"alarms", std::move(alarms)}};
}

}  // namespace holdfast::admin
