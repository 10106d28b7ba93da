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

Response one_listener(const Faces& faces, const std::string& name) {
  const auto found = listener_json(faces, name);
  return found ? control::json_response(*found) : nothing_called("listener", name, listener_names(faces));
}

Response change(const Faces& faces, const Request& request) {
  const std::string& name = request.path_parameter("listener");
  Response before = one_listener(faces, name);
  if (before.status != 200) return before;
  const auto of_gateway = names_of(faces.status().listeners, &gateway::ListenerStatus::name);
  if (std::ranges::find(of_gateway, name) == of_gateway.end()) {
    return control::problem(409, "the listener is the broker's, which has no drain", {.known = of_gateway});
  }
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
  return one_listener(faces, name);
}

}  // namespace

void add_listener_routes(Api& api, const FacesPtr& faces) {
  api.add(Method::get, "/v1/listeners", {},
          [faces](const Request&) { return control::json_response(listeners_json(*faces)); });
  api.add(Method::get, "/v1/listeners/{listener}", {},
          [faces](const Request& request) { return one_listener(*faces, request.path_parameter("listener")); });
  if (faces->drain_listener && faces->ready_listener) {
    api.add(Method::patch, "/v1/listeners/{listener}", {}, [faces](const Request& r) { return change(*faces, r); });
  }
}

}  // namespace holdfast::admin
