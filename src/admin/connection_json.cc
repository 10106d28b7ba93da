#include "admin/connection_json.h"

#include <boost/json.hpp>

namespace holdfast::admin {
namespace {

namespace json = boost::json;

template <typename T>
json::value or_null(const std::optional<T>& value) {
  return value ? json::value(*value) : json::value();
}

json::value to_json(const std::optional<entry::MqttInfo>& mqtt) {
  if (!mqtt) return nullptr;
  const auto known = [](const std::string& text) { return text.empty() ? json::value() : json::value(text); };
  return {{"client_id", known(mqtt->client_id)}, {"user", known(mqtt->user)}, {"version", known(mqtt->version)}};
}

json::value to_json(const entry::ConnectionInfo& connection) {
  return {{"id", connection.id},
          {"client", connection.client},
          {"listener", connection.listener},
          {"pool", connection.mqtt ? json::value() : json::value(connection.pool)},
          {"server", or_null(connection.server)},
          {"server_address", or_null(connection.server_address)},
          {"stage", connection.stage},
          {"age_seconds", connection.age_seconds},
          {"idle_seconds", connection.idle_seconds},
          {"bytes_from_client", connection.bytes_from_client},
          {"bytes_from_server", connection.bytes_from_server},
          {"connect_seconds", or_null(connection.connect_seconds)},
          {"worker", connection.worker},
          {"mqtt", to_json(connection.mqtt)}};
}

}  // namespace

json::value to_json(const entry::ConnectionPage& page) {
  json::array connections;
  for (const entry::ConnectionInfo& connection : page.connections) connections.push_back(to_json(connection));
  return {{"connections", std::move(connections)}, {"next", or_null(page.next)}, {"matched", page.matched}};
}

}  // namespace holdfast::admin
