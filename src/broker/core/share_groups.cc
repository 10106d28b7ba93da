#include "broker/core/share_groups.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <limits>
#include <utility>

#include "base/hash.h"

namespace holdfast::broker {
namespace {

constexpr std::uint32_t kNobody = ~0U;

bool was_tried(const ShareGroups::Tried& tried, std::uint32_t subscriber) noexcept {
  return std::ranges::find(tried.members, subscriber) != tried.members.end();
}
bool was_tried_worker(const ShareGroups::Tried& tried, ShareGroups::Worker worker) noexcept {
  return (tried.workers >> worker & 1) != 0;
}

std::uint32_t count_of(const ShareGroups::Counts& counts, Presence presence) noexcept {
  return presence == Presence::online ? counts.online : counts.offline;
}

// Weighted rendezvous: the highest score of all wins; each wins with the probability of its weight.
double score(std::uint64_t hash, std::uint64_t key, std::uint32_t weight) noexcept {
  const std::uint64_t mixed = base::mix(hash ^ base::mix(key + 1));
  const double drawn = (static_cast<double>(mixed >> 11) + 0.5) * 0x1p-53;  // in (0, 1)
  return -static_cast<double>(weight) / std::log(drawn);
}

}  // namespace

// Who may be picked, of one presence. `here` is how many of `first` ... are members here that were not tried.
struct ShareGroups::Choice {
  Group id;
  Record& group;
  const Draw& draw;
  Presence presence;
  std::uint32_t first = 0;  // of the members here
  std::uint32_t count = 0;
  std::uint32_t here = 0;                 // of these, how many were not tried
  std::uint64_t total = 0;                // with those of other workers
  mutable std::uint32_t least = kNobody;  // the least loaded member, once it was looked for

  Choice(Group group_id, Record& record, const Draw& for_draw, Presence of) noexcept
      : id(group_id), group(record), draw(for_draw), presence(of) {
    const auto members = static_cast<std::uint32_t>(group.members.size());
    first = presence == Presence::online ? 0 : group.online;
    count = presence == Presence::online ? group.online : members - group.online;
    here = count;
    if (!draw.tried.members.empty()) {
      for (std::uint32_t i = first; i < first + count; ++i) here -= is_tried(i) ? 1U : 0U;
    }
    total = here;
    for (const Elsewhere& each : group.elsewhere) total += weight(each);
  }

