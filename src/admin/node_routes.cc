// The process: health, metrics, status, drain, events, alarms.
#include <algorithm>
#include <boost/json.hpp>

#include "admin/drain_request.h"
#include "admin/metrics.h"
#include "admin/node_json.h"
#include "admin/parts.h"
#include "admin/problems.h"
#include "config/sections.h"
#include "control/json.h"

namespace holdfast::admin {
namespace {

using control::json_response;
using control::Method;
using control::Request;
using control::Response;

Response plain(const char* text) {
  Response response;
  response.body = text;
  return response;
}

// What a balancer or DNS in front asks before it sends clients. Who stands before one listener asks for that one.
Response readiness(const NodeInfo& node, const std::string* listener) {
  const auto& draining = node.draining_listeners;
  switch (node.phase) {
    case Phase::starting: return control::problem(503, "starting: host names are being resolved");
    case Phase::draining: return control::problem(503, "draining: no new connections are accepted");
    case Phase::drained: return control::problem(503, "drained: no new connections are accepted, and none is left");
    case Phase::serving: break;
  }
  const auto found = listener != nullptr ? std::ranges::find(draining, *listener) : draining.begin();
  if (found == draining.end()) return plain("ready\n");
  return control::problem(503, "the listener " + *found + " drains: ask /readyz?listener=NAME for another one");
}

boost::json::value active_alarms(const Faces& faces) {
  return faces.alarms ? faces.alarms().at("active") : boost::json::value(boost::json::array());
}

Response status(const Faces& faces) {
  const std::size_t differences = faces.runtime_differences ? faces.runtime_differences().size() : 0;
  return json_response(status_json(faces.node(), faces.status(),
                                   faces.broker ? std::optional(faces.broker()) : std::nullopt, differences,
                                   active_alarms(faces)));
}

Response drain(const Faces& faces, const Request& request) {
  using namespace std::chrono_literals;
  Body body(request, {"rate", "deadline", "wait"});
  DrainRequest wanted = read_drain(body);
  wanted.wait = body.take("wait", config::duration_or_zero(10ms, config::kDay));
  if (auto wrong = body.problem()) return *wrong;
  const Outcome<Done> done = faces.drain(wanted);
  if (const auto* refusal = std::get_if<Refusal>(&done)) return problem_of(*refusal);
  return json_response(phase_json(faces.node()), 202);
}

Response resume(const Faces& faces) {
  const Outcome<Done> done = faces.resume();
  if (const auto* refusal = std::get_if<Refusal>(&done)) return problem_of(*refusal);
  return json_response(phase_json(faces.node()));
}

}  // namespace

void add_node_routes(Api& api, const FacesPtr& faces) {
  api.add(Method::get, "/healthz", {}, [](const Request&) { return plain("ok\n"); });
  api.add(Method::get, "/readyz", {"listener"},
          [faces](const Request& request) { return readiness(faces->node(), request.find_query("listener")); });
  api.add(Method::get, "/metrics", {}, [faces](const Request&) { return metrics(*faces); });
  api.add(Method::get, "/v1/status", {}, [faces](const Request&) { return status(*faces); });
  if (faces->alarms) {
    api.add(Method::get, "/v1/alarms", {}, [faces](const Request&) { return json_response(faces->alarms()); });
  }
  if (faces->events) api.add(Method::get, "/v1/events", {}, faces->events);
  if (faces->drain) api.add(Method::post, "/v1/drain", {}, [faces](const Request& r) { return drain(*faces, r); });
  if (faces->resume) api.add(Method::del, "/v1/drain", {}, [faces](const Request&) { return resume(*faces); });
}

}  // namespace holdfast::admin
