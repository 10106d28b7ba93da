// Listeners: what they do, and their drain.
#include <algorithm>
#include <boost/json.hpp>

#include "admin/drain_request.h"
#include "admin/listener_json.h"
#include "admin/parts.h"
#include "admin/problems.h"
#include "control/json.h"

namespace holdfast::admin {
namespace {

using control::Method;
using control::Request;
using control::Response;

enum class Wanted : std::uint8_t { ready, drain };

Response all_listeners(const gateway::Status& status) {
  boost::json::array all;
  for (const gateway::ListenerStatus& listener : status.listeners) all.push_back(to_json(listener));
  return control::json_response(all);
}

Response one_listener(const gateway::Status& status, const std::string& name) {
  const auto found = std::ranges::find(status.listeners, name, &gateway::ListenerStatus::name);
  if (found != status.listeners.end()) return control::json_response(to_json(*found));
  return nothing_called("listener", name, names_of(status.listeners, &gateway::ListenerStatus::name));
}

Response change(const Faces& faces, const Request& request) {
  const std::string& name = request.path_parameter("listener");
  Response before = one_listener(faces.status(), name);
  if (before.status != 200) return before;
  Body body(request, {"state", "rate", "deadline"});
  const auto wanted = body.take("state", config::choice<Wanted>({{"ready", Wanted::ready}, {"drain", Wanted::drain}}));
  const DrainRequest drain = read_drain(body);
  if (auto wrong = body.problem()) return *wrong;
  if (!wanted) return control::problem(400, "the body must have \"state\", which is \"ready\" or \"drain\"");
  if (*wanted == Wanted::ready && (drain.rate || drain.deadline)) {
    return control::problem(400, "`rate` and `deadline` go with the state \"drain\" only");
  }
  const Outcome<Done> done = *wanted == Wanted::drain ? faces.drain_listener(name, drain) : faces.ready_listener(name);
  if (const auto* refusal = std::get_if<Refusal>(&done)) return problem_of(*refusal);
  return one_listener(faces.status(), name);
}

}  // namespace

void add_listener_routes(Api& api, const FacesPtr& faces) {
  api.add(Method::get, "/v1/listeners", {}, [faces](const Request&) { return all_listeners(faces->status()); });
  api.add(Method::get, "/v1/listeners/{listener}", {}, [faces](const Request& request) {
    return one_listener(faces->status(), request.path_parameter("listener"));
  });
  if (faces->drain_listener && faces->ready_listener) {
    api.add(Method::patch, "/v1/listeners/{listener}", {}, [faces](const Request& r) { return change(*faces, r); });
  }
}

}  // namespace holdfast::admin
