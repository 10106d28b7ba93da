// Changing what a gateway serves while it serves: first all that can fail, then all that cannot.
#include <algorithm>
#include <cstdlib>
#include <set>
#include <stdexcept>
#include <string_view>
#include <thread>

#include "gateway/gateway.h"

namespace holdfast::gateway {
namespace {

std::size_t worker_count(std::uint32_t configured) {
  const std::size_t count = configured > 0 ? configured : std::max(1U, std::thread::hardware_concurrency());
  return std::min(count, kWorkersMax);
}

std::vector<config::Pool> with_those_that_go(std::vector<config::Pool> wanted, const std::vector<config::Pool>& now) {
  std::set<std::string> names;
  for (const config::Pool& pool : wanted) names.insert(pool.name);
  for (const config::Pool& pool : now) {
    if (!names.contains(pool.name)) wanted.push_back(pool);
  }
  return wanted;
}

}  // namespace

std::unique_ptr<Prepared> Gateway::prepare(const config::Settings& wanted, RuntimeChanges runtime) {
  if (!started_) throw std::runtime_error("the process is still starting");
  if (drain_) throw std::runtime_error("the node is being drained");
  auto plan = std::make_unique<Prepared>(wanted, runtime, descriptors_);
  plan->made_after = changes_;
  plan_workers(*plan);
  plan_listeners(*plan);
  return plan;
}

void Gateway::apply(std::unique_ptr<Prepared> prepared) {
  if (prepared->made_after != changes_) std::abort();
  // New pools before the listeners that name them, and old ones gone only when none does any more.
  const std::vector<config::Pool> all = with_those_that_go(prepared->wanted.pools, settings_.pools);
  directory_.apply(all, prepared->runtime);
  const bool any_goes = all.size() > prepared->wanted.pools.size();
  commit(*prepared);
  if (!any_goes) return;
  directory_.apply(settings_.pools, RuntimeChanges::keep);
  name_no_pool_that_went();
}

// Listeners that were removed go on under their rules; nobody gets to a pool any more that has gone as well.
void Gateway::name_no_pool_that_went() {
  listeners_.for_each([this](KnownListener& listener) {
    if (listener.state == KnownListener::State::leaving) leave(listener);
  });
  publish();
}

void Gateway::plan_workers(Prepared& plan) {
  const std::size_t count = worker_count(plan.wanted.node.workers);
  while (workers_.size() + plan.workers.size() < count) {
    if (!descriptors_.take(Prepared::kWorkerDescriptors)) {
      throw std::runtime_error(
          "file descriptors: the limit of the process (LimitNOFILE) is too low for so many workers");
    }
    const std::size_t number = workers_.size() + plan.workers.size();
    std::unique_ptr<Worker>& place = plan.workers.emplace_back();  // what was taken is given back with it
    place = make_worker(number);
  }
}

void Gateway::plan_listeners(Prepared& plan) {
  const auto wanted = entry::entrances_of(plan.wanted.listeners);
  entry::BindPlanner planner(holders(), wanted, {workers_.size() + plan.workers.size(), descriptors_});
  std::size_t more = 0;
  for (const config::Listener& settings : plan.wanted.listeners) {
    if (listeners_.find(settings.name) == nullptr) ++more;
    plan.listeners.push_back({.settings = settings, .position = plan.listeners.size()});
    if (will_accept(settings.name, plan.runtime)) plan.listeners.back().binds = planner.plan(settings);
  }
  if (more <= listeners_.room(base::Clock::now())) return;
  throw std::runtime_error("listeners: there can be " + std::to_string(ListenerSlots::kListenersMax) +
                           ", with those that were removed lately and those that still have connections");
}

// Of one alone: the others stay as they are.
std::vector<entry::PlannedBind> Gateway::plan_binds(const config::Listener& settings) {
  const auto wanted = entry::entrances_of(settings_.listeners);
  entry::BindPlanner planner(holders(), wanted, {workers_.size(), descriptors_});
  return planner.plan(settings);
}

std::vector<entry::BindPlanner::Holder> Gateway::holders() const {
  std::vector<entry::BindPlanner::Holder> holders;
  listeners_.for_each([&holders](const KnownListener& listener) {
    holders.push_back({listener.name(), &listener.listening});
  });
  return holders;
}

void Gateway::commit(Prepared& plan) {
  ++changes_;
  settings_ = plan.wanted;
  process_.max_connections = settings_.node.max_connections > 0 ? settings_.node.max_connections : ~0U;
  // Before any listener is changed.
  for (PlannedListener& planned : plan.listeners) {
    for (entry::PlannedBind& bind : planned.binds) {
      if (bind.how == entry::PlannedBind::How::handed_on) listeners_.find(bind.from)->listening.hand_over(bind);
    }
  }
  for (PlannedListener& planned : plan.listeners) commit(planned, plan.runtime);
  std::set<std::string_view> wanted;
  for (const PlannedListener& planned : plan.listeners) wanted.insert(planned.settings.name);
  listeners_.for_each([&](KnownListener& listener) {
    if (!wanted.contains(listener.name())) leave(listener);
  });
  std::vector<std::unique_ptr<Worker>> workers = std::exchange(plan.workers, {});
  for (auto& worker : workers) add_worker(std::move(worker));
  publish();
}

bool Gateway::will_accept(const std::string& listener, RuntimeChanges runtime) const {
  const KnownListener* known = listeners_.find(listener);
  const bool is_drained = known != nullptr && known->state == KnownListener::State::draining;
  return !is_drained || runtime == RuntimeChanges::drop;
}

void Gateway::commit(PlannedListener& planned, RuntimeChanges runtime) {
  const bool accepts = will_accept(planned.settings.name, runtime);
  KnownListener& known = this->known(planned.settings);
  known.position = planned.position;
  if (accepts) {
    known.state = KnownListener::State::accepting;
    known.drain.reset();
    known.listening.adopt(std::move(planned.binds), known.number, entry::tcp_options(planned.settings));
  }
  known.settings = planned.settings;
  known.admission = known.admission ? std::make_shared<entry::Admission>(known.settings, *known.admission)
                                    : std::make_shared<entry::Admission>(known.settings, process_, seed_);
  known.pool = directory_.slot_of(known.settings.pool).value_or(kNoPool);
  make_rules(known);
}

KnownListener& Gateway::known(const config::Listener& settings) {
  if (KnownListener* known = listeners_.find(settings.name)) return *known;
  KnownListener& added = listeners_.open(base::Clock::now(), workers_.size());
  added.settings = settings;
  log_.name_listener(added.number, settings.name);
  return added;
}

// Its connections go on under the rules that they have; where its pool goes as well, nobody new gets there.
void Gateway::leave(KnownListener& known) {
  known.state = KnownListener::State::leaving;
  known.listening.stop();
  known.pool = directory_.slot_of(known.settings.pool).value_or(kNoPool);
  known.position = ~std::size_t{0};
  make_rules(known);
}

void Gateway::make_rules(KnownListener& known) {
  const config::Listener& from = known.settings;
  auto rules = std::make_shared<ListenerRules>();
  rules->pool = known.pool;
  rules->proxy_protocol = from.proxy_protocol;
  rules->proxy_protocol_timeout = config::milliseconds(from.proxy_protocol_timeout);
  rules->handshake_timeout = config::milliseconds(from.handshake_timeout);
  rules->idle_timeout = config::milliseconds(from.idle_timeout);
  rules->max_age = config::milliseconds(from.max_age);
  rules->max_age_jitter = from.max_age_jitter;
  rules->tcp = entry::tcp_options(from);
  rules->admission = known.admission;
  rules->slot = known.slot;
  rules->closing = closing_of(known);
  known.rules = std::move(rules);
}

ListenerClosing Gateway::closing_of(const KnownListener& known) const {
  const base::Time now = base::Clock::now();
  const auto closing = [now](const std::optional<Drain>& drain, CloseReason reason) {
    return drain ? ListenerClosing{drain->pace(now), drain->rate(), reason} : ListenerClosing{};
  };
  const ListenerClosing by_node = closing(drain_, CloseReason::node_drained);
  return by_node.pace == Closing::no ? closing(known.drain, CloseReason::listener_drained) : by_node;
}

void Gateway::publish() {
  auto next = std::make_shared<Listeners>();
  next->rules.resize(listeners_.size());
  next->verbosity = verbosity_;
  listeners_.for_each([&next](KnownListener& listener) {
    next->rules[listener.number] = listener.rules;
    for (const entry::Bind& bind : listener.listening.binds()) {
      next->sockets.insert(next->sockets.end(), bind.sockets.begin(), bind.sockets.end());
    }
  });
  snapshot_.publish(std::move(next));
  wakers_.wake_all();
}

}  // namespace holdfast::gateway
