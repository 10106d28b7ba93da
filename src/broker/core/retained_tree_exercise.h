// broker/core/retained_tree_exercise.h: a retained tree beside a map from topic to message. See tree_exercise.h.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>

#include "broker/core/retained_tree.h"
#include "broker/core/tree_exercise.h"

namespace holdfast::broker {

class RetainedTreeExercise {
 public:
  explicit RetainedTreeExercise(Choices& choices)
      : choices_(choices), keeps_removed_(choices.one_in(2)), tree_(HashKey{choices.below(256), 7}, limits()) {}

  void run() {
    while (!choices_.is_done()) {
      switch (choices_.below(8)) {
        case 0: put(some_topic(choices_), Payload::empty); break;
        case 1:
        case 2:
        case 3: put(some_topic(choices_), Payload::some); break;
        case 4: find(some_topic(choices_)); break;
        case 5: scan(some_filter(choices_)); break;
        case 6: fill(); break;
        default: pass_time(); break;
      }
    }
    scan("#");
    clear();
  }

 private:
  enum class Payload { empty, some };
  struct Stored {
    Version version;
    std::uint64_t number = 0;
    bool is_removed = false;
    base::Time expires = Message::kNever;
  };

  // Removed topics are kept for good or not at all: when they are forgotten is another test's.
  [[nodiscard]] RetainedLimits limits() const {
    return {.removed_max = 1'000'000,
            .removed_kept = keeps_removed_ ? std::chrono::hours(1'000'000) : std::chrono::hours(0)};
  }
  [[nodiscard]] bool is_expired(const Stored& stored) const { return !stored.is_removed && stored.expires <= now_; }

  void put(const std::string& topic, Payload payload) {
    Version version{++clock_, 0};
    if (choices_.one_in(4)) version = {choices_.below(static_cast<std::uint32_t>(clock_)), 1};
    const base::Time expires = choices_.one_in(3) ? now_ + std::chrono::seconds(choices_.below(8)) : Message::kNever;
    put(topic, payload, version, expires);
  }
  void put(const std::string& topic, Payload payload, const Version& version, base::Time expires) {
    const std::byte bytes[1]{};
    const auto old = model_.find(topic);
    const bool is_known = old != model_.end();
    const bool is_there = is_known && !old->second.is_removed;
    // What has expired may be there still, or not.
    const bool may_be_gone = is_known && is_expired(old->second);
    const auto got = tree_.put(Message::make({.id = {.number = ++number_},
                                              .retain = true,
                                              .expires = expires,
                                              .topic = topic,
                                              .payload = std::span(bytes).first(payload == Payload::some ? 1 : 0)}),
                               version, now_);
    changed_.insert(topic);
    using Put = RetainedTree::Put;
    if (got == Put::older) {
      demand(is_known && version <= old->second.version, "older than nothing");
      return;
    }
    demand(!is_known || may_be_gone || version > old->second.version, "an older one won");
    if (payload == Payload::empty) {
      demand(got == (is_there ? Put::removed : Put::nothing) || (may_be_gone && got == Put::nothing), "remove");
      if (is_known) model_.erase(old);
      if (keeps_removed_) model_[topic] = {version, number_, true, Message::kNever};
      return;
    }
    demand(got == (is_there ? Put::replaced : Put::stored) || (may_be_gone && got == Put::stored), "store");
    model_[topic] = {version, number_, false, expires};
  }
  [[nodiscard]] const Stored* alive(const std::string& topic) const {
    const auto found = model_.find(topic);
    const bool is_alive = found != model_.end() && !found->second.is_removed && !is_expired(found->second);
    return is_alive ? &found->second : nullptr;
  }
  void find(const std::string& topic) {
    const MessageRef found = tree_.find(topic, now_);
    const Stored* wanted = alive(topic);
    demand(static_cast<bool>(found) == (wanted != nullptr), "find");
    demand(!found || (found->id().number == wanted->number && found->topic() == topic), "another message");
  }
  // What is there all the time is met just once, whatever happens between the steps.
  void scan(const std::string& filter) {
    std::set<std::string> wanted;
    for (const auto& [topic, stored] : model_) {
      if (alive(topic) != nullptr && naive_matches(filter, topic)) wanted.insert(topic);
    }
    changed_.clear();
    std::set<std::string> seen;
    const bool is_disturbed = choices_.one_in(2);
    RetainedTree::Cursor cursor;
    std::string last;
    while (!cursor.is_done) {
      const std::size_t steps = 1 + choices_.below(8);
      const std::size_t taken = tree_.scan(filter, cursor, steps, now_, [&](const MessageRef& message) {
        const std::string topic(message->topic());
        demand(naive_matches(filter, topic), "scan");
        demand(alive(topic) != nullptr && alive(topic)->number == message->id().number, "not what is there");
        demand(seen.empty() || compare_topics(last, topic) < 0, "order");
        seen.insert(last = topic);
      });
      demand(taken <= steps, "more steps than allowed");
      if (is_disturbed && !choices_.is_done()) {
        put(some_topic(choices_), choices_.one_in(2) ? Payload::some : Payload::empty);
        if (choices_.one_in(4)) pass_time();
      }
    }
    for (const std::string& topic : wanted) {
      demand(seen.contains(topic) || changed_.contains(topic) || alive(topic) == nullptr, "missed");
    }
    if (!is_disturbed) demand(seen == wanted, "more than there is");
  }
  // So many that blocks of the order are split; most are gone again before long.
  void fill() {
    if (!choices_.one_in(8)) return;
    const std::uint32_t count = 200 + choices_.below(800);
    const std::string below = some_topic(choices_);
    for (std::uint32_t i = 0; i < count; ++i) {
      put(below + "/" + std::to_string(i * 7919 % count), Payload::some, {++clock_, 0},
          i % 16 == 0 ? Message::kNever : now_ + std::chrono::seconds(3));
    }
  }
  void pass_time() {
    now_ += std::chrono::seconds(choices_.below(4));
    (void)tree_.expire(1 + choices_.below(64), now_);
  }
  void clear() {
    now_ += std::chrono::hours(1);
    (void)tree_.expire(1 << 24, now_);
    (void)tree_.expire(1 << 24, now_);
    std::size_t alive_count = 0;
    for (const auto& [topic, stored] : model_) alive_count += alive(topic) != nullptr ? 1U : 0U;
    demand(tree_.size() == alive_count, "size");
    const auto all = model_;
    for (const auto& [topic, stored] : all) put(topic, Payload::empty, {++clock_, 0}, Message::kNever);
    demand(tree_.size() == 0 && tree_.bytes() == 0, "not empty");
    demand(keeps_removed_ || tree_.removed() == 0, "something is kept");
  }

  Choices& choices_;
  bool keeps_removed_;
  RetainedTree tree_;
  std::map<std::string, Stored> model_;
  std::set<std::string> changed_;
  base::Time now_{std::chrono::hours(1)};
  std::uint64_t clock_ = 0;
  std::uint64_t number_ = 0;
};

}  // namespace holdfast::broker
