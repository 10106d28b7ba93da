// What operators do to servers by command. The rest of Roster is in roster.cc.
#include <algorithm>

#include "base/log.h"
#include "gateway/roster.h"
#include "gateway/roster_rules.h"

namespace holdfast::gateway {
namespace {

base::Error fault(base::Errc code, const char* what) { return {code, base::Side::client, 0, what}; }

}  // namespace

base::Result<void> Roster::change_server(const std::string& name, const ServerChange& change, base::Time now) {
  Member* const member = find(name);
  if (member == nullptr) return fault(base::Errc::not_found, "server");
  if (change.weight.value_or(0) > policy::kWeightMax) return fault(base::Errc::malformed, "weight above 1000");
  const config::Server* listed = member->origin == Origin::runtime ? nullptr : as_listed(name);
  const auto changed = changes_.change(name, change, listed, now);
  if (!changed) return changed;
  base::log_info("server changed by command", {{"server", settings_.name + "/" + name}});
  if (change.mode == ServerMode::ready) {
    member->agent_mode = ServerMode::ready;  // until the agent says it again
    member->agent_cause.clear();
  }
  relist(now);
  return {};
}

base::Result<void> Roster::add_server(const config::Server& server, base::Time now) {
  if (find(server.name) != nullptr) return fault(base::Errc::exists, "server");
  if (server.weight > policy::kWeightMax) return fault(base::Errc::malformed, "weight above 1000");
  const auto file = std::ranges::find(settings_.servers, server.name, &config::Server::name);
  changes_.add(server, file == settings_.servers.end() ? nullptr : &*file);
  relist(now);
  if (find(server.name) == nullptr) {
    changes_.remove(server.name);
    return fault(base::Errc::exhausted, "servers of all pools together");
  }
  base::log_info("server added by command",
                 {{"server", settings_.name + "/" + server.name}, {"address", server.address.text()}});
  return {};
}

base::Result<void> Roster::remove_server(const std::string& name, base::Time now) {
  if (find(name) == nullptr) return fault(base::Errc::not_found, "server");
  changes_.remove(name);
  relist(now);
  base::log_info("server removed by command", {{"server", settings_.name + "/" + name}});
  return {};
}

void Roster::give_order(Member& member, const ServerOrder& order, base::Time now) {
  const ServerMode before = std::exchange(member.order, order).mode;
  if (before == order.mode) return;
  if (before == ServerMode::maint) leave_maintenance(member, now);
  if (order.mode == ServerMode::maint) enter_maintenance(member);
  if (before == ServerMode::ready) note_drain(member);
}

// Nobody asks it, so nobody can say that it is good.
void Roster::enter_maintenance(Member& member) {
  tell_panic(panic_.gave_up(member.slot));
  watcher_.paused(member.slot);
}

// As in HAProxy: it is up, and the first failed check takes it down.
void Roster::leave_maintenance(Member& member, base::Time now) {
  if (settings_.health) {
    member.judge.emplace(health_rules(*settings_.health), policy::HealthJudge::Start::up_on_trial, now);
  }
  tell_panic(panic_.server_up(member.slot));
  if (!member.addresses.empty()) watcher_.resumed(member.slot, member.addresses.front());
}

std::vector<RuntimeChange> Roster::runtime_changes() const {
  std::vector<RuntimeChange> all;
  if (changes_.empty()) return all;
  const auto add = [&](const std::string& server, const config::Server* listed) {
    for (Difference& each : changes_.differences(server, listed)) {
      all.push_back({settings_.name, server, std::move(each.key), std::move(each.file), std::move(each.now)});
    }
  };
  for (const Member& member : members_) {
    if (member.leaving) continue;
    add(member.settings.name, member.origin == Origin::runtime ? nullptr : as_listed(member.settings.name));
  }
  for (const std::string& server : changes_.removed()) {
    // One that discovery does not name now differs from nothing; it is left out again when it is back.
    if (const config::Server* listed = as_listed(server)) add(server, listed);
  }
  return all;
}

}  // namespace holdfast::gateway
