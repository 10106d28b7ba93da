#include "admin/connection_query.h"

#include <algorithm>
#include <limits>

#include "admin/listener_json.h"
#include "admin/problems.h"
#include "admin/query.h"
#include "config/endpoint_kinds.h"
#include "config/sections.h"

namespace holdfast::admin {
namespace {

using control::Response;

constexpr std::uint64_t kIdMax = (std::uint64_t{1} << 53U) - 1;  // what every reader of JSON sees whole
constexpr std::size_t kNameBytesMax = 300;                       // an address may be a server's name
constexpr std::size_t kClientIdBytesMax = 65'535;
constexpr std::chrono::hours kAgeMax{24 * 365 * 10};

config::Kind<entry::ConnectionQuery::Sort> sort() {
  using Sort = entry::ConnectionQuery::Sort;
  return config::choice<Sort>({{"id", Sort::id}, {"age", Sort::age}, {"idle", Sort::idle}, {"bytes", Sort::bytes}});
}

entry::ConnectionQuery read(Query& query) {
  const auto name = config::text(kNameBytesMax);
  const auto age = config::duration({}, kAgeMax);
  entry::ConnectionQuery wanted;
  wanted.listener = query.take("listener", name);
  wanted.pool = query.take("pool", name);
  wanted.server = query.take("server", name);
  wanted.client_id = query.take("client_id", config::text(kClientIdBytesMax));
  wanted.address = query.take("address", config::cidr());
  if (const auto least = query.take("min_age", age)) wanted.min_age = config::milliseconds(*least);
  if (const auto least = query.take("min_idle", age)) wanted.min_idle = config::milliseconds(*least);
  if (const auto bytes = query.take("min_bytes", config::bytes({}, {std::numeric_limits<std::uint64_t>::max()}))) {
    wanted.min_bytes = bytes->count;
  }
  wanted.sort = query.take("sort", sort()).value_or(wanted.sort);
  wanted.limit = static_cast<std::uint32_t>(
      query.take_number("limit", 1, entry::ConnectionQuery::kLimitMax).value_or(wanted.limit));
  wanted.after = query.take_number("after", 0, kIdMax);
  return wanted;
}

bool has(const std::vector<std::string>& names, const std::optional<std::string>& wanted) {
  return !wanted || std::ranges::find(names, *wanted) != names.end();
}

// A server that has gone may still have connections; a name that is in no pool at all is a mistake nevertheless.
std::vector<std::string> servers_of(const gateway::Status& status, const std::optional<std::string>& pool) {
  std::vector<std::string> names;
  for (const gateway::PoolStatus& each : status.pools) {
    if (pool && each.name != *pool) continue;
    for (const gateway::ServerStatus& server : each.servers) names.push_back(server.name);
  }
  return names;
}

std::optional<Response> unknown_name(const entry::ConnectionQuery& wanted, const Faces& faces) {
  const gateway::Status status = faces.status();
  const auto listeners = listener_names(faces);
  if (!has(listeners, wanted.listener)) return nothing_called("listener", *wanted.listener, listeners, 400);
  const auto pools = names_of(status.pools, &gateway::PoolStatus::name);
  if (!has(pools, wanted.pool)) return nothing_called("pool", *wanted.pool, pools, 400);
  const auto servers = servers_of(status, wanted.pool);
  if (!has(servers, wanted.server)) return nothing_called("server", *wanted.server, servers, 400);
  return std::nullopt;
}

}  // namespace

control::OrProblem<entry::ConnectionQuery> read_connections_query(const control::Request& request, const Faces& faces) {
  Query query(request);
  entry::ConnectionQuery wanted = read(query);
  if (auto wrong = query.problem()) return std::move(*wrong);
  if (wanted.after && wanted.sort != entry::ConnectionQuery::Sort::id) {
    return control::problem(400, "`after` goes with `sort=id` only: any other order changes between two pages");
  }
  if (auto wrong = unknown_name(wanted, faces)) return std::move(*wrong);
  return wanted;
}

}  // namespace holdfast::admin
