#include "node/faces.h"

#include <stdexcept>
#include <utility>

#include "broker/metrics.h"
#include "control/metrics.h"
#include "entry/connection_ids.h"

namespace holdfast::app {
namespace {

using admin::Done;
using admin::Outcome;
using admin::Refusal;

// What binds addresses again may fail, and then nothing has changed.
Outcome<Done> unless_it_throws(const std::function<bool()>& work, const std::string& missing) {
  try {
    if (work()) return Done{};
  } catch (const std::runtime_error& error) {
    return Refusal{Refusal::Why::failed, error.what()};
  }
  return Refusal{Refusal::Why::not_found, missing};
}

std::string no_listener(const std::string& name) { return "no listener is called \"" + name + "\""; }

template <typename Result, typename... Asked>
void follow(std::function<Result(Asked...)>& command, const std::function<void()>& after) {
  command = [command = std::move(command), after](Asked... asked) {
    Result result = command(std::forward<Asked>(asked)...);
    after();
    return result;
  };
}

void follow_commands(admin::Faces& faces, const std::function<void()>& after) {
  follow(faces.drain, after);
  follow(faces.resume, after);
  follow(faces.drain_listener, after);
  follow(faces.ready_listener, after);
  follow(faces.change_server, after);
  follow(faces.add_server, after);
  follow(faces.remove_server, after);
}

void add_drains(admin::Faces& faces, const NodeParts& parts) {
  const auto default_wait = [parts] { return parts.reload.settings().node.drain_wait; };
  faces.drain = [parts, default_wait](admin::DrainRequest order) -> Outcome<Done> {
    if (parts.info().phase == admin::Phase::starting) return Refusal{Refusal::Why::conflict, "the node only starts"};
    if (parts.drains.draining()) return Refusal{Refusal::Why::conflict, "the node drains already"};
    const base::Rate usual = parts.reload.settings().node.drain_rate;
    if (!order.rate && usual.per_second > 0) order.rate = usual;
    parts.drains.begin(order, order.wait.value_or(default_wait()));
    return Done{};
  };
  faces.resume = [parts]() -> Outcome<Done> {
    if (!parts.drains.draining()) return Refusal{Refusal::Why::conflict, "the node does not drain"};
    if (parts.drains.stopping()) return Refusal{Refusal::Why::conflict, "the node stops: it was told to end"};
    return unless_it_throws([&] { return parts.drains.end(), true; }, "");
  };
  faces.drain_listener = [parts, default_wait](const std::string& name,
                                               const admin::DrainRequest& order) -> Outcome<Done> {
    const config::Duration wait = order.wait.value_or(default_wait());
    if (parts.drains.begin_listener(name, order, wait)) return Done{};
    return Refusal{Refusal::Why::not_found, no_listener(name)};
  };
  faces.ready_listener = [parts](const std::string& name) {
    return unless_it_throws([&] { return parts.drains.end_listener(name); }, no_listener(name));
  };
}

void add_configuration(admin::Faces& faces, const NodeParts& parts) {
  faces.reload = [parts](admin::ReloadOrder order, const std::function<void(Outcome<admin::ReloadReport>)>& answer) {
    if (parts.drains.draining()) {
      return answer(Refusal{Refusal::Why::conflict, "the node drains: make it ready again, then reload"});
    }
    answer(parts.reload(order));
    parts.after_command();
  };
}

// The gateway's page, and then the broker's: what they have together.
void find_connections(const NodeParts& parts, const entry::ConnectionQuery& query,
                      std::function<void(entry::ConnectionPage)> answer) {
  if (parts.broker == nullptr) return parts.gateway.find_connections(query, std::move(answer));
  const auto then = [parts, query, answer = std::move(answer)](entry::ConnectionPage of_gateway) {
    parts.broker->find_connections(
        query, [query, answer, of_gateway = std::move(of_gateway)](entry::ConnectionPage of_broker) mutable {
          answer(entry::merged(std::move(of_gateway), std::move(of_broker), query));
        });
  };
  parts.gateway.find_connections(query, then);
}

void add_connections(admin::Faces& faces, const NodeParts& parts) {
  faces.find_connections = [parts](const entry::ConnectionQuery& query,
                                   std::function<void(entry::ConnectionPage)> answer) {
    find_connections(parts, query, std::move(answer));
  };
  faces.close_connection = [parts](std::uint64_t id, std::function<void(bool)> answer) {
    if (!entry::is_of_broker(id)) return parts.gateway.close_connection(id, std::move(answer));
    if (parts.broker == nullptr) return answer(false);
    parts.broker->close_connection(id, std::move(answer));
  };
  faces.close_client = [parts](const std::string& client_id, std::function<void(bool)> answer) {
    if (parts.broker == nullptr) return answer(false);
    parts.broker->close_client(client_id, std::move(answer));
  };
}

}  // namespace

admin::Faces faces_of(const NodeParts& parts) {
  admin::Faces faces;
  faces.node = parts.info;
  faces.status = [parts] { return parts.drains.seen(); };
  faces.http = [parts] { return parts.servers.counters(); };
  faces.alarms = [parts] { return parts.alarms.to_json(); };
  faces.events = [parts](const control::Request& request) { return parts.events.answer(request); };
  add_drains(faces, parts);
  faces.add_metrics = [parts](control::MetricsPage& page) {
    control::add_event_metrics(page, parts.events);
    control::add_alarm_metrics(page, parts.alarms);
    if (parts.broker != nullptr) broker::add_metrics(page, parts.broker->status());
  };
  add_configuration(faces, parts);
  add_server_faces(
      faces, parts.gateway.directory(), [parts]() -> const auto& { return parts.reload.settings().pools; });
  if (parts.broker != nullptr) faces.broker = [parts] { return parts.broker->status(); };
  add_connections(faces, parts);
  follow_commands(faces, parts.after_command);
  return faces;
}

}  // namespace holdfast::app
