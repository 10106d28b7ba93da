#include "admin/listener_json.h"

#include <boost/json.hpp>
#include <numeric>

#include "admin/node_json.h"
#include "admin/percentile.h"
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

}  // namespace

json::value to_json(const gateway::ListenerStatus& listener) {
  return {{"name", listener.name},
          {"state", listener.state},
          {"addresses", json::array(listener.addresses.begin(), listener.addresses.end())},
          {"pool", listener.pool},
          {"connections", listener.connections},
          {"connections_total", listener.connections_total},
          {"max_connections", listener.max_connections},
          {"closed", counts(listener.closed)},
          {"refused", counts(listener.refused)},
          {"bytes_to_server", listener.bytes_to_server},
          {"bytes_to_client", listener.bytes_to_client},
          {"connect", connect_times(listener)},
          {"drain", drain_json(listener.draining)}};
}

}  // namespace holdfast::admin
