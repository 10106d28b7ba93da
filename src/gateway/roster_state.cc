// The state that follows from all that is known of a server, and the log of its changes. The rest of Roster is in
// roster.cc.
#include "base/log.h"
#include "gateway/roster.h"

namespace holdfast::gateway {

void Roster::tick(base::Time now) {
  for (const policy::OutlierJudge::Id id : outliers_.tick(now)) {
    review(*find(static_cast<std::uint16_t>(id)), now);
  }
  drop_empty(now);
  if (sources_.waiting() > 0) set_sources();
  for (Member& member : members_) {
    const std::uint32_t step = member.ramp_began ? ramp(member, now).step : 0;
    const Closing closing = this->closing(member, now);
    changed_ |= step != member.ramp_step || closing != member.closing;
    member.ramp_step = step;
    member.closing = closing;
  }
  tell_strength();
}

void Roster::settle(Member& member, base::Time now) {
  if (panic_changed_) return review_all(now);
  review(member, now);
  tell_strength();
}

void Roster::review_all(base::Time now) {
  panic_changed_ = false;
  for (Member& member : members_) review(member, now);
  tell_strength();
}

void Roster::review(Member& member, base::Time now) {
  const bool serving = is_serving(member);
  if (serving != member.serving) {
    member.serving = serving;
    serving_ += serving ? 1 : -1U;
    member.since = now;
    changed_ = true;
    const bool held = !member.leaving && panic_.is_held(member.slot);
    const bool is_new = open_ && !held;  // what panic brings back was good just now
    if (serving && is_new && settings_.slow_start.count() > 0) member.ramp_began = now;
    if (!serving) member.ramp_began.reset();
  }
  if (!member.leaving) {
    const bool closes = settings_.on_down == config::OnDown::close && is_down(member);
    if (closes && !member.closing_began) begin_closing(member, now);
    if (!closes) member.closing_began.reset();
  }
  std::string shown = state_text(member);
  if (shown == member.shown) return;
  changed_ = true;
  const bool was_said = !member.shown.empty();
  if (was_said) {
    const bool is_good = shown == "UP";
    base::log(is_good ? base::LogLevel::info : base::LogLevel::warning, "server state",
              {{"server", settings_.name + "/" + member.settings.name},
               {"from", member.shown},
               {"to", shown},
               {"cause", cause_text(member)},
               {"serving", std::int64_t{serving_}}});
  }
  member.shown = std::move(shown);
}

void Roster::tell_strength() {
  const bool strong = serving_ > 0;
  if (strong == was_strong_ || members_.empty()) return;
  was_strong_ = strong;
  if (strong) {
    base::log_warning("the pool has servers again", {{"pool", settings_.name}});
  } else {
    base::log_error("every server of the pool is down", {{"pool", settings_.name}});
  }
}

bool Roster::is_down(const Member& member) const {
  if (!member.agent_down.empty()) return true;
  return member.judge && member.judge->health() == policy::Health::down && !panic_.serves(member.slot);
}

bool Roster::is_serving(const Member& member) const {
  return !member.leaving && mode(member) == ServerMode::ready && !member.addresses.empty() && !is_down(member) &&
         !has_no_weight(member) && !outliers_.is_ejected(member.slot);
}

// An operator's word stands until he takes it back, whatever the agent says.
ServerMode Roster::mode(const Member& member) {
  return member.order.mode == ServerMode::ready ? member.agent_mode : member.order.mode;
}

std::string Roster::state_text(const Member& member) const {
  if (mode(member) == ServerMode::maint) return "MAINT";
  if (mode(member) == ServerMode::drain || member.leaving) return "DRAIN";
  const bool is_out = outliers_.is_ejected(member.slot) || !member.agent_down.empty();
  if (is_out || member.addresses.empty()) return "DOWN";
  if (!is_down(member) && has_no_weight(member)) return "DRAIN";
  if (!member.judge) return "UP";
  return is_down(member) || member.judge->health() == policy::Health::up ? member.judge->text() : "UP";
}

// As in HAProxy: whoever takes nothing more, but is well, drains.
bool Roster::has_no_weight(const Member& member) { return member.settings.weight == 0 || member.agent_percent == 0; }

std::string Roster::cause_text(const Member& member) const {
  if (member.leaving) return "removed";
  if (member.order.mode != ServerMode::ready) return "an operator said so";
  if (member.agent_mode != ServerMode::ready) return member.agent_cause;
  if (outliers_.is_ejected(member.slot)) return member.eject_cause;
  if (member.out_of_reach) return "no source address is of its family";
  if (member.addresses.empty()) return "host name not resolved";
  if (!member.agent_down.empty()) return member.agent_down;
  if (!is_down(member) && has_no_weight(member)) return "weight 0";
  if (!member.judge) return "";
  const bool held = panic_.is_held(member.slot);
  return held ? "panic keeps it in service: " + member.judge->cause() : member.judge->cause();
}

}  // namespace holdfast::gateway
