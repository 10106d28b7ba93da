// Other settings for the servers that are there. The rest of Roster is in roster.cc.
#include <algorithm>

#include "base/log.h"
#include "gateway/roster.h"
#include "gateway/roster_rules.h"

namespace holdfast::gateway {

using policy::HealthJudge;

void Roster::set_settings(const config::Pool& settings, base::Time now) {
  const config::Pool before = std::exchange(settings_, settings);
  panic_changed_ = true;
  tell_panic(panic_.set_rules(panic_rules(settings_)));
  outliers_.set_rules(outlier_rules(settings_));
  for (const policy::OutlierJudge::Id id : outliers_.tick(now)) {
    find(static_cast<std::uint16_t>(id))->eject_cause.clear();
  }
  set_health(before.health, now);
  if (has_agent(before) && !has_agent(settings_)) forget_agents();
  stretch_slow_starts(before.slow_start, now);
  set_sources();
  for (Member& member : members_) (void)set_addresses(member, std::move(member.found));
  if (!settings_.discovery) discovered_.clear();
  relist(now);
}

// Servers whose checks begin are trusted until the first one, as at the start of the process. Those whose checks have
// ended are up.
void Roster::set_health(const std::optional<config::Health>& before, base::Time now) {
  for (Member& member : members_) {
    if (!settings_.health) {
      member.judge.reset();
      member.last_probe = {};
      member.probe_took = {};
      if (before && !member.leaving) tell_panic(panic_.server_up(member.slot));
    } else if (member.judge) {
      member.judge->set_rules(health_rules(*settings_.health));
    } else {
      member.judge.emplace(health_rules(*settings_.health), HealthJudge::Start::up_on_trial, now);
    }
    if (member.order.mode == ServerMode::maint) tell_panic(panic_.gave_up(member.slot));
  }
}

// Nobody can take back what an agent has said that is not asked any more.
void Roster::forget_agents() {
  for (Member& member : members_) {
    member.agent_mode = ServerMode::ready;
    member.agent_cause.clear();
    member.agent_percent = 100;
    member.agent_max_connections.reset();
    member.agent_down.clear();
    member.agent_error.clear();
  }
}

// A server that was half through is half through.
void Roster::stretch_slow_starts(base::Duration before, base::Time now) {
  if (before == settings_.slow_start || before.count() == 0) return;
  const double factor =
      static_cast<double>(base::Duration(settings_.slow_start).count()) / static_cast<double>(before.count());
  for (Member& member : members_) {
    if (!member.ramp_began) continue;
    member.ramp_began = now - std::chrono::duration_cast<base::Duration>((now - *member.ramp_began) * factor);
  }
}

bool Roster::is_source_in_use(std::uint8_t index) const {
  return std::ranges::any_of(members_, [&](const Member& member) {
    return slots_[member.slot].sources[index].ports.load(std::memory_order_relaxed) > 0;
  });
}

void Roster::set_sources() {
  const std::size_t waited = sources_.waiting();
  const auto changed =
      sources_.set(settings_.source_addresses, [this](std::uint8_t index) { return is_source_in_use(index); });
  for (const Member& member : members_) {
    SourceLoads& loads = slots_[member.slot].sources;
    loads.grow(sources_.count());
    for (const std::uint8_t index : changed) loads[index].forget();
  }
  for (const std::uint8_t index : changed) source_pauses_[index] = {};
  changed_ |= !changed.empty();
  if (sources_.waiting() <= waited) return;
  base::log_warning("source addresses wait until connections from earlier ones have ended: a pool has 128 at once",
                    {{"pool", settings_.name}, {"waiting", static_cast<std::int64_t>(sources_.waiting())}});
}

}  // namespace holdfast::gateway
