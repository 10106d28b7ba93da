#include "admin/listener_json.h"

#include <boost/json.hpp>
#include <numeric>

#include "admin/node_json.h"
#include "admin/percentile.h"
#include "admin/problems.h"
#include "gateway/counters.h"

namespace holdfast::admin {
namespace {

namespace json = boost::json;

json::value number_or_null(std::optional<double> number) { return number ? json::value(*number) : json::value(); }

json::object counts(const std::map<std::string, std::uint64_t>& by_reason) {
  json::object object;
  for (const auto& [reason, count] : by_reason) object[reason] = count;
  return object;
}

// From accept to an established server connection.
json::object connect_times(const gateway::ListenerStatus& listener) {
  const auto& bounds = gateway::ConnectHistogram::kBoundsSeconds;
  const auto& buckets = listener.connect_buckets;
  const auto made = std::accumulate(buckets.begin(), buckets.end(), std::uint64_t{0});
  const auto mean = made > 0 ? std::optional(listener.connect_seconds_sum / static_cast<double>(made)) : std::nullopt;
  return {{"p50_seconds", number_or_null(percentile(bounds, buckets, 0.50))},
          {"p99_seconds", number_or_null(percentile(bounds, buckets, 0.99))},
          {"mean_seconds", number_or_null(mean)}};
}

json::value to_json(const gateway::ListenerStatus& listener) {
  return {{"name", listener.name},
          {"role", "gateway"},
          {"protocol", "tcp"},
          {"state", listener.state},
          {"addresses", json::array(listener.addresses.begin(), listener.addresses.end())},
          {"pool", listener.pool},
          {"connections", listener.connections},
          {"connections_total", listener.connections_total},
          {"max_connections", listener.max_connections},
          {"closed", counts(listener.closed)},
          {"refused", counts(listener.refused)},
          {"connects_refused", nullptr},
          {"bytes_to_server", listener.bytes_to_server},
          {"bytes_to_client", listener.bytes_to_client},
          {"connect", connect_times(listener)},
          {"drain", drain_json(listener.draining)}};
}

// Whom its clients speak to is the process itself.
json::value to_json(const broker::ListenerStatus& listener) {
  return {{"name", listener.name},
          {"role", "broker"},
          {"protocol", listener.protocol},
          {"state", "accepting"},
          {"addresses", json::array(listener.addresses.begin(), listener.addresses.end())},
          {"pool", nullptr},
          {"connections", listener.connections},
          {"connections_total", listener.connections_total},
          {"max_connections", listener.max_connections},
          {"closed", counts(listener.closed)},
          {"refused", counts(listener.refused)},
          {"connects_refused", counts(listener.connects_refused)},
          {"bytes_to_server", listener.bytes_received},
          {"bytes_to_client", listener.bytes_sent},
          {"connect", nullptr},
          {"drain", nullptr}};
}

}  // namespace

json::array listeners_json(const Faces& faces) {
  json::array all;
  for (const gateway::ListenerStatus& listener : faces.status().listeners) all.push_back(to_json(listener));
  if (!faces.broker) return all;
  for (const broker::ListenerStatus& listener : faces.broker().listeners) all.push_back(to_json(listener));
  return all;
}

std::optional<json::value> listener_json(const Faces& faces, const std::string& name) {
  for (json::value& listener : listeners_json(faces)) {
    if (listener.at("name").as_string() == name) return std::move(listener);
  }
  return std::nullopt;
}

std::vector<std::string> listener_names(const Faces& faces) {
  std::vector<std::string> names = names_of(faces.status().listeners, &gateway::ListenerStatus::name);
  if (!faces.broker) return names;
  for (const broker::ListenerStatus& listener : faces.broker().listeners) names.push_back(listener.name);
  return names;
}

}  // namespace holdfast::admin
