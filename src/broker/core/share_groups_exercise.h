// broker/core/share_groups_exercise.h: share groups beside a map of members. See tree_exercise.h.
#pragma once

#include <algorithm>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "broker/core/share_groups.h"
#include "broker/core/tree_exercise.h"

namespace holdfast::broker {

class ShareGroupsExercise {
 public:
  explicit ShareGroupsExercise(Choices& choices)
      : choices_(choices),
        groups_({.key = HashKey{choices.below(256), 7},
                 .strategy = static_cast<ShareStrategy>(choices.below(6)),
                 .self = kSelf,
                 .seed = choices.below(256)}) {}

  void run() {
    while (!choices_.is_done()) {
      const Name name{choices_.of({"g", "h"}), choices_.of({"a/+", "b"})};
      const std::uint32_t subscriber = choices_.below(40);
      switch (choices_.below(8)) {
        case 0:
        case 1: join(name, subscriber); break;
        case 2: leave(name, subscriber); break;
        case 3: tell(name, choices_.of({0U, 1U, 63U})); break;
        case 4: change(name, subscriber); break;
        default: pick(name); break;
      }
      demand(groups_.size() == model_.size(), "groups");
    }
  }

 private:
  using Name = std::pair<std::string, std::string>;
  struct Model {
    ShareGroups::Group group = 0;
    std::map<std::uint32_t, Presence> members;
    std::map<ShareGroups::Worker, ShareGroups::Counts> elsewhere;
  };
  static constexpr ShareGroups::Worker kSelf = 5;

  void join(const Name& name, std::uint32_t subscriber) {
    const Presence presence = choices_.one_in(3) ? Presence::offline : Presence::online;
    const bool is_new = !model_.contains(name);
    const bool is_new_member = is_new || !model_[name].members.contains(subscriber);
    const auto joined = groups_.join(
        name.first, name.second,
        {.subscription = {subscriber, {.identifier = subscriber + 1}}, .key = subscriber * 77, .presence = presence});
    demand(joined.is_new == is_new && joined.is_new_member == is_new_member, "join");
    demand(is_new || model_[name].group == joined.group, "another group");
    model_[name].group = joined.group;
    model_[name].members[subscriber] = presence;
    demand(groups_.name(joined.group) == name.first && groups_.filter(joined.group) == name.second, "names");
  }
  void leave(const Name& name, std::uint32_t subscriber) {
    const auto found = model_.find(name);
    if (found == model_.end()) return;
    const bool is_there = found->second.members.erase(subscriber) != 0;
    const bool is_gone = is_there && drop_if_empty(found->second);
    const auto left = groups_.leave(found->second.group, subscriber);
    using Left = ShareGroups::Left;
    demand(left == (is_gone ? Left::gone : is_there ? Left::left : Left::not_there), "leave");
    if (is_gone) model_.erase(found);
  }
  static bool drop_if_empty(const Model& model) { return model.members.empty() && model.elsewhere.empty(); }

  void tell(const Name& name, ShareGroups::Worker worker) {
    const ShareGroups::Counts counts{choices_.below(3), choices_.below(2), choices_.below(5)};
    const bool has_none = counts.online + counts.offline == 0;
    const bool is_known = model_.contains(name);
    const auto told = groups_.tell(name.first, name.second, worker, counts);
    demand(told.group.has_value() == (is_known || !has_none), "tell");
    if (!told.group) return;
    Model& model = model_[name];
    demand(told.is_new == !is_known && (!is_known || *told.group == model.group), "told group");
    model.group = *told.group;
    model.elsewhere[worker] = counts;
    if (has_none) model.elsewhere.erase(worker);
    demand(told.is_gone == drop_if_empty(model), "gone");
    if (told.is_gone) model_.erase(name);
  }
  void change(const Name& name, std::uint32_t subscriber) {
    const auto found = model_.find(name);
    if (found == model_.end()) return;
    const Presence presence = choices_.one_in(2) ? Presence::offline : Presence::online;
    groups_.set_presence(found->second.group, subscriber, presence);
    groups_.set_in_flight(found->second.group, subscriber, choices_.below(10));
    const auto member = found->second.members.find(subscriber);
    if (member != found->second.members.end()) member->second = presence;
    const auto counts = groups_.counts_here(found->second.group);
    demand(counts.online == here(found->second, Presence::online, {}), "online");
    demand(counts.offline == here(found->second, Presence::offline, {}), "offline");
  }
  static std::uint32_t here(const Model& model, Presence presence, const ShareGroups::Tried& tried) {
    std::uint32_t count = 0;
    for (const auto& [subscriber, its] : model.members) {
      count += its == presence && std::ranges::find(tried.members, subscriber) == tried.members.end() ? 1U : 0U;
    }
    return count;
  }
  static std::uint32_t there(const Model& model, Presence presence, const ShareGroups::Tried& tried) {
    std::uint32_t count = 0;
    for (const auto& [worker, counts] : model.elsewhere) {
      if ((tried.workers >> worker & 1) == 0) count += presence == Presence::online ? counts.online : counts.offline;
    }
    return count;
  }

  void pick(const Name& name) {
    const auto found = model_.find(name);
    if (found == model_.end()) return;
    const Model& model = found->second;
    std::vector<std::uint32_t> tried;
    for (std::uint32_t count = choices_.below(4); count > 0; --count) tried.push_back(choices_.below(40));
    const ShareGroups::Draw draw{
        .client_hash = choices_.below(256),
        .topic_hash = choices_.below(256),
        .tried = {.members = tried, .workers = choices_.one_in(3) ? std::uint64_t{choices_.below(4)} : 0}};
    check(model, draw, groups_.pick(model.group, draw), there(model, Presence::online, draw.tried),
          there(model, Presence::offline, draw.tried));
    check(model, draw, groups_.pick_here(model.group, draw), 0, 0);
  }
  // The elsewhere counts are of those that could be picked.
  static void check(const Model& model, const ShareGroups::Draw& draw, const ShareGroups::Pick& pick,
                    std::uint32_t online_elsewhere, std::uint32_t offline_elsewhere) {
    const std::uint32_t online = here(model, Presence::online, draw.tried);
    const std::uint32_t offline = here(model, Presence::offline, draw.tried);
    const bool is_any_online = online + online_elsewhere > 0;
    using Kind = ShareGroups::Pick::Kind;
    if (pick.kind == Kind::nobody) {
      demand(!is_any_online && offline + offline_elsewhere == 0, "somebody was there");
    } else if (pick.kind == Kind::worker) {
      demand((draw.tried.workers >> pick.worker & 1) == 0, "a worker that was tried");
      const auto& counts = model.elsewhere.at(pick.worker);
      demand(is_any_online ? counts.online > 0 : counts.offline > 0, "a worker without such members");
      demand(online_elsewhere + offline_elsewhere > 0, "elsewhere");
    } else {
      const std::uint32_t subscriber = pick.subscription.subscriber;
      demand(std::ranges::find(draw.tried.members, subscriber) == draw.tried.members.end(), "who was tried");
      demand(model.members.at(subscriber) == (is_any_online ? Presence::online : Presence::offline), "presence");
      demand(pick.subscription.options.identifier == subscriber + 1, "options");
    }
  }

  Choices& choices_;
  ShareGroups groups_;
  std::map<Name, Model> model_;
};

}  // namespace holdfast::broker
