#include "broker/core/filter_store.h"

#include <algorithm>
#include <cstring>
#include <new>

namespace holdfast::broker {
namespace {

constexpr std::uint32_t kManyMin = 4;
constexpr std::uint32_t kNowhere = ~0U;

}  // namespace

FilterStore::~FilterStore() {
  for (std::uint32_t i = 0; i < places(); ++i) {
    Record& record = at(i);
    if (record.text == nullptr) continue;
    if (record.is_many) ::operator delete(record.many);
    delete[] record.text;
  }
}

void FilterStore::grow() {
  const auto first = static_cast<std::uint32_t>(places());
  chunks_.push_back(std::make_unique<Record[]>(kChunk));
  for (std::uint32_t i = first + kChunk; i-- > first;) {
    at(i).next = free_;
    free_ = i;
  }
}

std::uint32_t FilterStore::add(std::string_view text, const Subscription& first) {
  if (free_ == kNone) grow();
  const std::uint32_t filter = free_;
  Record& record = at(filter);
  free_ = record.next;
  record = Record{};
  record.text = new char[text.size()];
  record.text_bytes = static_cast<std::uint16_t>(text.size());
  record.one = PackedSubscription(first);
  record.count = 1;
  std::memcpy(record.text, text.data(), text.size());
  text_bytes_ += text.size();
  ++size_;
  ++subscriptions_;
  return filter;
}

void FilterStore::release(std::uint32_t filter) noexcept {
  Record& record = at(filter);
  text_bytes_ -= record.text_bytes;
  delete[] record.text;
  record.text = nullptr;
  record.next = free_;
  free_ = filter;
  --size_;
}

FilterStore::Place* FilterStore::find_place(std::uint32_t filter, std::uint32_t subscriber) noexcept {
  const std::span<const PackedSubscription> all = subscribers(at(filter));
  return places_.find(place_hash(filter, subscriber), [&](const Place& place) {
    return place.position < all.size() && all[place.position].subscriber() == subscriber;
  });
}

std::uint32_t FilterStore::position_of(std::uint32_t filter, std::uint32_t subscriber) noexcept {
  Record& record = at(filter);
  if (record.is_indexed) {
    const Place* place = find_place(filter, subscriber);
    return place == nullptr ? kNowhere : place->position;
  }
  const std::span<const PackedSubscription> all = subscribers(record);
  const auto found = std::ranges::find(all, subscriber, &PackedSubscription::subscriber);
  return found == all.end() ? kNowhere : static_cast<std::uint32_t>(found - all.begin());
}

FilterStore::Put FilterStore::put(std::uint32_t filter, const Subscription& subscription) {
  const std::uint32_t position = position_of(filter, subscription.subscriber);
  if (position != kNowhere) {
    subscribers(at(filter))[position] = PackedSubscription(subscription);
    return Put::replaced;
  }
  append(filter, subscription);
  return Put::added;
}

void FilterStore::append(std::uint32_t filter, const Subscription& subscription) {
  Record& record = at(filter);
  const std::uint32_t capacity = record.is_many ? record.many->capacity : 1;
  if (record.count == capacity) set_capacity(record, std::max(kManyMin, capacity * 2));
  record.many->items()[record.count++] = PackedSubscription(subscription);
  ++subscriptions_;
  if (record.is_indexed) {
    places_.insert({place_hash(filter, subscription.subscriber), record.count - 1});
  } else if (record.count > kSearchedMax) {
    index(filter);
  }
}

FilterStore::Taken FilterStore::take(std::uint32_t filter, std::uint32_t subscriber) {
  Record& record = at(filter);
  const std::uint32_t position = position_of(filter, subscriber);
  if (position == kNowhere) return Taken::not_there;
  --subscriptions_;
  if (record.count == 1) return Taken::was_last;  // a single one is never in a block
  const std::span<PackedSubscription> all = subscribers(record);
  if (record.is_indexed) {
    places_.erase(find_place(filter, subscriber));
    if (position != all.size() - 1) find_place(filter, all.back().subscriber())->position = position;
  }
  all[position] = all.back();
  --record.count;
  if (record.is_indexed && record.count <= kSearchedMax / 2) forget_index(filter);
  if (record.count == 1) {
    set_capacity(record, 1);
  } else if (record.count * 4 <= record.many->capacity && record.many->capacity > kManyMin) {
    set_capacity(record, record.many->capacity / 2);
  }
  return Taken::taken;
}

void FilterStore::index(std::uint32_t filter) {
  Record& record = at(filter);
  record.is_indexed = true;
  const std::span<const PackedSubscription> all = subscribers(record);
  for (std::uint32_t i = 0; i < all.size(); ++i) places_.insert({place_hash(filter, all[i].subscriber()), i});
}

void FilterStore::forget_index(std::uint32_t filter) {
  Record& record = at(filter);
  for (const PackedSubscription& each : subscribers(record)) places_.erase(find_place(filter, each.subscriber()));
  record.is_indexed = false;
}

// Capacity 1 is the record itself.
void FilterStore::set_capacity(Record& record, std::uint32_t capacity) {
  const auto bytes = [](std::uint32_t of) { return sizeof(Many) + of * sizeof(PackedSubscription); };
  Many* const old = record.is_many ? record.many : nullptr;
  if (capacity == 1) {
    record.one = old->items()[0];
  } else {
    auto* const many = ::new (::operator new(bytes(capacity))) Many{capacity, 0};
    std::ranges::copy(subscribers(record), many->items());
    record.many = many;
    many_bytes_ += bytes(capacity);
  }
  record.is_many = capacity != 1;
  if (old == nullptr) return;
  many_bytes_ -= bytes(old->capacity);
  ::operator delete(old);
}

std::size_t FilterStore::memory_bytes() const noexcept {
  return chunks_.size() * kChunk * sizeof(Record) + chunks_.capacity() * sizeof(chunks_[0]) + places_.memory_bytes() +
         text_bytes_ + many_bytes_;
}

}  // namespace holdfast::broker
