// Pools: what they do. Their servers are in server_routes.cc.
#include <algorithm>
#include <boost/json.hpp>

#include "admin/parts.h"
#include "admin/pool_json.h"
#include "admin/problems.h"
#include "control/json.h"

namespace holdfast::admin {
namespace {

using control::Method;
using control::Request;
using control::Response;

Response all_pools(const gateway::Status& status) {
  boost::json::array all;
  for (const gateway::PoolStatus& pool : status.pools) all.push_back(to_json(pool));
  return control::json_response(all);
}

Response one_pool(const gateway::Status& status, const std::string& name) {
  const auto pool = std::ranges::find(status.pools, name, &gateway::PoolStatus::name);
  if (pool != status.pools.end()) return control::json_response(to_json(*pool));
  return nothing_called("pool", name, names_of(status.pools, &gateway::PoolStatus::name));
}

}  // namespace

void add_pool_routes(Api& api, const FacesPtr& faces) {
  api.add(Method::get, "/v1/pools", {}, [faces](const Request&) { return all_pools(faces->status()); });
  api.add(Method::get, "/v1/pools/{pool}", {},
          [faces](const Request& request) { return one_pool(faces->status(), request.path_parameter("pool")); });
}

}  // namespace holdfast::admin
