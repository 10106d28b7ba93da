#include "broker/connection_search.h"

#include <utility>
#include <vector>

namespace holdfast::broker {
namespace {

using Stage = Connection::Stage;

const char* stage_name(Stage stage) {
  switch (stage) {
    case Stage::greeting:
    case Stage::checking: return "greeting";
    case Stage::upgrading:
    case Stage::connecting:
    case Stage::asking: return "connecting";
    case Stage::open: return "open";
    case Stage::parting: break;
  }
  return "closing";
}

const char* version_name(wire::mqtt::Version version) {
  switch (version) {
    case wire::mqtt::Version::v31: return "3.1";
    case wire::mqtt::Version::v311: return "3.1.1";
    case wire::mqtt::Version::v5: break;
  }
  return "5.0";
}

std::vector<std::string> names_of(const Listeners& listeners) {
  std::vector<std::string> names;
  for (const auto& listener : listeners.all) names.push_back(listener->settings.name);
  return names;
}

entry::ConnectionInfo info_of(const FoundConnection& found, base::Time now) {
  entry::ConnectionInfo info = entry::info_of(found, now);
  info.stage = stage_name(found.stage);
  info.mqtt = entry::MqttInfo{.client_id = found.client_id,
                              .user = found.user,
                              .version = found.client_id.empty() ? "" : version_name(found.version)};
  return info;
}

}  // namespace

ConnectionSearches::ConnectionSearches(control::Runtime& runtime, const Listeners& listeners, Send send)
    : searches_(runtime, {.send = std::move(send),
                          .listener_names = [&listeners] { return names_of(listeners); },
                          .describe = info_of}),
      listeners_(listeners) {}

// Pools and servers are the gateway's.
void ConnectionSearches::find(const entry::ConnectionQuery& query, std::function<void(entry::ConnectionPage)> answer) {
  if (query.pool || query.server) return answer({});
  auto order = std::make_shared<ScanOrder>();
  fill(*order, query, names_of(listeners_));
  order->client_id = query.client_id;
  searches_.find(query, std::move(order), std::move(answer));
}

void ConnectionSearches::kick(std::uint64_t id, std::function<void(bool)> answer) {
  auto order = std::make_shared<ScanOrder>();
  order->kick = id;
  searches_.kick(std::move(order), std::move(answer));
}

void ConnectionSearches::kick_client(const std::string& client_id, std::function<void(bool)> answer) {
  auto order = std::make_shared<ScanOrder>();
  order->kick_client = client_id;
  searches_.kick(std::move(order), std::move(answer));
}

}  // namespace holdfast::broker
