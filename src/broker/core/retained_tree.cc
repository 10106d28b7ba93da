#include "broker/core/retained_tree.h"

#include <algorithm>

#include "broker/core/retained_walk.h"
#include "broker/core/topic.h"

namespace holdfast::broker {

RetainedTree::RetainedTree(const HashKey& key, const RetainedLimits& limits) : key_(key), limits_(limits) {}

std::string_view RetainedTree::name(std::uint32_t topic) const noexcept {
  return const_cast<RetainedTree*>(this)->records_[topic].message->topic();
}

std::uint32_t RetainedTree::slot_hash(std::string_view topic) const noexcept {
  const auto hash = static_cast<std::uint32_t>(keyed_hash(key_, topic));
  return hash == 0 ? 1 : hash;
}

RetainedTree::Slot* RetainedTree::find_slot(std::string_view topic) noexcept {
  return slots_.find(slot_hash(topic), [&](const Slot& slot) { return name(slot.record) == topic; });
}

RetainedTree::Put RetainedTree::put(MessageRef message, const Version& version, base::Time now) {
  forget_removed(now);
  Slot* slot = find_slot(message->topic());
  if (slot != nullptr && version <= records_[slot->record].version()) return Put::older;
  return message->payload().empty() ? remove(std::move(message), version, now, slot)
                                    : store(std::move(message), version, slot);
}

RetainedTree::Put RetainedTree::store(MessageRef message, const Version& version, Slot* slot) {
  Record* const old = slot == nullptr ? nullptr : &records_[slot->record];
  const bool is_replacing = old != nullptr && !old->is_removed;
  const std::size_t freed = is_replacing ? old->message->bytes() : 0;
  if (!is_replacing && size() >= limits_.messages_max) return Put::too_many;
  // Replacing by something smaller is never refused: limits may have come down.
  if (message->bytes() > freed && bytes_ - freed + message->bytes() > limits_.bytes_max) return Put::too_large;

  bytes_ = bytes_ - freed + message->bytes();
  if (old != nullptr) {
    if (old->is_removed) removed_bytes_ -= old->message->bytes();
    *old = {std::move(message), version.clock, version.node, false};
    if (!is_replacing) order_.insert(slot->record, *this);
  } else {
    const std::uint32_t hash = slot_hash(message->topic());
    const std::uint32_t index = records_.add(Record{std::move(message), version.clock, version.node, false}).index;
    slots_.insert({hash, index});
    order_.insert(index, *this);
  }
  forget_removed_beyond_limits();
  return is_replacing ? Put::replaced : Put::stored;
}

RetainedTree::Put RetainedTree::remove(MessageRef message, const Version& version, base::Time now, Slot* slot) {
  const bool is_kept = limits_.removed_max > 0 && limits_.removed_kept > base::Duration::zero();
  if (slot == nullptr && !is_kept) return Put::nothing;
  bool was_there = false;
  std::uint32_t index = 0;
  const std::size_t bytes = message->bytes();
  if (slot == nullptr) {
    const std::uint32_t hash = slot_hash(message->topic());
    index = records_.add(Record{std::move(message), version.clock, version.node, true}).index;
    slots_.insert({hash, index});
  } else {
    index = slot->record;
    Record& record = records_[index];
    was_there = !record.is_removed;
    if (was_there) order_.erase(index, *this);
    (was_there ? bytes_ : removed_bytes_) -= record.message->bytes();
    record = {std::move(message), version.clock, version.node, true};
  }
  removed_bytes_ += bytes;
  removals_.push_back({records_.key_of(index), version, now + limits_.removed_kept});
  forget_removed_beyond_limits();
  return was_there ? Put::removed : Put::nothing;
}

// The whole record, of a message or of a removal.
void RetainedTree::end(std::uint32_t index) {
  Record& record = records_[index];
  if (!record.is_removed) order_.erase(index, *this);
  (record.is_removed ? removed_bytes_ : bytes_) -= record.message->bytes();
  slots_.erase(slots_.find(slot_hash(record.message->topic()), [&](const Slot& slot) { return slot.record == index; }));
  records_.remove(records_.key_of(index));
}

void RetainedTree::forget_first_removal() {
  const Removal first = removals_.front();
  removals_.pop_front();
  // The topic may have come back meanwhile, or have been removed again.
  const Record* record = records_.find(first.record);
  if (record != nullptr && record->is_removed && record->version() == first.version) end(first.record.index);
}

void RetainedTree::forget_removed(base::Time now) {
  constexpr int kAtOnce = 4;  // more than come: one a put
  for (int i = 0; i < kAtOnce && !removals_.empty() && removals_.front().until <= now; ++i) forget_first_removal();
}

void RetainedTree::forget_removed_beyond_limits() {
  const bool is_kept = limits_.removed_kept > base::Duration::zero();
  while (!removals_.empty() &&
         (!is_kept || removals_.size() > limits_.removed_max || bytes_ + removed_bytes_ > limits_.bytes_max)) {
    forget_first_removal();
  }
}

//= MQTT5 [MQTT-3.3.2-5]
MessageRef RetainedTree::find(std::string_view topic, base::Time now) {
  Cursor cursor;
  std::size_t steps = 1;
  return next(topic, cursor, steps, now);
}

MessageRef RetainedTree::next(std::string_view filter, Cursor& cursor, std::size_t& steps, base::Time now) {
  while (!cursor.is_done && steps > 0) {
    --steps;
    const std::optional<std::uint32_t> found = has_wildcard(filter) ? step(filter, cursor) : step_to(filter, cursor);
    if (!found) continue;
    if (!records_[*found].message->is_expired(now)) return records_[*found].message;
    end(*found);
  }
  return {};
}

std::optional<std::uint32_t> RetainedTree::step_to(std::string_view topic, Cursor& cursor) noexcept {
  cursor.is_done = true;
  const Slot* slot = find_slot(topic);
  return slot == nullptr || records_[slot->record].is_removed ? std::nullopt : std::optional(slot->record);
}

std::optional<std::uint32_t> RetainedTree::step(std::string_view filter, Cursor& cursor) {
  if (!cursor.is_begun) begin_retained_walk(filter, cursor.from);
  cursor.is_begun = true;
  const TopicOrder::Place place = order_.seek(cursor.from, *this, cursor.near);
  if (order_.at_end(place)) {
    cursor.is_done = true;
    return std::nullopt;
  }
  cursor.near = place.block;
  const std::uint32_t topic = order_.at(place);
  const RetainedStep step = walk_retained(filter, name(topic), cursor.from);
  cursor.is_done = step.is_done;
  return step.is_match ? std::optional(topic) : std::nullopt;
}

std::size_t RetainedTree::expire(std::uint32_t places, base::Time now) {
  std::size_t removed = 0;
  const std::uint32_t capacity = records_.capacity();
  if (expire_at_ >= capacity) expire_at_ = 0;
  const std::uint32_t count = std::min(places, capacity - expire_at_);
  records_.for_each_of(expire_at_, count, [&](base::Key key, const Record& record) {
    if (record.is_removed || !record.message->is_expired(now)) return;
    end(key.index);
    ++removed;
  });
  expire_at_ += count;
  for (std::uint32_t i = 0; i < places && !removals_.empty() && removals_.front().until <= now; ++i) {
    forget_first_removal();
  }
  return removed;
}

std::size_t RetainedTree::memory_bytes() const noexcept {
  return sizeof(*this) + records_.memory_bytes() + slots_.memory_bytes() + order_.memory_bytes() +
         removals_.size() * sizeof(Removal);
}

}  // namespace holdfast::broker
