#include "node/reload_effects.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <string>

#include "base/units.h"

namespace holdfast::app {
namespace {

using Kind = config::Change::Kind;

// How many connections there are of each thing that a change can name. Made once: there may be thousands of servers.
struct Live {
  explicit Live(const gateway::Status& status) {
    for (const gateway::ListenerStatus& each : status.listeners) {
      listeners[each.name] += each.connections;
      all += each.connections;
    }
    for (const gateway::PoolStatus& pool : status.pools) {
      pools[pool.name] += pool.connections + pool.waiting;
      for (const gateway::ServerStatus& server : pool.servers)
        servers[pool.name + "/" + server.name] = server.connections;
    }
  }

  [[nodiscard]] std::uint64_t of(const config::Change& change) const {
    if (change.where.empty()) return all;
    const std::string& section = change.where.front().section;
    const std::string& name = change.where.front().name;
    if (section == "listener") return find(listeners, name);
    if (section != "pool") return all;
    return change.where.size() == 1 ? find(pools, name) : find(servers, name + "/" + change.where[1].name);
  }

  static std::uint64_t find(const std::map<std::string, std::uint64_t>& counts, const std::string& name) {
    const auto found = counts.find(name);
    return found == counts.end() ? 0 : found->second;
  }

  std::map<std::string, std::uint64_t> listeners;
  std::map<std::string, std::uint64_t> pools;
  std::map<std::string, std::uint64_t> servers;  // "pool/server"
  std::uint64_t all = 0;
};

std::string counted(std::uint64_t count) { return count == 1 ? "1 connection" : fmt::format("{} connections", count); }

std::string stays(std::uint64_t count) { return counted(count) + (count == 1 ? " stays" : " stay"); }

std::string of_removed_servers(const config::Pool& pool, std::uint64_t count) {
  switch (pool.on_remove) {
    case config::OnRemove::keep: return stays(count) + " until " + (count == 1 ? "it ends" : "they end");
    case config::OnRemove::close: return counted(count) + (count == 1 ? " is" : " are") + " closed at once";
    case config::OnRemove::drain: break;
  }
  std::string text =
      fmt::format("{} {} closed at {}", counted(count), count == 1 ? "is" : "are", base::to_text(pool.drain_rate));
  if (pool.drain_deadline.count() > 0) text += fmt::format(", the rest after {}", base::to_text(pool.drain_deadline));
  return text;
}

std::string of_removed(const config::Change& change, const config::Settings& running, std::uint64_t count) {
  if (count == 0) return "nobody is connected";
  if (change.where.front().section != "pool") return stays(count) + " until " + (count == 1 ? "it ends" : "they end");
  const auto pool = std::ranges::find(running.pools, change.where.front().name, &config::Pool::name);
  return of_removed_servers(*pool, count);
}

// Most of what takes effect at once is about new connections, or about what the process does beside them.
bool touches_connections(const config::Change& change) {
  return change.where.front().section == "listener" &&
         (change.key == "idle_timeout" || change.key.starts_with("max_age"));
}

std::string of_changed(const config::Change& change, std::uint64_t count) {
  if (change.where.empty() || count == 0) return "at once";
  if (touches_connections(change)) return "at once, also for " + counted(count);
  const bool for_new = change.applies == config::Applies::new_connections || change.key == "bind";
  return fmt::format("{}; {} as {}", for_new ? "for new connections" : "at once", stays(count),
                     count == 1 ? "it is" : "they are");
}

std::string effect(const config::Change& change, const config::Settings& running, std::uint64_t count) {
  if (change.applies == config::Applies::restart) return "not before a restart: until then it stays as it is";
  switch (change.kind) {
    case Kind::added: return "at once";
    case Kind::removed: return of_removed(change, running, count);
    case Kind::changed: break;
  }
  return of_changed(change, count);
}

}  // namespace

std::vector<admin::ReloadChange> effects(const std::vector<config::Change>& changes, const config::Settings& running,
                                         const gateway::Status& status) {
  const Live live(status);
  std::vector<admin::ReloadChange> all;
  for (const config::Change& change : changes) {
    const std::uint64_t count = change.kind == Kind::added ? 0 : live.of(change);
    all.push_back({.what = config::place_of(change),
                   .change = config::to_text(change.kind),
                   .key = change.key,
                   .from = change.from,
                   .to = change.to,
                   .applies = std::string(config::to_text(change.applies)),
                   .connections = count,
                   .effect = effect(change, running, count)});
  }
  return all;
}

}  // namespace holdfast::app
