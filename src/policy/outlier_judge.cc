#include "policy/outlier_judge.h"

#include <algorithm>
#include <cstdlib>
#include <utility>

namespace holdfast::policy {
namespace {

OutlierRules usable(OutlierRules rules) {
  rules.errors = std::min(rules.errors, OutlierRules::kErrorsMax);
  rules.eject_max = std::max(rules.eject_max, rules.eject);
  return rules;
}

// first, doubled `doublings` times, at most `max`.
base::Duration doubled(base::Duration first, std::uint32_t doublings, base::Duration max) {
  for (; doublings > 0 && first < max; --doublings) first = first < max / 2 ? 2 * first : max;
  return first;
}

}  // namespace

OutlierJudge::OutlierJudge(const OutlierRules& rules) noexcept : rules_(usable(rules)) {}

const OutlierJudge::Server& OutlierJudge::find(Id id) const {
  const auto found = std::ranges::lower_bound(servers_, id, {}, &Server::id);
  if (found == servers_.end() || found->id != id) std::abort();
  return *found;
}

OutlierJudge::Server& OutlierJudge::find(Id id) { return const_cast<Server&>(std::as_const(*this).find(id)); }

void OutlierJudge::add(Id id) {
  const auto place = std::ranges::lower_bound(servers_, id, {}, &Server::id);
  if (place != servers_.end() && place->id == id) std::abort();
  servers_.insert(place, Server{})->id = id;
}

void OutlierJudge::remove(Id id) {
  const Server& server = find(id);
  if (server.is_out) --ejected_;
  servers_.erase(servers_.begin() + (&server - servers_.data()));
}

void OutlierJudge::set_rules(const OutlierRules& rules) { rules_ = usable(rules); }

OutlierJudge::Verdict OutlierJudge::error(Id id, base::Time now, std::uint32_t usable_others) {
  using Kind = Verdict::Kind;
  Server& server = find(id);
  if (server.is_out) return {Kind::out, 0, server.times, server.length, server.until};
  if (rules_.errors == 0) return {};
  const std::uint32_t errors = note(server, now);
  if (errors < rules_.errors) return {Kind::counted, errors, server.times, {}, {}};
  if (!may_eject(usable_others)) return {Kind::spared, errors, server.times, {}, {}};
  return eject(server, now, errors);
}

// Returns how many errors there were within the window, this one included.
std::uint32_t OutlierJudge::note(Server& server, base::Time now) {
  if (server.errors.size() != rules_.errors) {
    server.errors.assign(rules_.errors, base::Time::min());
    server.next = 0;
  }
  server.errors[server.next] = now;
  server.next = (server.next + 1) % rules_.errors;
  const base::Time begin = now - rules_.window;
  return static_cast<std::uint32_t>(std::ranges::count_if(server.errors, [&](base::Time at) { return at >= begin; }));
}

bool OutlierJudge::may_eject(std::uint32_t usable_others) const noexcept {
  if (usable_others == 0 || servers_.size() < 2 || rules_.share_max <= 0) return false;
  constexpr double kRounding = 1e-9;  // 0.29 * 100 is a little less than 29
  const auto share = static_cast<std::size_t>(rules_.share_max * static_cast<double>(servers_.size()) + kRounding);
  return ejected_ < std::max<std::size_t>(share, 1);
}

OutlierJudge::Verdict OutlierJudge::eject(Server& server, base::Time now, std::uint32_t errors) {
  if (server.times > 0) {
    const auto forgotten = std::max<base::Duration::rep>((now - server.until) / server.length, 0);
    server.times -= static_cast<std::uint32_t>(std::min<base::Duration::rep>(forgotten, server.times));
  }
  server.length = std::max(doubled(rules_.eject, server.times, rules_.eject_max), base::Duration{1});
  server.until = now + server.length;
  server.is_out = true;
  std::ranges::fill(server.errors, base::Time::min());
  ++server.times;
  ++ejected_;
  return {Verdict::Kind::ejected, errors, server.times, server.length, server.until};
}

std::vector<OutlierJudge::Id> OutlierJudge::tick(base::Time now) {
  std::vector<Id> returned;
  if (ejected_ == 0) return returned;
  for (Server& server : servers_) {
    if (!server.is_out || (now < server.until && rules_.errors > 0)) continue;
    server.is_out = false;
    --ejected_;
    returned.push_back(server.id);
  }
  return returned;
}

bool OutlierJudge::is_ejected(Id id) const { return find(id).is_out; }

}  // namespace holdfast::policy
