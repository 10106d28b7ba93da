// The configuration: what commands have changed beside it, and its reload.
#include <boost/json.hpp>

#include "admin/awaited.h"
#include "admin/body.h"
#include "admin/parts.h"
#include "admin/problems.h"
#include "admin/reload_json.h"
#include "admin/routes.h"
#include "control/json.h"

namespace holdfast::admin {
namespace {

using control::Method;
using control::Request;
using control::Response;
using control::Task;
using Answer = Outcome<ReloadReport>;

ReloadOrder read_order(Body& body) {
  ReloadOrder order;
  if (body.take("dry_run", config::boolean()).value_or(false)) order.run = ReloadOrder::Run::dry;
  if (body.take("keep_runtime", config::boolean()).value_or(false)) order.runtime = ReloadOrder::Runtime::keep;
  return order;
}

Response answer_of(const Answer& answer, ReloadOrder::Run run) {
  if (const auto* refusal = std::get_if<Refusal>(&answer)) return problem_of(*refusal);
  return control::json_response(to_json(std::get<ReloadReport>(answer), run));
}

Task<Response> reload(FacesPtr faces, Request request) {
  Body body(request, {"dry_run", "keep_runtime"});
  const ReloadOrder order = read_order(body);
  if (auto wrong = body.problem()) co_return std::move(*wrong);
  std::function<void(std::function<void(Answer)>)> ask = [&](std::function<void(Answer)> answer) {
    faces->reload(order, std::move(answer));
  };
  const std::optional<Answer> answer = co_await awaited<Answer>(std::move(ask), kReloadPatience);
  if (!answer) co_return control::problem(504, "the reload goes on, and has taken more than a minute");
  co_return answer_of(*answer, order.run);
}

}  // namespace

void add_reload_routes(Api& api, const FacesPtr& faces) {
  if (faces->runtime_differences) {
    api.add(Method::get, "/v1/config", {}, [faces](const Request&) {
      return control::json_response(config_json(faces->node().config.file, faces->runtime_differences()));
    });
  }
  if (faces->reload) {
    using TaskHandler = control::Router::TaskHandler;
    api.add(Method::post, "/v1/reload", {},
            TaskHandler([faces](Request request) { return reload(faces, std::move(request)); }));
  }
}

}  // namespace holdfast::admin
