// Other listeners and other pools while connections live. The rest of Relays is in relays.cc.
#include <algorithm>

#include "gateway/relays.h"

namespace holdfast::gateway {
namespace {

bool same_limits(const ListenerRules& a, const ListenerRules& b) {
  return a.idle_timeout == b.idle_timeout && a.max_age == b.max_age && a.max_age_jitter == b.max_age_jitter;
}

// Whether a relay that lives has to be looked at; most changes are about those that will come.
bool concerns_the_living(const std::shared_ptr<const ListenerRules>& former,
                         const std::shared_ptr<const ListenerRules>& now) {
  if (!former || !now || former == now) return false;
  return !same_limits(*former, *now) || now->admission->counts_apart_from(*former->admission);
}

}  // namespace

// Every pool that the listeners name is among the pools at every instant, but the two are read one after the other:
// what fits is the pools that were read while the listeners stayed the same.
bool Relays::refresh() {
  bool has_listeners = listeners_.refresh();
  bool has_pools = pools_.refresh();
  while (listeners_.refresh()) {
    has_listeners = true;
    has_pools |= pools_.refresh();
  }
  if (has_listeners) take_listeners();  // first: whoever is closed next gives its places back by these rules
  if (has_pools) take_pools();
  if (has_listeners || has_pools) closings_.changed(pools_.get(), closing_listeners());
  if (waiting_ > 0) serve_lines();
  return has_listeners;
}

std::vector<ListenerToClose> Relays::closing_listeners() const {
  std::vector<ListenerToClose> closing;
  for (std::size_t i = 0; i < rules_.size(); ++i) {
    if (!rules_[i] || rules_[i]->closing.pace == Closing::no) continue;
    const auto& [pace, rate, reason] = rules_[i]->closing;
    const entry::Admission& admission = *rules_[i]->admission;
    policy::RateLimit& limit = reason == CloseReason::node_drained ? admission.node_closes() : admission.closes();
    closing.push_back({static_cast<std::uint16_t>(i), pace, reason, rate, &limit});
  }
  return closing;
}

// However many listeners change, the relays are looked at once, and only when it concerns them.
void Relays::take_listeners() {
  const auto former = std::exchange(rules_, listeners_.get().rules);
  counters_.assign(rules_.size(), nullptr);
  std::vector<bool> concerned(rules_.size());
  for (std::size_t i = 0; i < rules_.size(); ++i) {
    if (rules_[i]) counters_[i] = &rules_[i]->slot->counters(context_.number);
    concerned[i] = i < former.size() && concerns_the_living(former[i], rules_[i]);
  }
  if (std::ranges::find(concerned, true) == concerned.end()) return;
  relays_.for_each([&](base::Key key, Relay& relay) {
    if (concerned[relay.listener]) renew(key, relay, *former[relay.listener]);
  });
}

void Relays::renew(base::Key key, Relay& relay, const ListenerRules& former) {
  const ListenerRules& rules = this->rules(relay);
  const bool is_known = relay.stage > Relay::Stage::checking;  // who is not has no place yet
  if (is_known && rules.admission->counts_apart_from(*former.admission)) {
    const auto placed = relay.placed ? entry::Placed::yes : entry::Placed::no;
    relay.placed = rules.admission->move_place(relay.client, *former.admission, placed) == entry::Placed::yes;
  }
  if (relay.stage == Relay::Stage::relaying && !same_limits(former, rules)) arm_relaying(key, relay);
}

void Relays::take_pools() {
  const Pools& pools = pools_.get();
  chooser_.changed(pools);
  lines_.resize(std::max(lines_.size(), pools.pools.size()), WaitingLine(relays_));
  for (WaitingLine& line : lines_) --line.seen_freed;  // another view is a chance
  if (!note_pools()) return;
  relays_.for_each([this](base::Key key, Relay& relay) { leave_pool(key, relay); });
}

// True when one has gone.
bool Relays::note_pools() {
  const Pools& pools = pools_.get();
  bool any_has_gone = false;
  had_pool_.resize(pools.pools.size());
  for (std::size_t slot = 0; slot < pools.pools.size(); ++slot) {
    any_has_gone |= had_pool_[slot] && !pools.has(slot);
    had_pool_[slot] = pools.has(slot);
  }
  return any_has_gone;
}

// Between two attempts a relay is counted nowhere, and its pool may go meanwhile: its number will be another's.
void Relays::leave_pool(base::Key key, Relay& relay) {
  const bool seeks = relay.stage == Relay::Stage::connecting && relay.server == kNoServer;
  if (seeks && &pool(relay) == &no_pool_) end(key, relay, CloseReason::no_server);
}

}  // namespace holdfast::gateway
