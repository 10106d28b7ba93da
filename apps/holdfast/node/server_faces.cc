#include <fmt/format.h>

#include <algorithm>

#include "config/names.h"
#include "node/faces.h"

namespace holdfast::app {
namespace {

using admin::Done;
using admin::Outcome;
using admin::Refusal;

// The routes have asked before whether pool and server are there; they may have gone since.
Refusal refusal(const base::Error& error, const std::string& pool, const std::string& server) {
  const std::string what = fmt::format("server {} of the pool {}", server, pool);
  switch (error.code) {
    case base::Errc::not_found: return {Refusal::Why::not_found, what + " is not there"};
    case base::Errc::exists: return {Refusal::Why::conflict, what + " is there already"};
    case base::Errc::malformed:
      return {Refusal::Why::invalid, "`rate` and `deadline` go with the states \"drain\" and \"maint\""};
    default: return {Refusal::Why::failed, what + ": " + error.text()};
  }
}

std::uint64_t connections_of(const gateway::Directory& directory, const std::string& pool, const std::string& server) {
  for (const gateway::PoolStatus& each : directory.status()) {
    if (each.name != pool) continue;
    const auto found = std::ranges::find(each.servers, server, &gateway::ServerStatus::name);
    if (found != each.servers.end()) return found->connections;
  }
  return 0;  // it had none, and has gone
}

Outcome<admin::Removal> remove(gateway::Directory& directory, const std::vector<config::Pool>& pools,
                               const std::string& pool, const std::string& server) {
  const base::Result<void> done = directory.remove_server(pool, server);
  if (!done) return refusal(done.error(), pool, server);
  const auto settings = std::ranges::find(pools, pool, &config::Pool::name);
  const auto on_remove = settings != pools.end() ? settings->on_remove : config::OnRemove::drain;
  return admin::Removal{connections_of(directory, pool, server), std::string(config::name(on_remove))};
}

std::vector<admin::RuntimeDifference> differences(const gateway::Directory& directory) {
  std::vector<admin::RuntimeDifference> all;
  for (const gateway::RuntimeChange& change : directory.runtime_changes()) all.push_back(difference_of(change));
  return all;
}

}  // namespace

void add_server_faces(admin::Faces& faces, gateway::Directory& directory,
                      std::function<const std::vector<config::Pool>&()> pools) {
  faces.change_server = [&directory](const std::string& pool, const std::string& server,
                                     const gateway::ServerChange& change) -> Outcome<Done> {
    const base::Result<void> done = directory.change_server(pool, server, change);
    if (!done) return refusal(done.error(), pool, server);
    return Done{};
  };
  faces.add_server = [&directory](const std::string& pool, const config::Server& server) -> Outcome<Done> {
    const base::Result<void> done = directory.add_server(pool, server);
    if (!done) return refusal(done.error(), pool, server.name);
    return Done{};
  };
  faces.remove_server = [&directory, pools = std::move(pools)](const std::string& pool, const std::string& server) {
    return remove(directory, pools(), pool, server);
  };
  faces.runtime_differences = [&directory] { return differences(directory); };
}

}  // namespace holdfast::app
