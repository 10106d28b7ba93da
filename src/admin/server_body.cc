#include "admin/server_body.h"

#include "admin/drain_request.h"
#include "config/endpoint_kinds.h"
#include "config/sections.h"

namespace holdfast::admin {
namespace {

config::Kind<gateway::ServerMode> mode() {
  return config::choice<gateway::ServerMode>({{"ready", gateway::ServerMode::ready},
                                              {"drain", gateway::ServerMode::drain},
                                              {"maint", gateway::ServerMode::maint}});
}

}  // namespace

control::OrProblem<config::Server> read_new_server(const control::Request& request) {
  Body body(request, {"name", "address", "weight", "max_connections", "max_accept_rate", "backup"});
  if (auto wrong = body.problem()) return *wrong;
  if (!body.has("address")) return control::problem(400, "the body must have \"address\", such as \"10.0.0.7:1883\"");
  auto server = body.take_all(config::table(config::server_section()));
  if (auto wrong = body.problem()) return *wrong;
  return std::move(*server);
}

control::OrProblem<gateway::ServerChange> read_server_patch(const control::Request& request) {
  Body body(request,
            {"state", "rate", "deadline", "weight", "max_connections", "max_accept_rate", "address", "backup"});
  const DrainRequest drain = read_drain(body);
  gateway::ServerChange patch;
  patch.mode = body.take("state", mode());
  patch.rate = drain.rate;
  patch.deadline = drain.deadline;
  patch.weight = body.take("weight", config::server_weight());
  patch.max_connections = body.take("max_connections", config::server_max_connections());
  patch.max_accept_rate = body.take("max_accept_rate", config::server_max_accept_rate());
  patch.address = body.take("address", config::server_address());
  patch.backup = body.take("backup", config::boolean());
  if (auto wrong = body.problem()) return *wrong;
  if (body.empty()) return control::problem(400, "the body says nothing that is to change");
  if (patch.mode == gateway::ServerMode::ready && (patch.rate || patch.deadline)) {
    return control::problem(400, "`rate` and `deadline` go with the states \"drain\" and \"maint\"");
  }
  return patch;
}

}  // namespace holdfast::admin
