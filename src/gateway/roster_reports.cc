// What is said of servers: by probes, agents, and clients that had trouble. The rest of Roster is in roster.cc.
#include <fmt/format.h>

#include <algorithm>

#include "base/log.h"
#include "base/units.h"
#include "gateway/roster.h"

namespace holdfast::gateway {
namespace {

using policy::HealthJudge;

// How long it is from when a probe that was asked for because clients have trouble can have ended to when the next one
// may be asked for.
constexpr std::chrono::milliseconds kDoubtPause{500};
// At most one line about a source address in this time: each server of the pool has the same trouble with it.
constexpr std::chrono::minutes kSourcePause{1};
// The same for checks that could not be made.
constexpr std::chrono::minutes kUnaskedPause{1};

std::string why(const health::AgentReply& reply) {
  return reply.reason.empty() ? "the agent said so" : "the agent said: " + reply.reason;
}

std::string short_text(base::Duration duration) {
  return base::to_text(std::chrono::round<std::chrono::milliseconds>(duration));
}

}  // namespace

std::chrono::milliseconds Roster::probed(std::uint16_t slot, const health::Outcome& outcome, base::Time now) {
  Member* member = find(slot);
  if (member == nullptr || member->leaving || !member->judge) return std::chrono::milliseconds(1000);
  if (outcome.asked) {
    member->last_probe = now;
    member->probe_took = outcome.took;
    const auto passed = outcome.passed ? policy::Probe::passed : policy::Probe::failed;
    const auto verdict = member->judge->on_result(passed, now, outcome.reason);
    if (outcome.agent) believe(*member, *outcome.agent, now);
    judged(*member, verdict, now);
    settle(*member, now);
  } else {
    tell_unasked(*member, outcome.reason, now);
  }
  return std::chrono::ceil<std::chrono::milliseconds>(member->judge->next_delay(random_));
}

// What is lacking here says nothing about the server, but somebody has to know that nobody looks after it.
void Roster::tell_unasked(const Member& member, const std::string& reason, base::Time now) {
  if (!unasked_pause_.is_over(now, kUnaskedPause)) return;
  base::log_warning("a health check could not be made; the server stays as it is",
                    {{"server", settings_.name + "/" + member.settings.name}, {"error", reason}});
}

void Roster::judged(Member& member, HealthJudge::Verdict verdict, base::Time now) {
  if (verdict == HealthJudge::Verdict::went_down) tell_panic(panic_.server_down(member.slot, now));
  if (verdict == HealthJudge::Verdict::went_up) tell_panic(panic_.server_up(member.slot));
}

void Roster::tell_panic(const policy::PanicJudge::Change& change) {
  using Kind = policy::PanicJudge::Change::Kind;
  panic_changed_ |= change.kind != Kind::none;
  if (change.kind == Kind::began) {
    base::log_error(
        "panic: too many servers fail at once; the last good ones go on serving until a client does not reach them",
        {{"pool", settings_.name}, {"failing", std::int64_t{change.held}}, {"serving", std::int64_t{change.serving}}});
  } else if (change.kind == Kind::ended) {
    base::log_warning(
        "panic is over",
        {{"pool", settings_.name}, {"down", std::int64_t{change.held}}, {"serving", std::int64_t{change.serving}}});
  }
}

void Roster::agent_said(std::uint16_t slot, const health::AgentReply& reply, base::Time now) {
  Member* member = find(slot);
  if (member == nullptr) return;
  if (!member->agent_error.empty()) {
    member->agent_error.clear();
    base::log_info("the agent answers again", {{"server", settings_.name + "/" + member->settings.name}});
  }
  obey(*member, reply);
  if (reply.is_down()) member->agent_down = why(reply);
  if (reply.life == health::AgentReply::Life::up) member->agent_down.clear();
  settle(*member, now);
}

void Roster::agent_silent(std::uint16_t slot, const std::string& error) {
  Member* member = find(slot);
  if (member == nullptr) return;
  const bool is_news = member->agent_error.empty();
  member->agent_error = error;
  if (!is_news) return;
  base::log_warning("the agent is not heard; what it said last holds",
                    {{"server", settings_.name + "/" + member->settings.name}, {"error", error}});
}

// An agent that is the check itself: its word counts at once, and alone.
void Roster::believe(Member& member, const health::AgentReply& reply, base::Time now) {
  obey(member, reply);
  if (reply.is_down()) {
    (void)member.judge->force(policy::Health::down, now, why(reply));
    tell_panic(panic_.gave_up(member.slot));
  }
  if (reply.life == health::AgentReply::Life::up) {
    judged(member, member.judge->force(policy::Health::up, now, "the agent said up"), now);
  }
}

void Roster::obey(Member& member, const health::AgentReply& reply) {
  using Says = health::AgentReply::Mode;
  const auto before = std::pair(member.agent_percent, member.agent_max_connections);
  if (reply.weight_percent) member.agent_percent = *reply.weight_percent;
  if (reply.max_connections) member.agent_max_connections = *reply.max_connections;
  if (reply.mode != Says::unchanged) {
    member.agent_mode = reply.mode == Says::ready   ? ServerMode::ready
                        : reply.mode == Says::drain ? ServerMode::drain
                                                    : ServerMode::maint;
    member.agent_cause = why(reply);
  }
  changed_ |= before != std::pair(member.agent_percent, member.agent_max_connections);
}

void Roster::connect_failed(std::uint16_t slot, const std::string& error, base::Time now) {
  Member* member = find(slot);
  if (member == nullptr || member->leaving) return;
  tell_panic(panic_.connect_failed(slot));
  trouble(*member, error, now);
}

void Roster::closed_early(std::uint16_t slot, base::Time now) {
  Member* member = find(slot);
  if (member != nullptr && !member->leaving) trouble(*member, "closed early", now);
}

void Roster::connections_lost(std::uint16_t slot, base::Time now) {
  Member* member = find(slot);
  if (member != nullptr && !member->leaving) doubt(*member, now);
}

void Roster::source_unusable(std::uint8_t source, base::Time now) {
  if (source >= sources_.count() || !sources_.address(source)) return;
  if (!source_pauses_[source].is_over(now, kSourcePause)) return;
  base::log_error("a source address cannot be used, because it is no address of this machine",
                  {{"pool", settings_.name}, {"address", sources_.address(source)->host}});
}

void Roster::trouble(Member& member, const std::string& what, base::Time now) {
  doubt(member, now);
  const auto verdict = outliers_.error(member.slot, now, serving_ - (member.serving ? 1 : 0));
  using Kind = policy::OutlierJudge::Verdict::Kind;
  if (verdict.kind == Kind::ejected) {
    member.eject_cause = fmt::format("{} errors within {}, the last: {}; ejected for {}", verdict.errors,
                                     short_text(settings_.passive->window), what, short_text(verdict.length));
    ++member.ejections;
  } else if (verdict.kind == Kind::spared && member.spared_pause.is_over(now, settings_.passive->window)) {
    base::log_warning("a server that clients have trouble with stays, because too many others are out",
                      {{"server", settings_.name + "/" + member.settings.name}, {"error", what}});
  }
  settle(member, now);
}

void Roster::doubt(Member& member, base::Time now) {
  if (!member.judge || !member.judge->is_settled() || member.order.mode == ServerMode::maint) return;
  if (member.judge->health() != policy::Health::up || member.addresses.empty()) return;
  if (now - member.last_doubt < settings_.health->timeout + kDoubtPause) return;
  member.last_doubt = now;
  watcher_.doubted(member.slot, member.addresses.front());
}

}  // namespace holdfast::gateway
