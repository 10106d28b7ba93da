#include "gateway/server_changes.h"

#include <algorithm>
#include <set>
#include <unordered_map>

namespace holdfast::gateway {
namespace {

std::string text(std::uint32_t value) { return std::to_string(value); }
std::string text(base::Rate value) { return value.per_second > 0 ? base::to_text(value) : "0"; }
std::string text(const base::Endpoint& value) { return value.text(); }
std::string text(bool value) { return value ? "true" : "false"; }

template <typename T>
void replace(T& value, const std::optional<T>& by) {
  if (by) value = *by;
}

template <typename T>
void take(std::optional<T>& value, const std::optional<T>& by) {
  if (by) value = by;
}

template <typename T>
void forget_same(std::optional<T>& value, const T& listed) {
  if (value == listed) value.reset();
}

template <typename T>
void tell(std::vector<Difference>& all, const char* key, const std::optional<T>& now, const T& file) {
  if (now) all.push_back({key, text(file), text(*now)});
}

void obey(ServerOrder& order, const ServerChange& change, base::Time now) {
  if (change.mode && *change.mode != order.mode) order = {.mode = *change.mode};
  if (change.rate) order.rate = change.rate;
  if (change.deadline) {
    order.deadline = change.deadline;
    order.deadline_from = now;
  }
}

}  // namespace

const char* name(ServerMode mode) noexcept {
  switch (mode) {
    case ServerMode::ready: return "ready";
    case ServerMode::drain: return "drain";
    case ServerMode::maint: return "maint";
  }
  return "unknown";
}

bool ServerChanges::Changed::is_nothing() const noexcept {
  return order.mode == ServerMode::ready && !weight && !max_connections && !max_accept_rate && !address && !backup &&
         !removed;
}

void ServerChanges::Changed::put_on(config::Server& server) const {
  replace(server.weight, weight);
  replace(server.max_connections, max_connections);
  replace(server.max_accept_rate, max_accept_rate);
  replace(server.address, address);
  replace(server.backup, backup);
}

void ServerChanges::Changed::forget_same(const config::Server& listed) {
  gateway::forget_same(weight, listed.weight);
  gateway::forget_same(max_connections, listed.max_connections);
  gateway::forget_same(max_accept_rate, listed.max_accept_rate);
  gateway::forget_same(address, listed.address);
  gateway::forget_same(backup, listed.backup);
}

config::Server* ServerChanges::find_added(std::string_view server) noexcept {
  const auto found = std::ranges::find(added_, server, &config::Server::name);
  return found == added_.end() ? nullptr : &*found;
}

base::Result<void> ServerChanges::change(const std::string& server, const ServerChange& change,
                                         const config::Server* listed, base::Time now) {
  const ServerMode mode = change.mode.value_or(order(server).mode);
  if (mode == ServerMode::ready && (change.rate || change.deadline)) {
    return base::Error{base::Errc::malformed, base::Side::client, 0, "rate and deadline are of drain and maint"};
  }
  Changed& changed = changed_[server];
  obey(changed.order, change, now);
  take(changed.weight, change.weight);
  take(changed.max_connections, change.max_connections);
  take(changed.max_accept_rate, change.max_accept_rate);
  take(changed.address, change.address);
  take(changed.backup, change.backup);
  if (config::Server* added = find_added(server)) {
    changed.put_on(*added);  // nothing else says anything of it
    changed.forget_same(*added);
  } else if (listed != nullptr) {
    changed.forget_same(*listed);
  }
  if (changed.is_nothing()) changed_.erase(server);
  return {};
}

void ServerChanges::add(const config::Server& server, const config::Server* listed) {
  changed_.erase(server.name);
  if (listed == nullptr) return added_.push_back(server);
  Changed changed;
  changed.weight = server.weight;
  changed.max_connections = server.max_connections;
  changed.max_accept_rate = server.max_accept_rate;
  changed.address = server.address;
  changed.backup = server.backup;
  changed.forget_same(*listed);
  if (!changed.is_nothing()) changed_.insert_or_assign(server.name, changed);
}

void ServerChanges::remove(const std::string& server) {
  changed_.erase(server);
  if (std::erase_if(added_, [&](const config::Server& each) { return each.name == server; }) == 0) {
    changed_[server].removed = true;
  }
}

void ServerChanges::compare(const Servers& configured, const Servers& discovered, Unlisted unlisted) {
  if (empty()) return;
  std::unordered_map<std::string_view, const config::Server*> listed;
  for (const config::Server& server : configured) listed.emplace(server.name, &server);
  // One that was added by command and stands in the file now is the file's, with what is different about it.
  const Servers added = std::exchange(added_, {});
  for (const config::Server& server : added) {
    const auto found = listed.find(server.name);
    if (found == listed.end()) {
      added_.push_back(server);
      continue;
    }
    const ServerOrder order = this->order(server.name);
    add(server, found->second);
    if (order.mode != ServerMode::ready) changed_[server.name].order = order;
  }
  for (const config::Server& server : discovered) listed.emplace(server.name, &server);
  for (auto each = changed_.begin(); each != changed_.end();) {
    const auto found = listed.find(each->first);
    if (found != listed.end()) each->second.forget_same(*found->second);
    const bool is_gone = found == listed.end() && unlisted == Unlisted::forget && find_added(each->first) == nullptr;
    each = is_gone || each->second.is_nothing() ? changed_.erase(each) : std::next(each);
  }
}

void ServerChanges::forget() {
  changed_.clear();
  added_.clear();
}

std::optional<config::Server> ServerChanges::apply(const config::Server& listed) const {
  const auto found = changed_.find(listed.name);
  if (found == changed_.end()) return listed;
  if (found->second.removed) return std::nullopt;
  config::Server server = listed;
  found->second.put_on(server);
  return server;
}

const ServerOrder& ServerChanges::order(const std::string& server) const {
  static const ServerOrder kNone;
  const auto found = changed_.find(server);
  return found == changed_.end() ? kNone : found->second.order;
}

std::vector<Difference> ServerChanges::differences(const std::string& server, const config::Server* listed) const {
  std::vector<Difference> all;
  if (listed == nullptr) {
    const auto added = std::ranges::find(added_, server, &config::Server::name);
    if (added != added_.end()) all.push_back({"added", "", added->address.text()});
  }
  const auto found = changed_.find(server);
  if (found == changed_.end()) return all;
  const Changed& changed = found->second;
  if (changed.removed) {
    all.push_back({"removed", listed == nullptr ? "" : listed->address.text(), ""});
    return all;
  }
  if (changed.order.mode != ServerMode::ready) all.push_back({"state", "ready", name(changed.order.mode)});
  if (listed == nullptr) return all;
  tell(all, "weight", changed.weight, listed->weight);
  tell(all, "max_connections", changed.max_connections, listed->max_connections);
  tell(all, "max_accept_rate", changed.max_accept_rate, listed->max_accept_rate);
  tell(all, "address", changed.address, listed->address);
  tell(all, "backup", changed.backup, listed->backup);
  return all;
}

std::vector<std::string> ServerChanges::removed() const {
  std::vector<std::string> all;
  for (const auto& [server, changed] : changed_) {
    if (changed.removed) all.push_back(server);
  }
  return all;
}

}  // namespace holdfast::gateway
