#include "admin/server_body.h"

#include "admin/drain_request.h"
#include "config/servers.h"

namespace holdfast::admin {
namespace {

using config::Members;
using config::Value;

// What the section [[pool.server]] makes of these members; nothing, and faults, when they are wrong.
std::optional<config::Server> read_section(Members members, config::Faults& faults) {
  config::List list;
  list.push_back(Value{std::move(members)});
  Members root;
  root.push_back({"servers", {}, Value{std::move(list)}});
  auto read = config::read_servers(Value{std::move(root)}, faults);
  return read ? std::optional(std::move(read->servers.front())) : std::nullopt;
}

// A server that is there already has these; the section would miss them in a change of something else.
Members with_required(Members members) {
  const Value given{members};
  if (given.find("name") == nullptr) members.push_back({"name", {}, Value{std::string("x")}});
  if (given.find("address") == nullptr) members.push_back({"address", {}, Value{std::string("127.0.0.1:1")}});
  return members;
}

void take_keys(Body& body, ServerPatch& patch) {
  Members members = body.only({"weight", "max_connections", "max_accept_rate", "address", "backup"});
  if (members.empty()) return;
  const auto read = read_section(with_required(std::move(members)), body.faults());
  if (!read) return;
  if (body.has("weight")) patch.weight = read->weight;
  if (body.has("max_connections")) patch.max_connections = read->max_connections;
  if (body.has("max_accept_rate")) patch.max_accept_rate = read->max_accept_rate;
  if (body.has("address")) patch.address = read->address;
  if (body.has("backup")) patch.backup = read->backup;
}

config::Kind<ServerMode> mode() {
  return config::choice<ServerMode>(
      {{"ready", ServerMode::ready}, {"drain", ServerMode::drain}, {"maint", ServerMode::maint}});
}

}  // namespace

OrProblem<config::Server> read_new_server(const control::Request& request) {
  Body body(request, {"name", "address", "weight", "max_connections", "max_accept_rate", "backup"});
  if (auto wrong = body.problem()) return *wrong;
  if (!body.has("address")) return control::problem(400, "the body must have \"address\", such as \"10.0.0.7:1883\"");
  auto server = read_section(body.only({"name", "address", "weight", "max_connections", "max_accept_rate", "backup"}),
                             body.faults());
  if (auto wrong = body.problem()) return *wrong;
  return std::move(*server);
}

OrProblem<ServerPatch> read_server_patch(const control::Request& request) {
  Body body(request,
            {"state", "rate", "deadline", "weight", "max_connections", "max_accept_rate", "address", "backup"});
  ServerPatch patch;
  patch.mode = body.take("state", mode());
  patch.drain = read_drain(body);
  take_keys(body, patch);
  if (auto wrong = body.problem()) return *wrong;
  if (body.empty()) return control::problem(400, "the body says nothing that is to change");
  if (patch.mode == ServerMode::ready && (patch.drain.rate || patch.drain.deadline)) {
    return control::problem(400, "`rate` and `deadline` go with the states \"drain\" and \"maint\"");
  }
  return patch;
}

}  // namespace holdfast::admin
