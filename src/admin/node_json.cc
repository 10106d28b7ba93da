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

struct Clients {
  std::uint64_t connections = 0;
  std::uint64_t total = 0;
};

Clients clients_of(const std::optional<broker::Status>& broker) {
  if (!broker) return {};
  return {sum(broker->listeners, &broker::ListenerStatus::connections),
          sum(broker->listeners, &broker::ListenerStatus::connections_total)};
}

json::array to_json(const std::vector<broker::WorkerStatus>& workers) {
  json::array all;
  for (const broker::WorkerStatus& worker : workers) {
    all.push_back({{"number", all.size()},
                   {"turns_total", worker.turns},
                   {"lag_seconds", worker.lag_seconds},
                   {"clients", worker.clients},
                   {"accept_paused", worker.accept_paused}});
  }
  return all;
}

json::value to_json(const std::optional<broker::Status>& broker) {
  if (!broker) return nullptr;
  const broker::Totals& totals = broker->totals;
  const auto all = [](const std::uint64_t(&by_qos)[3]) { return by_qos[0] + by_qos[1] + by_qos[2]; };
  json::object dropped;
  for (const auto& [reason, count] : totals.dropped) dropped[reason] = count;
  dropped["no_member"] = totals.no_member;
  return {{"clients", totals.clients},
          {"clients_max", totals.clients_max},
          {"sessions", totals.sessions},
          {"subscriptions", totals.subscriptions},
          {"shared_subscriptions", totals.shared_subscriptions},
          {"retained", totals.retained},
          {"retained_bytes", totals.retained_bytes},
          {"delayed", totals.delayed},
          {"messages_received_total", all(totals.messages_received)},
          {"messages_sent_total", all(totals.messages_sent)},
          {"messages_received_per_second", broker->rates.received},
          {"messages_sent_per_second", broker->rates.sent},
          {"messages_dropped_per_second", broker->rates.dropped},
          {"dropped", std::move(dropped)},
          {"logins_under_way", broker->auth.under_way},
          {"workers", to_json(broker->workers)},
          {"connections_bytes", sum(broker->workers, &broker::WorkerStatus::connection_memory_bytes)},
          {"buffers_bytes", sum(broker->workers, &broker::WorkerStatus::buffer_memory_bytes)},
          {"messages_bytes", totals.message_bytes_alive}};
}

}  // namespace

std::string rfc3339(WallTime time) {
  return fmt::format("{:%Y-%m-%dT%H:%M:%SZ}", fmt::gmtime(std::chrono::system_clock::to_time_t(time)));
}

json::value drain_json(const std::optional<gateway::DrainStatus>& drain) {
  return drain ? json::value(to_json(*drain)) : json::value();
}

json::object phase_json(const NodeInfo& node) { return {{"phase", name(node.phase)}, {"drain", to_json(node.drain)}}; }

json::object status_json(const NodeInfo& node, const gateway::Status& status,
                         const std::optional<broker::Status>& broker, std::size_t differences, json::value alarms) {
  using gateway::ListenerStatus;
  using gateway::WorkerStatus;
  const Clients of_broker = clients_of(broker);
  return {{"node", base::to_utf8(node.name)},
          {"version", node.version},
          {"pid", node.pid},
          {"phase", name(node.phase)},
          {"uptime_seconds", node.uptime_seconds},
          {"config", to_json(node.config, differences)},
          {"connections", sum(status.listeners, &ListenerStatus::connections) + of_broker.connections},
          {"connections_total", sum(status.listeners, &ListenerStatus::connections_total) + of_broker.total},
          {"max_connections", connections_max(status)},
          {"descriptors_free", status.descriptors_free},
          {"workers", to_json(status.workers)},
          {"memory",
           {{"relays_bytes", sum(status.workers, &WorkerStatus::relay_memory_bytes)},
            {"buffers_bytes", sum(status.workers, &WorkerStatus::buffer_memory_bytes)},
            {"resident_bytes", node.resident_bytes}}},
          {"broker", to_json(broker)},
          {"drain", to_json(node.drain)},
          {"alarms", std::move(alarms)}};
}

}  // namespace holdfast::admin
