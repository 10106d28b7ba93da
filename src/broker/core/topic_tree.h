// broker/core/topic_tree.h: the subscriptions of one shard, and who of them wants a topic.
//
// Thread: one owner. Nothing here throws, reads a clock or keeps a view of what it was given.
// Cost:   a filter without wildcards is found by its whole name, whatever else is subscribed. Filters with wildcards
//         are a trie: a match looks at each beginning of a filter that fits the topic once, and at nothing else. Each
//         filter found is compared with the topic, so no collision of hashes delivers anything. A match allocates
//         nothing. Among 100,000 filters with wildcards a topic of 5 levels takes about 0.5 us
//         (bench/broker_trees_bench.cc).
// Memory: a filter with its first subscriber costs 32 bytes and its text (the allocator rounds it up by 8 to 24);
//         without wildcards 11 to 21 more in a table; with wildcards 27 to 53 more for each beginning of it that no
//         other filter has. From the second subscriber on each costs 8 to 16, and 11 to 21 more where a filter has more
//         than 32. Places of filters that are gone are kept for others. Held by TopicTree.MemoryIsAsTheHeaderSays.
// Limits: kLevelsMax levels; 2^29 filters; kSubscriberMax. Who adds without end is limited where sessions are.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "broker/core/filter_store.h"
#include "broker/core/flat_table.h"
#include "broker/core/hashed_topic.h"
#include "broker/core/keyed_hash.h"
#include "broker/core/path.h"
#include "broker/core/subscription.h"

namespace holdfast::broker {

enum class Added : std::uint8_t { first_of_filter, new_subscriber, replaced };
enum class Removed : std::uint8_t { none, one, last_of_filter };

class TopicTree {
 public:
  // `hash_bits` under 32 makes hashes collide, for tests: everything stays right and becomes slow.
  explicit TopicTree(const HashKey& key, unsigned hash_bits = 32) noexcept;

  // `filter` must be valid, without "$share/GROUP/". A subscriber has one subscription on a filter: adding again puts
  // the new options in place of the old.
  //= MQTT5 [MQTT-3.8.4-3]
  //= MQTT311 [MQTT-3.8.4-3]
  Added add(std::string_view filter, std::uint32_t subscriber, const SubscriptionOptions& options);
  //= MQTT5 [MQTT-3.10.4-1]
  //= MQTT311 [MQTT-3.10.4-1]
  Removed remove(std::string_view filter, std::uint32_t subscriber);

  // Calls visit(std::string_view filter, const Subscription&) for each subscription that matches the topic, in no
  // order. A subscriber that has several matching filters is visited for each. `visit` must not change the tree.
  template <typename Visit>
  void match(const HashedTopic& topic, Visit&& visit) const;
  template <typename Visit>
  void match(std::string_view topic, Visit&& visit) const {
    match(HashedTopic(topic, key_), visit);
  }
  // For a HashedTopic that is used here and for others.
  [[nodiscard]] const HashKey& key() const noexcept { return key_; }

  // A walk over all subscriptions in steps, with changes between them: whatever is there all the time is met at least
  // once, and twice only where a filter has lost subscribers meanwhile.
  struct Cursor {
    std::uint32_t filter = 0;
    std::uint32_t left = 0;  // subscribers of it that are still to come; 0: all
    bool is_done = false;
  };
  // Looks at `count` places or a little more, empty ones too; calls visit(std::string_view filter, const
  // Subscription&).
  template <typename Visit>
  [[nodiscard]] Cursor for_each(Cursor from, std::size_t count, Visit&& visit) const;

  [[nodiscard]] std::size_t filters() const noexcept { return filters_.size(); }
  [[nodiscard]] std::size_t subscriptions() const noexcept { return filters_.subscriptions(); }
  // Everything that is owned, without the allocator's own overhead.
  [[nodiscard]] std::size_t memory_bytes() const noexcept;

 private:
  static constexpr std::uint32_t kNone = FilterStore::kNone;

  struct Exact {
    std::uint32_t hash = 0;
    std::uint32_t filter = kNone;
  };
  // A beginning of filters with wildcards. Counts are of filters that go on from here.
  struct Node {
    std::uint32_t hash = 0;
    std::uint32_t here = kNone;  // the filter that ends here
    std::uint32_t rest = kNone;  // the filter that goes on with `#`
    std::uint32_t literal = 0;   // filters that go on with a level of their own
    std::uint32_t plus = 0;      // filters that go on with `+`
  };
  struct Shape;

