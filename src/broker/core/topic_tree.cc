#include "broker/core/topic_tree.h"

#include <cstdlib>

namespace holdfast::broker {

// How a filter goes through the trie.
struct TopicTree::Shape {
  explicit Shape(const HashedTopic& filter) noexcept
      : is_exact(!has_wildcard(filter.text())),
        has_rest(filter.levels() > 0 && filter.level(filter.levels() - 1) == "#"),
        levels(filter.levels() - (has_rest ? 1 : 0)) {
    if (filter.levels() == 0) std::abort();
  }

  bool is_exact;
  bool has_rest;       // ends with `#`
  std::size_t levels;  // before the `#`
};

TopicTree::TopicTree(const HashKey& key, unsigned hash_bits) noexcept
    : key_(key),
      // The highest bits choose the part of a table, the lowest the slot in it: both ends are kept.
      hash_mask_(hash_bits >= 32 ? ~0U : ((1U << hash_bits / 2) - 1) | ~(~0U >> (hash_bits - hash_bits / 2))),
      plus_hash_(keyed_hash(key, "+")) {}

TopicTree::Node* TopicTree::node(std::uint64_t sum, std::size_t levels) noexcept {
  return levels == 0 ? &root_ : nodes_.find(slot_hash(sum));
}

std::uint32_t TopicTree::find(const HashedTopic& filter, const Shape& shape) const noexcept {
  const std::uint64_t sum = filter.sum(shape.levels);
  if (shape.is_exact) {
    const Exact* found =
        exact_.find(slot_hash(sum), [&](const Exact& each) { return filters_.text(each.filter) == filter.text(); });
    return found == nullptr ? kNone : found->filter;
  }
  const Node* at = const_cast<TopicTree*>(this)->node(sum, shape.levels);
  if (at == nullptr) return kNone;
  std::uint32_t each = shape.has_rest ? at->rest : at->here;
  while (each != kNone && filters_.text(each) != filter.text()) each = filters_.next(each);
  return each;
}

void TopicTree::link(std::uint32_t index, const HashedTopic& filter, const Shape& shape) {
  if (shape.is_exact) {
    exact_.insert({slot_hash(filter.sum(shape.levels)), index});
    return;
  }
  Node* at = &root_;
  std::uint64_t sum = 0;
  for (std::size_t level = 0; level < shape.levels; ++level) {
    ++(filter.level(level) == "+" ? at->plus : at->literal);
    sum += filter.hash(level);
    at = nodes_.find(slot_hash(sum));
    if (at == nullptr) at = &nodes_.insert({.hash = slot_hash(sum)});
  }
  std::uint32_t& first = shape.has_rest ? at->rest : at->here;
  filters_.set_next(index, first);
  first = index;
}

void TopicTree::unlink(std::uint32_t index, const HashedTopic& filter, const Shape& shape) {
  if (shape.is_exact) {
    exact_.erase(
        exact_.find(slot_hash(filter.sum(shape.levels)), [&](const Exact& each) { return each.filter == index; }));
    return;
  }
  Node* at = node(filter.sum(shape.levels), shape.levels);
  std::uint32_t* link = shape.has_rest ? &at->rest : &at->here;
  const std::uint32_t next = filters_.next(index);
  if (*link == index) {
    *link = next;
  } else {
    std::uint32_t before = *link;
    while (filters_.next(before) != index) before = filters_.next(before);
    filters_.set_next(before, next);
  }
  // From the end, so that a node that colliding paths share is looked up anew after each erasure.
  std::uint64_t sum = filter.sum(shape.levels);
  for (std::size_t level = shape.levels; level-- > 0;) {
    Node* child = nodes_.find(slot_hash(sum));
    if (child != nullptr && child->here == kNone && child->rest == kNone && child->literal == 0 && child->plus == 0) {
      nodes_.erase(child);
    }
    sum -= filter.hash(level);
    Node* parent = node(sum, level);
    --(filter.level(level) == "+" ? parent->plus : parent->literal);
  }
}

Added TopicTree::add(std::string_view filter, std::uint32_t subscriber, const SubscriptionOptions& options) {
  if (subscriber > kSubscriberMax || options.identifier > kIdentifierMax) std::abort();
  const HashedTopic hashed(filter, key_);
  const Shape shape(hashed);
  const std::uint32_t found = find(hashed, shape);
  if (found != kNone) {
    const auto put = filters_.put(found, {subscriber, options});
    return put == FilterStore::Put::added ? Added::new_subscriber : Added::replaced;
  }
  link(filters_.add(filter, {subscriber, options}), hashed, shape);
  return Added::first_of_filter;
}

Removed TopicTree::remove(std::string_view filter, std::uint32_t subscriber) {
  const HashedTopic hashed(filter, key_);
  if (hashed.levels() == 0) return Removed::none;
  const Shape shape(hashed);
  const std::uint32_t found = find(hashed, shape);
  if (found == kNone) return Removed::none;
  switch (filters_.take(found, subscriber)) {
    case FilterStore::Taken::not_there: return Removed::none;
    case FilterStore::Taken::taken: return Removed::one;
    case FilterStore::Taken::was_last: break;
  }
  unlink(found, hashed, shape);
  filters_.release(found);
  return Removed::last_of_filter;
}

std::size_t TopicTree::memory_bytes() const noexcept {
  return sizeof(*this) + filters_.memory_bytes() + exact_.memory_bytes() + nodes_.memory_bytes();
}

}  // namespace holdfast::broker
