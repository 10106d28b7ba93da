// What is known of the servers of a pool. What is made of it for the workers is in roster_view.cc.
#include "gateway/roster.h"

#include <fmt/format.h>

#include <algorithm>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <utility>

#include "base/log.h"
#include "base/units.h"

namespace holdfast::gateway {
namespace {

using policy::HealthJudge;

// How long it is from when a probe that was asked for because clients have trouble can have ended to when the next one
// may be asked for.
constexpr std::chrono::milliseconds kDoubtPause{500};
// How long a server that left stays at least. A worker may still connect to it before it sees the new pool, and that
// connection is closed with the others only while the server is known.
constexpr std::chrono::milliseconds kFarewell{100};
// At most one line about a source address in this time: each server of the pool has the same trouble with it.
constexpr std::chrono::minutes kSourcePause{1};
// The same for checks that could not be made.
constexpr std::chrono::minutes kUnaskedPause{1};

base::Duration or_else(config::Duration duration, config::Duration otherwise) {
  return duration.count() > 0 ? duration : otherwise;
}

policy::HealthRules health_rules(const config::Health& health) {
  return {.rise = health.rise,
          .fall = health.fall,
          .interval = health.interval,
          .fast_interval = or_else(health.fast_interval, health.interval),
          .down_interval = or_else(health.down_interval, health.interval),
          .jitter_percent = static_cast<std::uint32_t>(health.jitter * 100)};
}

// Servers that fail together go down within one interval of each other: probes are spread over it.
policy::PanicRules panic_rules(const config::Pool& pool) {
  if (!pool.health) return {0, {}};
  const config::Health& health = *pool.health;
  const auto longest = std::chrono::duration_cast<base::Duration>(health.interval * (1 + health.jitter));
  return {health.panic_threshold, longest + or_else(health.fast_interval, health.interval)};
}

policy::OutlierRules outlier_rules(const config::Pool& pool) {
  if (!pool.passive) return {.errors = 0};
  const config::Passive& passive = *pool.passive;
  return {passive.errors, passive.window, passive.eject, passive.eject_max, passive.eject_share};
}

std::string why(const health::AgentReply& reply) {
  return reply.reason.empty() ? "the agent said so" : "the agent said: " + reply.reason;
}

std::string short_text(base::Duration duration) {
  return base::to_text(std::chrono::round<std::chrono::milliseconds>(duration));
}

}  // namespace

Roster::Roster(const config::Pool& settings, ServerSlots& slots, PoolLoad& load, Watcher& watcher, base::Time now)
    : settings_(settings),
      slots_(slots),
      load_(load),
      watcher_(watcher),
      panic_(panic_rules(settings)),
      outliers_(outlier_rules(settings)),
      random_(static_cast<std::uint64_t>(now.time_since_epoch().count())) {}

Roster::Member* Roster::find(std::uint16_t slot) noexcept {
  const auto found = std::ranges::find(members_, slot, &Member::slot);
  return found == members_.end() ? nullptr : &*found;
}

const Roster::Member* Roster::find(std::uint16_t slot) const noexcept {
  return const_cast<Roster*>(this)->find(slot);  // the same search
}

bool Roster::has_other_addresses(std::uint16_t slot, std::vector<net::SocketAddress> than) const {
  const Member* member = find(slot);
  const auto text = &net::SocketAddress::text;
  return member != nullptr && (!std::ranges::equal(member->addresses, reachable(std::move(than)), {}, text, text) ||
                               (member->addresses.empty() && !member->out_of_reach));
}

// Those that have the family of one of the source addresses.
std::vector<net::SocketAddress> Roster::reachable(std::vector<net::SocketAddress> addresses) const {
  const auto& sources = settings_.source_addresses;
  std::erase_if(addresses, [&sources](const net::SocketAddress& to) {
    const auto fits = [&to](const base::Endpoint& from) {
      return (from.kind == base::Endpoint::Kind::ipv6) == (to.family() == AF_INET6);
    };
    return !sources.empty() && !to.is_unix() && std::ranges::none_of(sources, fits);
  });
  return addresses;
}

void Roster::set_addresses(Member& member, std::vector<net::SocketAddress> addresses) {
  const bool has_some = !addresses.empty();
  member.addresses = reachable(std::move(addresses));
  member.out_of_reach = has_some && member.addresses.empty();
  if (!member.out_of_reach) return;
  base::log_warning("no source address is of the family of a server, which gets no connections",
                    {{"server", settings_.name + "/" + member.settings.name}});
}

// Host names have none until they are resolved.
void Roster::set_literal_address(Member& member) {
  const auto address = net::SocketAddress::from(member.settings.address);
  set_addresses(member, address ? std::vector{*address} : std::vector<net::SocketAddress>{});
}

void Roster::set_servers(Origin origin, const std::vector<config::Server>& servers, base::Time now) {
  std::unordered_set<std::string_view> names;
  for (const config::Server& server : servers) names.insert(server.name);
  std::unordered_map<std::string, std::size_t> known;  // by name, where in members_
  for (Member& member : members_) {
    if (member.origin == origin && !member.leaving && !names.contains(member.settings.name)) leave(member, now);
    known.emplace(member.settings.name, known.size());
  }
  for (const config::Server& server : servers) {
    const auto found = known.find(server.name);
    if (found != known.end()) {
      set_server(members_[found->second], origin, server);
    } else if (!join(origin, server, now)) {
      break;
    }
  }
  changed_ = true;
  review_all(now);
}

void Roster::set_server(Member& member, Origin origin, const config::Server& server) {
  if (member.origin == origin || member.leaving) {
    member.origin = origin;
    return update(member, server);
  }
  base::log_warning("a discovered server has the name of a configured one, which stays as it is",
                    {{"server", settings_.name + "/" + server.name}});
}

bool Roster::join(Origin origin, const config::Server& server, base::Time now) {
  const auto slot =
      slots_.open(settings_.name, server.name, std::max<std::size_t>(1, settings_.source_addresses.size()));
  if (!slot) {
    base::log_error("no room for further servers: there are 65535 in all pools together",
                    {{"first_left_out", settings_.name + "/" + server.name}});
    return false;
  }
  Member& member = members_.emplace_back();
  member.settings = server;
  member.origin = origin;
  member.slot = *slot;
  member.since = now;
  if (settings_.health) {
    const auto start = open_ ? HealthJudge::Start::down : HealthJudge::Start::up_on_trial;
    member.judge.emplace(health_rules(*settings_.health), start, now);
  }
  using PanicStart = policy::PanicJudge::Start;
  tell_panic(panic_.add(*slot, open_ && settings_.health ? PanicStart::down : PanicStart::up));
  outliers_.add(*slot);
  set_literal_address(member);
  watcher_.joined(*slot, server.address);
  return true;
}

void Roster::update(Member& member, const config::Server& server) {
  // One that is back on the list is looked up anew, and asked from there on.
  const bool moves = member.leaving || !(member.settings.address == server.address);
  if (member.leaving) {
    member.leaving = false;
    member.closing_began.reset();
    const bool is_down = member.judge && member.judge->health() == policy::Health::down;
    tell_panic(panic_.add(member.slot, is_down ? policy::PanicJudge::Start::down : policy::PanicJudge::Start::up));
    watcher_.joined(member.slot, server.address);
  } else if (moves) {
    watcher_.moved(member.slot, server.address);
  }
  member.settings = server;
  if (moves) set_literal_address(member);
}

void Roster::leave(Member& member, base::Time now) {
  member.leaving = true;
  member.closing_began = now;
  tell_panic(panic_.remove(member.slot));  // however long its connections last, it is none of the good set
  watcher_.left(member.slot);
}

void Roster::drop_empty(base::Time now) {
  const auto gone = [&](const Member& member) {
    if (!member.leaving || now - *member.closing_began < kFarewell) return false;
    if (slots_[member.slot].load.connections.load(std::memory_order_relaxed) > 0) return false;
    if (member.serving) --serving_;
    outliers_.remove(member.slot);
    slots_.close(member.slot, now);
    base::log_info("server gone", {{"server", settings_.name + "/" + member.settings.name}});
    return true;
  };
  changed_ |= std::erase_if(members_, gone) > 0;
}

void Roster::set_addresses(std::uint16_t slot, std::vector<net::SocketAddress> addresses, base::Time now) {
  Member* member = find(slot);
  if (member == nullptr) return;
  set_addresses(*member, std::move(addresses));
  changed_ = true;
  settle(*member, now);
}

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
  if (unasked_told_ != base::Time{} && now - unasked_told_ < kUnaskedPause) return;
  unasked_told_ = now;
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
    member.mode = reply.mode == Says::ready ? Mode::ready : reply.mode == Says::drain ? Mode::drain : Mode::maint;
    member.mode_cause = why(reply);
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

void Roster::source_unusable(std::uint8_t source, base::Time now) {
  source_told_.resize(settings_.source_addresses.size());
  base::Time& told = source_told_.at(source);
  if (told != base::Time{} && now - told < kSourcePause) return;
  told = now;
  base::log_error("a source address cannot be used, because it is no address of this machine",
                  {{"pool", settings_.name}, {"address", settings_.source_addresses[source].host}});
}

void Roster::trouble(Member& member, const std::string& what, base::Time now) {
  doubt(member, now);
  const auto verdict = outliers_.error(member.slot, now, useful_but(member));
  using Kind = policy::OutlierJudge::Verdict::Kind;
  if (verdict.kind == Kind::ejected) {
    member.eject_cause = fmt::format("{} errors within {}, the last: {}; ejected for {}", verdict.errors,
                                     short_text(settings_.passive->window), what, short_text(verdict.length));
    ++member.ejections;
  } else if (verdict.kind == Kind::spared && now - member.last_spared >= settings_.passive->window) {
    member.last_spared = now;
    base::log_warning("a server that clients have trouble with stays, because too many others are out",
                      {{"server", settings_.name + "/" + member.settings.name}, {"error", what}});
  }
  settle(member, now);
}

std::uint32_t Roster::useful_but(const Member& excluded) const {
  const auto useful = [&excluded](const Member& member) {
    return &member != &excluded && member.serving && member.settings.weight > 0 && member.agent_percent > 0;
  };
  return static_cast<std::uint32_t>(std::ranges::count_if(members_, useful));
}

void Roster::doubt(Member& member, base::Time now) {
  if (!member.judge || !member.judge->is_settled()) return;
  if (member.judge->health() != policy::Health::up || member.addresses.empty()) return;
  if (now - member.last_doubt < settings_.health->timeout + kDoubtPause) return;
  member.last_doubt = now;
  watcher_.doubted(member.slot, member.addresses.front());
}

void Roster::tick(base::Time now) {
  for (const policy::OutlierJudge::Id id : outliers_.tick(now)) {
    review(*find(static_cast<std::uint16_t>(id)), now);
  }
  drop_empty(now);
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
    if (closes && !member.closing_began) member.closing_began = now;
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
  return !member.leaving && member.mode == Mode::ready && !member.addresses.empty() && !is_down(member) &&
         !has_no_weight(member) && !outliers_.is_ejected(member.slot);
}

std::string Roster::state_text(const Member& member) const {
  if (member.mode == Mode::maint) return "MAINT";
  if (member.mode == Mode::drain || member.leaving) return "DRAIN";
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
  if (member.mode != Mode::ready) return member.mode_cause;
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