  // Which slot of the tables a path has. Never 0, which marks a free slot.
  [[nodiscard]] std::uint32_t slot_hash(std::uint64_t sum) const noexcept {
    const auto hash = static_cast<std::uint32_t>(base::mix(sum) >> 32) & hash_mask_;
    return hash == 0 ? 1 : hash;
  }
  [[nodiscard]] std::uint32_t find(const HashedTopic& filter, const Shape& shape) const noexcept;
  [[nodiscard]] Node* node(std::uint64_t sum, std::size_t levels) noexcept;
  void link(std::uint32_t index, const HashedTopic& filter, const Shape& shape);
  void unlink(std::uint32_t index, const HashedTopic& filter, const Shape& shape);

  template <typename Visit>
  void match_exact(std::uint32_t whole, const HashedTopic& topic, Visit& visit) const;
  template <typename Visit>
  void match_wildcards(const HashedTopic& topic, Visit& visit) const;

  HashKey key_;
  std::uint32_t hash_mask_;
  std::uint64_t plus_hash_;
  FilterStore filters_;
  FlatTable<Exact> exact_;
  FlatTable<Node> nodes_;
  Node root_;
};

template <typename Visit>
void TopicTree::match(const HashedTopic& topic, Visit&& visit) const {
  if (topic.levels() == 0) return;
  const std::uint32_t whole = slot_hash(topic.sum(topic.levels()));
  exact_.prefetch(whole);
  match_wildcards(topic, visit);
  match_exact(whole, topic, visit);
}

template <typename Visit>
void TopicTree::match_exact(std::uint32_t whole, const HashedTopic& topic, Visit& visit) const {
  const Exact* found =
      exact_.find(whole, [&](const Exact& each) { return filters_.text(each.filter) == topic.text(); });
  if (found != nullptr) filters_.visit(found->filter, visit);
}

// Depth first, with at most one way set aside for each level.
//= MQTT5 [MQTT-4.7.2-1]
//= MQTT311 [MQTT-4.7.2-1]
template <typename Visit>
void TopicTree::match_wildcards(const HashedTopic& topic, Visit& visit) const {
  const bool is_own = is_dollar(topic.text());
  const auto visit_chain = [&](std::uint32_t first, const Path& path, Path::End end) {
    for (std::uint32_t each = first; each != kNone; each = filters_.next(each)) {
      if (path.is_way_of(filters_.text(each), end)) filters_.visit(each, visit);
    }
  };
  Path path(topic);
  Path::Ways ways;
  for (std::optional<Path::Way> way = Path::Way{}; way; way = ways.take()) {
    path.follow(*way);
    const Node* at = way->levels == 0 ? &root_ : nodes_.find(slot_hash(way->sum));
    if (at == nullptr) continue;
    const bool may_be_wild = way->levels > 0 || !is_own;
    if (at->rest != kNone && may_be_wild) visit_chain(at->rest, path, Path::End::rest);
    if (way->levels == topic.levels()) {
      visit_chain(at->here, path, Path::End::here);
      continue;
    }
    if (at->plus != 0 && may_be_wild) {
      const std::uint64_t sum = way->sum + placed_hash(plus_hash_, way->levels);
      nodes_.prefetch(slot_hash(sum));
      ways.put_aside({sum, way->levels + 1, true});
    }
    if (at->literal != 0) ways.put_aside({way->sum + topic.hash(way->levels), way->levels + 1, false});
  }
}

template <typename Visit>
TopicTree::Cursor TopicTree::for_each(Cursor from, std::size_t count, Visit&& visit) const {
  for (std::size_t seen = 0; seen < count; ++seen) {
    if (from.filter >= filters_.places()) return {.filter = 0, .left = 0, .is_done = true};
    const std::size_t visited = filters_.visit_some(from.filter, from.left, count - seen, visit);
    if (from.left == 0) from = {.filter = from.filter + 1, .left = 0, .is_done = false};
    seen += visited == 0 ? 0 : visited - 1;
  }
  return from;
}

}  // namespace holdfast::broker
