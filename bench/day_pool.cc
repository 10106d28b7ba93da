#include "day_pool.h"

#include <algorithm>
#include <cmath>

#include "base/hash.h"

namespace holdfast::day {
namespace {

constexpr double kFirstStep = 0.05;  // of the ramp

}  // namespace

Pool::Pool(const Plan& plan, std::uint32_t servers_max) : plan_(plan), states_(servers_max) {
  for (std::uint32_t i = 0; i < servers_max; ++i) {
    servers_.push_back({.max_connections = plan.connections_max, .load = &loads_.emplace_back()});
  }
  for (std::uint32_t i = 0; i < kWorkers; ++i) policies_.push_back(policy::make_policy(plan.kind, i));
}

void Pool::mark_up(std::uint32_t server, base::Time now, bool slowly) {
  State& state = states_[server];
  state.up = true;
  state.starting = slowly && plan_.slow_start.count() > 0;
  state.since = now;
  loads_[server].aside.take_back();
}

Seconds Pool::step() const { return plan_.slow_start / kRampSteps; }

// From a twentieth to the whole, in steps.
double Pool::ramp_of(const State& state, base::Time now) const {
  const double passed = Seconds(now - state.since) / plan_.slow_start;
  if (!state.starting || passed >= 1) return 1;
  return std::max(kFirstStep, std::floor(passed * kRampSteps) / kRampSteps);
}

void Pool::publish(base::Time now) {
  double weight_sum = 0;
  ramping_ = false;
  for (std::uint32_t i = 0; i < size(); ++i) {
    State& state = states_[i];
    policy::Server& server = servers_[i];
    const double ramp = ramp_of(state, now);
    if (ramp == 1) state.starting = false;
    ramping_ = ramping_ || (serving(i) && state.starting);
    // The table of hash gives each server its keys by the configured weight; slow start is in the share alone.
    const double weight = plan_.kind == policy::Kind::hash ? kWeight : std::max(1.0, kWeight * ramp);
    server.weight = serving(i) ? static_cast<std::uint32_t>(weight) : 0;
    server.accept_rate = policy::AcceptRate::per_second(plan_.accepts_per_second_max * ramp, 50);
    weight_sum += server.weight;
  }
  set_shares(now, weight_sum);
  if (plan_.kind == policy::Kind::hash) build_table();
  for (auto& policy : policies_) policy->changed(view());
}

void Pool::set_shares(base::Time now, double weight_sum) {
  for (std::uint32_t i = 0; i < size(); ++i) {
    policy::Server& server = servers_[i];
    server.share = policy::kWholeShare;
    if (!states_[i].starting || plan_.ramp == Plan::Ramp::weight_only) continue;
    const double ramp = ramp_of(states_[i], now);
    const double share = plan_.kind == policy::Kind::hash ? ramp : server.weight / weight_sum;
    server.share = static_cast<std::uint32_t>(share * policy::kWholeShare);
  }
}

void Pool::build_table() {
  std::vector<policy::MaglevTable::Entry> entries;
  for (std::uint32_t i = 0; i < size(); ++i) entries.push_back({base::mix(i + 1), states_[i].configured ? kWeight : 0});
  table_ = policy::MaglevTable::build(entries, table_.get());
}

policy::View Pool::view() const {
  return {.servers = servers_, .table = table_.get(), .connections = &total_, .load_bound = plan_.load_bound};
}

std::optional<std::uint32_t> Pool::choose(std::uint32_t worker, const policy::Request& request) {
  return policies_[worker]->choose(view(), request);
}

bool Pool::take_accept(std::uint32_t server, base::Time now) {
  return loads_[server].accepts.try_take(now, servers_[server].accept_rate);
}

bool Pool::over_bound(std::uint32_t server, base::Time now) const {
  if (plan_.load_bound == 0) return false;
  double weight_sum = 0;
  for (const policy::Server& each : servers_) weight_sum += each.load->aside.holds(now) ? 0 : each.weight;
  const double part = servers_[server].weight / weight_sum;
  return count(server) + 1 > std::ceil(plan_.load_bound * (total_ + 1) * part);
}

void Pool::connect(std::uint32_t server) {
  ++loads_[server].connections;
  ++total_;
}

void Pool::disconnect(std::uint32_t server) {
  --loads_[server].connections;
  --total_;
}

}  // namespace holdfast::day
