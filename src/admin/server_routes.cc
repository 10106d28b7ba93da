// Servers of a pool: what they do, and every change of them by command.
#include <algorithm>
#include <boost/json.hpp>

#include "admin/parts.h"
#include "admin/pool_json.h"
#include "admin/problems.h"
#include "admin/server_body.h"
#include "control/json.h"

namespace holdfast::admin {
namespace {

using control::Method;
using control::Request;
using control::Response;
using gateway::PoolStatus;
using gateway::ServerStatus;

// What a request's path names, in a status of now; or the 404.
control::OrProblem<PoolStatus> pool_of(const Faces& faces, const Request& request) {
  gateway::Status status = faces.status();
  const std::string& name = request.path_parameter("pool");
  const auto pool = std::ranges::find(status.pools, name, &PoolStatus::name);
  if (pool == status.pools.end()) return nothing_called("pool", name, names_of(status.pools, &PoolStatus::name));
  return std::move(*pool);
}

control::OrProblem<ServerStatus> server_called(const Faces& faces, const Request& request, const std::string& name) {
  auto pool = pool_of(faces, request);
  if (!pool) return pool.problem();
  auto& servers = pool->servers;
  const auto server = std::ranges::find(servers, name, &ServerStatus::name);
  if (server != servers.end()) return std::move(*server);
  return nothing_called("server of the pool " + request.path_parameter("pool"), name,
                        names_of(servers, &ServerStatus::name));
}

Response all_servers(const Faces& faces, const Request& request) {
  auto pool = pool_of(faces, request);
  if (!pool) return pool.problem();
  boost::json::array all;
  for (const ServerStatus& server : pool->servers) all.push_back(to_json(server));
  return control::json_response(all);
}

Response one_server(const Faces& faces, const Request& request, const std::string& name, unsigned status = 200) {
  auto server = server_called(faces, request, name);
  if (!server) return server.problem();
  return control::json_response(to_json(*server), status);
}

Response change(const Faces& faces, const Request& request) {
  const std::string& name = request.path_parameter("server");
  auto server = server_called(faces, request, name);
  if (!server) return server.problem();
  auto patch = read_server_patch(request);
  if (!patch) return patch.problem();
  const auto done = faces.change_server(request.path_parameter("pool"), name, *patch);
  if (const auto* refusal = std::get_if<Refusal>(&done)) return problem_of(*refusal);
  return one_server(faces, request, name);
}

Response add(const Faces& faces, const Request& request) {
  auto pool = pool_of(faces, request);
  if (!pool) return pool.problem();
  const auto server = read_new_server(request);
  if (!server) return server.problem();
  const std::string& pool_name = request.path_parameter("pool");
  const auto done = faces.add_server(pool_name, *server);
  if (const auto* refusal = std::get_if<Refusal>(&done)) return problem_of(*refusal);
  Response response = one_server(faces, request, server->name, 201);
  const std::string location =
      "/v1/pools/" + control::encode_percent(pool_name) + "/servers/" + control::encode_percent(server->name);
  response.headers.push_back({"Location", location});
  return response;
}

Response remove(const Faces& faces, const Request& request) {
  const std::string& name = request.path_parameter("server");
  auto server = server_called(faces, request, name);
  if (!server) return server.problem();
  const auto done = faces.remove_server(request.path_parameter("pool"), name);
  if (const auto* refusal = std::get_if<Refusal>(&done)) return problem_of(*refusal);
  const auto& removal = std::get<Removal>(done);
  return control::json_response(boost::json::object{{"remaining", removal.remaining}, {"on_remove", removal.on_remove}},
                                202);
}

}  // namespace

void add_server_routes(Api& api, const FacesPtr& faces) {
  constexpr const char* kServers = "/v1/pools/{pool}/servers";
  constexpr const char* kServer = "/v1/pools/{pool}/servers/{server}";
  api.add(Method::get, kServers, {}, [faces](const Request& r) { return all_servers(*faces, r); });
  api.add(Method::get, kServer, {},
          [faces](const Request& r) { return one_server(*faces, r, r.path_parameter("server")); });
  if (faces->add_server) api.add(Method::post, kServers, {}, [faces](const Request& r) { return add(*faces, r); });
  if (faces->change_server)
    api.add(Method::patch, kServer, {}, [faces](const Request& r) { return change(*faces, r); });
  if (faces->remove_server) api.add(Method::del, kServer, {}, [faces](const Request& r) { return remove(*faces, r); });
}

}  // namespace holdfast::admin
