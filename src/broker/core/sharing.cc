// Shared subscriptions: who of a group gets a message. The rest of Shard is in shard.cc.
//
// The shard of the publisher picks a member of its own, or another shard, which then picks among its members.
#include <utility>

#include "broker/core/shard.h"

namespace holdfast::broker {

std::uint64_t Shard::group_key(std::string_view name, std::string_view filter) const noexcept {
  return keyed_hash(settings_.hash_key, name) * 31 + keyed_hash(settings_.hash_key, filter);
}

// The name that a client gives has no slash.
//= MQTT5 [MQTT-4.8.2-2]
std::string Shard::group_name(const Place& place, std::string_view share_name) {
  std::string name(share_name);
  if (!place.mountpoint.view().empty()) name.append("/").append(place.mountpoint.view());
  return name;
}

std::string_view Shard::mountpoint_of(ShareGroups::Group group) const noexcept {
  const std::string_view name = groups_.name(group);
  const std::size_t slash = name.find('/');
  return slash == std::string_view::npos ? std::string_view() : name.substr(slash + 1);
}

void Shard::join(std::uint32_t at, std::string_view share_name, std::string_view filter,
                 const SubscriptionOptions& options) {
  const Place& place = places_[at];
  const ShareGroups::Joined joined = groups_.join(group_name(place, share_name), filter,
                                                  {.subscription = {.subscriber = at, .options = options},
                                                   .key = keyed_hash(settings_.hash_key, place.session.client_id()),
                                                   .presence = place.client ? Presence::online : Presence::offline});
  if (joined.is_new) know_group(joined.group);
  if (!joined.is_new_member) return;
  tell_group(joined.group);
  if (place.client && !joined.is_new) wake(joined.group);
}

void Shard::part_from(std::uint32_t at, std::string_view share_name, std::string_view filter) {
  const std::string name = group_name(places_[at], share_name);
  const std::optional<ShareGroups::Group> group = groups_.find(name, filter);
  if (!group) return;
  places_[at].session.keep_shared(*group);
  const ShareGroups::Left left = groups_.leave(*group, at);
  if (left == ShareGroups::Left::left) return tell_group(*group);
  if (left == ShareGroups::Left::gone) {
    forget_group(*group, name, filter);
    tell_group(name, filter, {});
  }
}

// The group takes its place in the tree, as one subscriber.
void Shard::know_group(ShareGroups::Group group) {
  group_keys_[group_key(groups_.name(group), groups_.filter(group))] = group;
  (void)group_tree_.add(groups_.filter(group), kGroupBit | group, {});
}

void Shard::forget_group(ShareGroups::Group group, std::string_view name, std::string_view filter) {
  group_keys_.erase(group_key(name, filter));
  busy_groups_.erase(group);
  woken_.erase(group);
  (void)group_tree_.remove(filter, kGroupBit | group);
}

void Shard::tell_group(ShareGroups::Group group) {
  tell_group(groups_.name(group), groups_.filter(group), groups_.counts_here(group));
}

void Shard::tell_group(std::string_view name, std::string_view filter, const ShareGroups::Counts& counts) {
  if (settings_.shards > 1) mail_all(GroupCount{std::string(name), std::string(filter), counts});
}

// How much is under way changes with every message; the other shards hear of it now and then.
void Shard::tell_busy_groups() {
  for (const ShareGroups::Group group : busy_groups_) tell_group(group);
  busy_groups_.clear();
}

void Shard::on_group(unsigned from, const GroupCount& told) {
  const std::optional<ShareGroups::Group> before = groups_.find(told.group, told.filter);
  const std::uint32_t were_online = before ? groups_.counts_of(*before, from).online : 0;
  const ShareGroups::Told result = groups_.tell(told.group, told.filter, from, told.counts);
  // Its last one has gone. It may not have known that somebody is here, and have kept what that one had.
  const bool has_left = were_online > 0 && told.counts.online == 0;
  if (before && has_left && !result.is_gone && groups_.counts_here(*before).online > 0) {
    woken_.insert(*before);
    has_woken_ = true;
  }
  if (result.is_new && result.group) know_group(*result.group);
  if (result.is_gone && before) forget_group(*before, told.group, told.filter);
}

// Calls visit(Group) for each group that the session is a member of.
template <typename Visit>
void Shard::for_each_group(const Place& place, Visit&& visit) const {
  for (const SubscriptionEntry& entry : place.session.subscriptions()) {
    const ShareRead share = parse_share(entry.filter.view());
    if (share.form != ShareRead::Form::shared) continue;
    if (const auto group = groups_.find(group_name(place, share.group), mounted(place, share.filter))) visit(*group);
  }
}

// A member is passed over while it is away.
void Shard::set_presence(std::uint32_t at, Presence presence) {
  for_each_group(places_[at], [&](ShareGroups::Group group) {
    groups_.set_presence(group, at, presence);
    tell_group(group);
    if (presence == Presence::online) wake(group);
  });
}

void Shard::deliver_to_group(const MessageRef& message, ShareGroups::Group group, base::Time now) {
  const ShareGroups::Pick pick = groups_.pick(group, draw_of(*message));
  switch (pick.kind) {
    case ShareGroups::Pick::Kind::nobody: return counters_.no_member.add();
    case ShareGroups::Pick::Kind::member: return deliver_to(message, pick.subscription, group, now);
    case ShareGroups::Pick::Kind::worker:
      picks_[pick.worker].push_back(group_key(groups_.name(group), groups_.filter(group)));
  }
}

// Another shard has picked this one. Its members may have gone meanwhile: then another shard, that has said since that
// it has some. What this shard then says of itself comes there before the message, so it does not come back.
void Shard::deliver_to_group_from_elsewhere(const MessageRef& message, std::uint64_t key, base::Time now) {
  const auto found = group_keys_.find(key);
  if (found == group_keys_.end()) return counters_.no_member.add();
  using Kind = ShareGroups::Pick::Kind;
  const ShareGroups::Group group = found->second;
  ShareGroups::Pick pick = groups_.pick_here(group, draw_of(*message));
  if (pick.kind == Kind::nobody || pick.presence == Presence::offline) {
    const ShareGroups::Pick other = groups_.pick(group, draw_of(*message));
    if (pick.kind == Kind::nobody || other.presence == Presence::online) pick = other;
  }
  switch (pick.kind) {
    case Kind::nobody: return counters_.no_member.add();
    case Kind::member: return deliver_to(message, pick.subscription, group, now);
    case Kind::worker: return mail_to_group(message, group, pick.worker);
  }
}

void Shard::mail_to_group(const MessageRef& message, ShareGroups::Group group, unsigned shard) {
  ports_.mail(
      shard,
      Forward{.message = message, .version = {}, .groups = {group_key(groups_.name(group), groups_.filter(group))}});
}

ShareGroups::Draw Shard::draw_of(const Message& message) const {
  return {.client_hash = base::mix(message.publisher()),
          .topic_hash = keyed_hash(settings_.hash_key, message.topic()),
          .tried = {}};
}

void Shard::deliver_to(const MessageRef& message, const Subscription& member, ShareGroups::Group group,
                       base::Time now) {
  Place& place = places_[member.subscriber];
  const SubscriptionOptions& options = member.options;
  const Delivery delivery{.qos = options.qos,
                          .retain = options.retain_as_published && message->retain(),
                          .share_group = group,
                          .subscription_ids = options.identifier == 0
                                                  ? std::span<const std::uint32_t>()
                                                  : std::span<const std::uint32_t>(&options.identifier, 1)};
  note(place, place.session.deliver(message, delivery, context(place, now)));
  note_in_flight(place.session, group);
}

void Shard::note_in_flight(const Session& session, ShareGroups::Group group) {
  if (settings_.share_strategy != ShareStrategy::least_inflight) return;
  groups_.set_in_flight(group, place_of(session), session.inflight() + session.queued());
  if (settings_.shards > 1) busy_groups_.insert(group);
}

ShareGroups::Pick Shard::pick_another(std::uint32_t at, const Message& message, ShareGroups::Group group, Stays stays) {
  const std::uint32_t tried[] = {at};
  ShareGroups::Draw draw = draw_of(message);
  draw.tried.members = tried;
  const ShareGroups::Pick pick = groups_.pick(group, draw);
  const bool may_have_it = stays == Stays::no || pick.presence == Presence::online;
  return may_have_it ? pick : ShareGroups::Pick{};
}

// The client has gone: what it had through groups and has not acknowledged goes to members that are there. Where there
// are none it waits for this one, or when its session ends, for whichever member comes back.
//= MQTT5 [MQTT-4.8.2-5]
void Shard::redistribute(std::uint32_t at, Stays stays, base::Time now) {
  bool is_member = false;
  for_each_group(places_[at], [&](ShareGroups::Group /*group*/) { is_member = true; });
  if (!is_member) return;
  using Kind = ShareGroups::Pick::Kind;
  struct Going {
    MessageRef message;
    ShareGroups::Group group = 0;
    ShareGroups::Pick to;
  };
  std::vector<Going> going;
  std::size_t taken = 0;
  places_[at].session.take_shared(
      *this,
      [&](const Message& message, std::uint32_t group) {
        const ShareGroups::Pick pick = pick_another(at, message, group, stays);
        if (pick.kind != Kind::nobody) going.push_back({{}, group, pick});
        return pick.kind != Kind::nobody;
      },
      [&](MessageRef message, std::uint32_t /*group*/) { going[taken++].message = std::move(message); });
  for (const Going& each : going) {
    if (each.to.kind == Kind::worker) {
      mail_to_group(each.message, each.group, each.to.worker);
    } else {
      deliver_to(each.message, each.to.subscription, each.group, now);
    }
  }
}

// Somebody has come: the first, or one beside others who have what there was.
void Shard::wake(ShareGroups::Group group) {
  if (groups_.online(group) != 1) return;
  woken_.insert(group);
  has_woken_ = true;
}

void Shard::take_what_waits(base::Time now) {
  has_woken_ = false;
  if (woken_.empty()) return;
  for (const ShareGroups::Group group : std::exchange(woken_, {})) take_what_waits(group, now);
}

void Shard::take_what_waits(ShareGroups::Group group, base::Time now) {
  if (groups_.counts_here(group).online == 0) return;
  Room room = room_of(group);
  if (room.messages == 0 || give_what_waits(group, number_, room, now) == Rest::some) {
    woken_.insert(group);
    return;
  }
  const std::vector<ShareGroups::Worker> others = groups_.workers_with_absent(group);
  if (others.empty()) return;
  const auto count = static_cast<std::uint32_t>(others.size());
  if (room.messages < count) {  // when what has come is taken
    woken_.insert(group);
    return;
  }
  const std::uint64_t key = group_key(groups_.name(group), groups_.filter(group));
  for (const ShareGroups::Worker worker : others) {
    ports_.mail(worker, GroupRoom{.key = key, .messages = room.messages / count, .bytes = room.bytes / count});
  }
}

// Whichever member here will be picked.
Shard::Room Shard::room_of(ShareGroups::Group group) {
  Room room{.messages = ~0U, .bytes = ~std::uint64_t{0}};
  groups_.for_each_member(group, Presence::online, [&](std::uint32_t at) {
    const Session& session = places_[at].session;
    const SessionLimits& limits = session.limits();
    room.messages = session.queued() > 0 ? 0 : std::min(room.messages, limits.queue_length_max);
    room.bytes = std::min(room.bytes, limits.queue_bytes_max);
  });
  return room;
}

// One message goes however large it is, so that it keeps nobody waiting.
Shard::Rest Shard::give_what_waits(ShareGroups::Group group, unsigned to, Room& room, base::Time now) {
  std::vector<std::uint32_t> away;
  groups_.for_each_member(group, Presence::offline, [&](std::uint32_t at) { away.push_back(at); });
  std::vector<MessageRef> going;
  std::uint32_t chosen = 0;
  std::uint64_t bytes = 0;
  Rest rest = Rest::none;
  const auto fits = [&](const Message& message, std::uint32_t share_group) {
    if (share_group != group) return false;
    const bool is_full = chosen >= room.messages || (chosen > 0 && bytes + message.bytes() > room.bytes);
    if (is_full) rest = Rest::some;
    if (rest == Rest::some) return false;
    ++chosen;
    bytes += message.bytes();
    return true;
  };
  const auto take = [&](MessageRef message, std::uint32_t /*group*/) { going.push_back(std::move(message)); };
  for (const std::uint32_t at : away) places_[at].session.take_shared(*this, fits, take);
  room.messages -= chosen;
  room.bytes -= std::min(room.bytes, bytes);
  for (const MessageRef& message : going) {
    if (to != number_) {
      mail_to_group(message, group, to);
    } else {
      deliver_to(message, groups_.pick_here(group, draw_of(*message)).subscription, group, now);
    }
  }
  return rest;
}

void Shard::on_group_room(unsigned from, const GroupRoom& told, base::Time now) {
  const auto found = group_keys_.find(told.key);
  if (found == group_keys_.end()) return;
  Room room{.messages = told.messages, .bytes = told.bytes};
  if (give_what_waits(found->second, from, room, now) == Rest::some) ports_.mail(from, GroupRest{told.key});
}

void Shard::on_group_rest(const GroupRest& told) {
  const auto found = group_keys_.find(told.key);
  if (found != group_keys_.end()) woken_.insert(found->second);
}

}  // namespace holdfast::broker