  [[nodiscard]] bool is_tried(std::uint32_t position) const noexcept {
    return was_tried(draw.tried, group.members[position].subscription.subscriber);
  }
  [[nodiscard]] std::uint32_t weight(const Elsewhere& each) const noexcept {
    return was_tried_worker(draw.tried, each.worker) ? 0 : count_of(each.counts, presence);
  }
  [[nodiscard]] bool is_member(std::uint32_t position) const noexcept {
    return position >= first && position - first < count && !is_tried(position);
  }
  // Of all places in a row, first those here: which one. Nobody elsewhere: null.
  [[nodiscard]] Elsewhere* at(std::uint64_t place) const noexcept {
    if (place < here) return nullptr;
    place -= here;
    for (Elsewhere& each : group.elsewhere) {
      if (place < weight(each)) return &each;
      place -= weight(each);
    }
    return nullptr;
  }
  // The first that was not tried from the `start`th on, in a ring. There must be one.
  [[nodiscard]] std::uint32_t member_from(std::uint32_t start) const noexcept {
    std::uint32_t i = start % count;
    while (is_tried(first + i)) i = (i + 1) % count;
    return first + i;
  }
};

ShareGroups::ShareGroups(const Settings& settings)
    : key_(settings.key), strategy_(settings.strategy), self_(settings.self), random_(settings.seed) {
  if (self_ >= kWorkersMax) std::abort();
}

// --- names and members ---

std::uint32_t ShareGroups::name_hash(std::string_view name, std::string_view filter) const noexcept {
  const auto hash = static_cast<std::uint32_t>(base::mix(keyed_hash(key_, name) + keyed_hash(key_, filter) * 3));
  return hash == 0 ? 1 : hash;
}

std::string_view ShareGroups::name(Group group) const noexcept {
  return std::string_view(groups_[group]->text).substr(0, groups_[group]->name_bytes);
}

std::string_view ShareGroups::filter(Group group) const noexcept {
  return std::string_view(groups_[group]->text).substr(groups_[group]->name_bytes + 1);
}

std::optional<ShareGroups::Group> ShareGroups::find(std::string_view name, std::string_view filter) const noexcept {
  const Named* found = names_.find(name_hash(name, filter), [&](const Named& named) {
    return this->name(named.group) == name && this->filter(named.group) == filter;
  });
  return found == nullptr ? std::nullopt : std::optional(found->group);
}

ShareGroups::Group ShareGroups::make(std::string_view name, std::string_view filter) {
  if (free_.empty()) {
    free_.push_back(static_cast<Group>(groups_.size()));
    groups_.emplace_back();
    if (groups_.size() > kGroupBit) std::abort();
  }
  const Group group = free_.back();
  free_.pop_back();
  groups_[group] = std::make_unique<Record>();
  Record& record = *groups_[group];
  record.text.reserve(name.size() + 1 + filter.size());
  record.text.append(name).append("/").append(filter);
  record.name_bytes = static_cast<std::uint32_t>(name.size());
  record.turn = random_.below(1U << 31);  // so that not every worker begins with the same one
  names_.insert({name_hash(name, filter), group});
  ++groups_alive_;
  return group;
}

bool ShareGroups::drop_if_empty(Group group) {
  if (!groups_[group]->members.empty() || !groups_[group]->elsewhere.empty()) return false;
  names_.erase(
      names_.find(name_hash(name(group), filter(group)), [&](const Named& named) { return named.group == group; }));
  groups_[group].reset();
  free_.push_back(group);
  --groups_alive_;
  return true;
}

ShareGroups::Place* ShareGroups::find_place(Group group, std::uint32_t subscriber) noexcept {
  const std::vector<Here>& members = groups_[group]->members;
  return places_.find(place_hash(group, subscriber), [&](const Place& place) {
    return place.position < members.size() && members[place.position].subscription.subscriber == subscriber;
  });
}

std::uint32_t ShareGroups::place_hash(Group group, std::uint32_t subscriber) noexcept {
  const auto hash = static_cast<std::uint32_t>(base::mix(std::uint64_t{group} << 32 | subscriber) >> 32);
  return hash == 0 ? 1 : hash;
}

void ShareGroups::swap_members(Group group, std::uint32_t a, std::uint32_t b) {
  if (a == b) return;
  std::vector<Here>& members = groups_[group]->members;
  // Looked for before they move: a place is recognised by who stands there.
  Place* const of_a = find_place(group, members[a].subscription.subscriber);
  Place* const of_b = find_place(group, members[b].subscription.subscriber);
  std::swap(of_a->position, of_b->position);
  std::swap(members[a], members[b]);
}

ShareGroups::Joined ShareGroups::join(std::string_view name, std::string_view filter, const Member& member) {
  const std::optional<Group> found = find(name, filter);
  Joined joined{.group = found ? *found : make(name, filter), .is_new = !found, .is_new_member = false};
  const std::uint32_t subscriber = member.subscription.subscriber;
  std::vector<Here>& members = groups_[joined.group]->members;
  if (Place* place = find_place(joined.group, subscriber)) {
    members[place->position].subscription = member.subscription;
    members[place->position].key = member.key;
  } else {
    joined.is_new_member = true;
    members.push_back({.subscription = member.subscription, .in_flight = 0, .key = member.key});
    places_.insert({place_hash(joined.group, subscriber), static_cast<std::uint32_t>(members.size() - 1)});
  }
  set_presence(joined.group, subscriber, member.presence);
  return joined;
}

ShareGroups::Left ShareGroups::leave(Group group, std::uint32_t subscriber) {
  set_presence(group, subscriber, Presence::offline);  // behind those online
  const Place* place = find_place(group, subscriber);
  if (place == nullptr) return Left::not_there;
  Record& record = *groups_[group];
  swap_members(group, place->position, static_cast<std::uint32_t>(record.members.size() - 1));
  places_.erase(find_place(group, subscriber));
  record.members.pop_back();
  if (record.stuck_to_member == subscriber) record.stuck_to_member.reset();
  return drop_if_empty(group) ? Left::gone : Left::left;
}

void ShareGroups::set_presence(Group group, std::uint32_t subscriber, Presence presence) {
  const Place* place = find_place(group, subscriber);
  if (place == nullptr) return;
  Record& record = *groups_[group];
  const bool is_online = place->position < record.online;
  if (is_online == (presence == Presence::online)) return;
  if (is_online) {
    swap_members(group, place->position, --record.online);
  } else {
    swap_members(group, place->position, record.online++);
  }
}

void ShareGroups::set_in_flight(Group group, std::uint32_t subscriber, std::uint32_t in_flight) {
  if (const Place* place = find_place(group, subscriber)) {
    groups_[group]->members[place->position].in_flight = in_flight;
  }
}

ShareGroups::Told ShareGroups::tell(std::string_view name, std::string_view filter, Worker worker,
                                    const Counts& counts) {
  if (worker >= kWorkersMax || worker == self_) std::abort();
  const bool has_none = counts.online == 0 && counts.offline == 0;
  const std::optional<Group> found = find(name, filter);
  if (!found && has_none) return {};
  const Group group = found ? *found : make(name, filter);
  std::vector<Elsewhere>& elsewhere = groups_[group]->elsewhere;
  const auto known = std::ranges::lower_bound(elsewhere, worker, {}, &Elsewhere::worker);
  const bool is_known = known != elsewhere.end() && known->worker == worker;
  if (is_known && has_none) {
    elsewhere.erase(known);
  } else if (is_known) {
    *known = {.worker = worker, .counts = counts, .given = 0};
  } else if (!has_none) {
    elsewhere.insert(known, {.worker = worker, .counts = counts, .given = 0});
  }
  const bool is_gone = drop_if_empty(group);
  return {.group = group, .is_new = !found, .is_gone = is_gone};
}

ShareGroups::Counts ShareGroups::counts_here(Group group) const noexcept {
  const Record& record = *groups_[group];
  Counts counts{.online = record.online,
                .offline = static_cast<std::uint32_t>(record.members.size()) - record.online,
                .in_flight_least = 0};
  if (record.online == 0) return counts;
  counts.in_flight_least =
      std::ranges::min(std::span(record.members).first(record.online), {}, &Here::in_flight).in_flight;
  return counts;
}

ShareGroups::Counts ShareGroups::counts_of(Group group, Worker worker) const noexcept {
  for (const Elsewhere& each : groups_[group]->elsewhere) {
    if (each.worker == worker) return each.counts;
  }
  return {};
}

std::uint32_t ShareGroups::online(Group group) const noexcept {
  std::uint32_t online = groups_[group]->online;
  for (const Elsewhere& each : groups_[group]->elsewhere) online += each.counts.online;
  return online;
}

std::vector<ShareGroups::Worker> ShareGroups::workers_with_absent(Group group) const {
  std::vector<Worker> workers;
  for (const Elsewhere& each : groups_[group]->elsewhere) {
    if (each.counts.offline > 0) workers.push_back(each.worker);
  }
  return workers;
}

// --- picking ---

ShareGroups::Pick ShareGroups::pick(Group group, const Draw& draw) {
  Record& record = *groups_[group];
  for (const Presence presence : {Presence::online, Presence::offline}) {
    const Choice choice(group, record, draw, presence);
    if (choice.total == 0) continue;
    Elsewhere* const elsewhere = choose_worker(choice);
    if (elsewhere == nullptr) return picked(choice);
    ++elsewhere->given;
    return {.kind = Pick::Kind::worker, .subscription = {}, .worker = elsewhere->worker, .presence = presence};
  }
  return {};
}

ShareGroups::Pick ShareGroups::pick_here(Group group, const Draw& draw) {
  for (const Presence presence : {Presence::online, Presence::offline}) {
    const Choice choice(group, *groups_[group], draw, presence);
    if (choice.here > 0) return picked(choice);
  }
  return {};
}

ShareGroups::Pick ShareGroups::picked(const Choice& choice) {
  return {.kind = Pick::Kind::member,
          .subscription = choice.group.members[choose_member(choice)].subscription,
          .worker = self_,
          .presence = choice.presence};
}

// Who is offline has nothing under way that would tell.
ShareStrategy ShareGroups::strategy_for(const Choice& choice) const noexcept {
  const bool counts_in_flight = strategy_ == ShareStrategy::least_inflight;
  return counts_in_flight && choice.presence == Presence::offline ? ShareStrategy::round_robin : strategy_;
}

// Null: here.
ShareGroups::Elsewhere* ShareGroups::choose_worker(const Choice& choice) {
  if (choice.here == choice.total) return nullptr;
  switch (strategy_for(choice)) {
    case ShareStrategy::round_robin: return choice.at(choice.group.turn++ % choice.total);
    case ShareStrategy::random: return choice.at(random_.below(static_cast<std::uint32_t>(choice.total)));
    case ShareStrategy::sticky: return stick_to_worker(choice);
    case ShareStrategy::hash_client: return worker_of_hash(choice, choice.draw.client_hash);
    case ShareStrategy::hash_topic: return worker_of_hash(choice, choice.draw.topic_hash);
    case ShareStrategy::least_inflight: return least_loaded_worker(choice);
  }
  std::abort();
}

// There must be one.
std::uint32_t ShareGroups::choose_member(const Choice& choice) {
  switch (strategy_for(choice)) {
    case ShareStrategy::round_robin: return take_turn(choice, choice.member_from(choice.group.turn_here));
    case ShareStrategy::random: return choice.member_from(random_.below(choice.count));
    case ShareStrategy::sticky: return stick_to_member(choice);
    case ShareStrategy::hash_client: return member_of_hash(choice, choice.draw.client_hash);
    case ShareStrategy::hash_topic: return member_of_hash(choice, choice.draw.topic_hash);
    case ShareStrategy::least_inflight: return take_turn(choice, least_loaded_member(choice));
  }
  std::abort();
}

std::uint32_t ShareGroups::take_turn(const Choice& choice, std::uint32_t position) noexcept {
  choice.group.turn_here = position - choice.first + 1;
  return position;
}

ShareGroups::Elsewhere* ShareGroups::stick_to_worker(const Choice& choice) {
  Record& group = choice.group;
  if (group.stuck_to_worker == self_ && choice.here > 0) return nullptr;
  for (Elsewhere& each : group.elsewhere) {
    if (group.stuck_to_worker == each.worker && choice.weight(each) > 0) return &each;
  }
  Elsewhere* const chosen = choice.at(random_.below(static_cast<std::uint32_t>(choice.total)));
  group.stuck_to_worker = chosen == nullptr ? self_ : chosen->worker;
  return chosen;
}

std::uint32_t ShareGroups::stick_to_member(const Choice& choice) {
  Record& group = choice.group;
  const Place* stuck = group.stuck_to_member ? find_place(choice.id, *group.stuck_to_member) : nullptr;
  if (stuck != nullptr && choice.is_member(stuck->position)) return stuck->position;
  const std::uint32_t position = choice.member_from(random_.below(choice.count));
  group.stuck_to_member = group.members[position].subscription.subscriber;
  return position;
}

ShareGroups::Elsewhere* ShareGroups::worker_of_hash(const Choice& choice, std::uint64_t hash) const noexcept {
  Elsewhere* best = nullptr;
  double best_score = choice.here == 0 ? -1 : score(hash, self_, choice.here);
  for (Elsewhere& each : choice.group.elsewhere) {
    if (choice.weight(each) == 0) continue;
    const double its = score(hash, each.worker, choice.weight(each));
    if (its > best_score) {
      best = &each;
      best_score = its;
    }
  }
  return best;
}

std::uint32_t ShareGroups::member_of_hash(const Choice& choice, std::uint64_t hash) noexcept {
  std::uint32_t best = kNobody;
  std::uint64_t best_score = 0;
  for (std::uint32_t i = choice.first; i < choice.first + choice.count; ++i) {
    const std::uint64_t its = base::mix(hash ^ base::mix(choice.group.members[i].key));
    if ((best != kNobody && its <= best_score) || choice.is_tried(i)) continue;
    best = i;
    best_score = its;
  }
  return best;
}

// In turn among those who have the least, by how many members each has.
ShareGroups::Elsewhere* ShareGroups::least_loaded_worker(const Choice& choice) {
  const auto load = [](const Elsewhere& each) {
    return each.counts.in_flight_least + each.given / std::max(each.counts.online, 1U);
  };
  const std::uint32_t load_here =
      choice.here == 0 ? kNobody : choice.group.members[least_loaded_member(choice)].in_flight;
  std::uint32_t least = load_here;
  for (const Elsewhere& each : choice.group.elsewhere) {
    if (choice.weight(each) > 0) least = std::min(least, load(each));
  }
  std::uint64_t total = load_here == least ? choice.here : 0;
  const std::uint64_t least_here = total;
  for (const Elsewhere& each : choice.group.elsewhere) total += load(each) == least ? choice.weight(each) : 0;
  std::uint64_t place = choice.group.turn++ % total;
  if (place < least_here) return nullptr;
  place -= least_here;
  for (Elsewhere& each : choice.group.elsewhere) {
    const std::uint32_t weight = load(each) == least ? choice.weight(each) : 0;
    if (place < weight) return &each;
    place -= weight;
  }
  return nullptr;
}

std::uint32_t ShareGroups::least_loaded_member(const Choice& choice) noexcept {
  const std::uint32_t next = choice.group.turn_here % choice.count;
  if (choice.least != kNobody) return choice.least;
  const std::vector<Here>& members = choice.group.members;
  const auto look = [&](std::uint32_t from, std::uint32_t end) {
    for (std::uint32_t i = choice.first + from; i < choice.first + end; ++i) {
      if (choice.least != kNobody && members[i].in_flight >= members[choice.least].in_flight) continue;
      if (!choice.is_tried(i)) choice.least = i;
    }
  };
  look(next, choice.count);
  look(0, next);
  return choice.least;
}

std::size_t ShareGroups::memory_bytes() const noexcept {
  std::size_t bytes = sizeof(*this) + names_.memory_bytes() + places_.memory_bytes() +
                      groups_.capacity() * sizeof(groups_[0]) + free_.capacity() * sizeof(Group);
  for_each([&](Group group) {
    const Record& record = *groups_[group];
    bytes += sizeof(Record) + record.text.capacity() + record.members.capacity() * sizeof(Here) +
             record.elsewhere.capacity() * sizeof(Elsewhere);
  });
  return bytes;
}

}  // namespace holdfast::broker
