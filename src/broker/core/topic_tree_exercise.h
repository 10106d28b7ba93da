// broker/core/topic_tree_exercise.h: a topic tree beside a map from filter to subscribers. See tree_exercise.h.
#pragma once

#include <map>
#include <set>
#include <string>
#include <utility>

#include "broker/core/topic_tree.h"
#include "broker/core/tree_exercise.h"

namespace holdfast::broker {

class TopicTreeExercise {
 public:
  // Few bits of hash, so that they collide.
  explicit TopicTreeExercise(Choices& choices)
      : choices_(choices), tree_(HashKey{choices.below(256), 7}, choices.of({2U, 4U, 9U, 32U})) {}

  void run() {
    while (!choices_.is_done()) {
      switch (choices_.below(8)) {
        case 0:
        case 1:
        case 2: add(some_filter(choices_), choices_.below(6)); break;
        case 3:
        case 4: remove(some_filter(choices_), choices_.below(6)); break;
        case 5:
          if (choices_.one_in(4)) crowd(some_filter(choices_));
          break;
        default: match(some_topic(choices_)); break;
      }
    }
    walk();
    while (!model_.empty()) remove(model_.begin()->first, model_.begin()->second.begin()->first);
    demand(tree_.filters() == 0 && tree_.subscriptions() == 0, "not empty");
    tree_.match("a", [](std::string_view, const Subscription&) { demand(false, "an empty tree matches"); });
  }

 private:
  using Found = std::multiset<std::pair<std::uint32_t, std::uint32_t>>;  // subscriber and identifier

  void add(const std::string& filter, std::uint32_t subscriber) {
    const SubscriptionOptions options{.qos = static_cast<Qos>(choices_.below(3)),
                                      .no_local = choices_.one_in(2),
                                      .retain_as_published = choices_.one_in(2),
                                      .retain_handling = static_cast<RetainHandling>(choices_.below(3)),
                                      .identifier = ++identifier_};
    const bool is_first = !model_.contains(filter);
    const bool is_there = !is_first && model_[filter].contains(subscriber);
    const Added added = tree_.add(filter, subscriber, options);
    demand(added == (is_first ? Added::first_of_filter : is_there ? Added::replaced : Added::new_subscriber), "add");
    subscriptions_ += is_there ? 0U : 1U;
    model_[filter][subscriber] = options;
    demand(tree_.filters() == model_.size() && tree_.subscriptions() == subscriptions_, "sizes");
  }
  void remove(std::string filter, std::uint32_t subscriber) {
    const auto found = model_.find(filter);
    const bool is_there = found != model_.end() && found->second.erase(subscriber) != 0;
    const bool is_last = is_there && found->second.empty();
    const Removed removed = tree_.remove(filter, subscriber);
    demand(removed == (is_last ? Removed::last_of_filter : is_there ? Removed::one : Removed::none), "remove");
    if (is_there) --subscriptions_;
    if (is_last) model_.erase(found);
    demand(tree_.filters() == model_.size() && tree_.subscriptions() == subscriptions_, "sizes");
  }
  // So many that they are indexed, and then fewer again.
  void crowd(const std::string& filter) {
    const std::uint32_t count = 20 + choices_.below(60);
    for (std::uint32_t i = 0; i < count; ++i) add(filter, 100 + i);
    match(some_topic(choices_));
    for (std::uint32_t i = 0; i < count; ++i) {
      if (!choices_.one_in(10)) remove(filter, 100 + (i * 7) % count);
    }
  }
  void match(const std::string& topic) {
    Found found;
    tree_.match(topic, [&](std::string_view, const Subscription& each) {
      found.emplace(each.subscriber, each.options.identifier);
      demand(is_known(each), "options");
    });
    Found wanted;
    for (const auto& [filter, subscribers] : model_) {
      if (!naive_matches(filter, topic)) continue;
      for (const auto& [subscriber, options] : subscribers) wanted.emplace(subscriber, options.identifier);
    }
    demand(found == wanted, "match");
  }
  [[nodiscard]] bool is_known(const Subscription& wanted) const {
    for (const auto& [filter, subscribers] : model_) {
      const auto found = subscribers.find(wanted.subscriber);
      if (found != subscribers.end() && found->second == wanted.options) return true;
    }
    return false;
  }
  // In steps of any size; between them others come and go.
  void walk() {
    std::map<std::string, std::set<std::uint32_t>> seen;
    const auto wanted = model_;
    for (TopicTree::Cursor at; !at.is_done;) {
      at = tree_.for_each(at, 1 + choices_.below(20), [&](std::string_view filter, const Subscription& each) {
        seen[std::string(filter)].insert(each.subscriber);
      });
      const std::string filter = some_filter(choices_);
      add(filter, 1'000);
      remove(filter, 1'000);
    }
    for (const auto& [filter, subscribers] : wanted) {
      for (const auto& [subscriber, options] : subscribers) demand(seen[filter].contains(subscriber), "walk");
    }
  }

  Choices& choices_;
  TopicTree tree_;
  std::map<std::string, std::map<std::uint32_t, SubscriptionOptions>> model_;
  std::size_t subscriptions_ = 0;
  std::uint32_t identifier_ = 0;
};

}  // namespace holdfast::broker
