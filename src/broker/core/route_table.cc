#include "broker/core/route_table.h"

#include <algorithm>
#include <bit>
#include <cstdlib>

namespace holdfast::broker {
namespace {

constexpr RouteTable::Mask bit(RouteTable::Worker worker) noexcept { return RouteTable::Mask{1} << worker; }

// Bits at both ends, as FlatTable uses them.
constexpr std::uint64_t mask_of(unsigned bits) noexcept {
  return bits >= 64 ? ~std::uint64_t{0}
                    : ((std::uint64_t{1} << bits / 2) - 1) | ~(~std::uint64_t{0} >> (bits - bits / 2));
}

}  // namespace

RouteTable::RouteTable(const HashKey& key, unsigned hash_bits) noexcept
    : key_(key), hash_mask_(mask_of(hash_bits)), shape_seed_(keyed_hash(key, "#")) {}

RouteTable::Shape RouteTable::shape_of(const HashedTopic& filter) noexcept {
  if (filter.levels() == 0) std::abort();
  Shape shape;
  shape.has_rest = filter.level(filter.levels() - 1) == "#";
  shape.levels = static_cast<std::uint8_t>(filter.levels() - (shape.has_rest ? 1 : 0));
  for (std::size_t i = 0; i < shape.levels; ++i) {
    if (filter.level(i) == "+") shape.plus[i / 64] |= std::uint64_t{1} << i % 64;
  }
  return shape;
}

std::uint64_t RouteTable::fingerprint(const HashedTopic& topic, const LiveShape& live) const noexcept {
  std::uint64_t sum = live.hash;
  for (std::size_t i = 0; i < live.shape.levels; ++i) sum += live.shape.is_plus(i) ? 0 : topic.hash(i);
  // The number stands where FlatTable does not look for a place.
  constexpr unsigned kNumberAt = 40;
  constexpr std::uint64_t kNumberBits = std::uint64_t{kShapesMax - 1} << kNumberAt;
  const std::uint64_t hash = (base::mix(sum) & hash_mask_ & ~kNumberBits) | std::uint64_t{live.number} << kNumberAt;
  return hash == 0 ? 1 : hash;
}

RouteTable::LiveShape* RouteTable::find(const Shape& shape) noexcept {
  const auto found = std::ranges::find(shapes_, shape, &LiveShape::shape);
  return found == shapes_.end() ? nullptr : &*found;
}

RouteTable::LiveShape* RouteTable::make(const Shape& shape) {
  const auto number = static_cast<std::uint32_t>(std::countr_one(numbers_));
  numbers_ |= 1U << number;
  const std::uint64_t ends = shape.levels * 2U + (shape.has_rest ? 1U : 0U);
  const std::uint64_t hash = base::mix(base::mix(base::mix(shape_seed_ + shape.plus[0]) + shape.plus[1]) + ends);
  return &shapes_.emplace_back(LiveShape{shape, hash, 0, number});
}

void RouteTable::drop(LiveShape* live) noexcept {
  numbers_ &= ~(1U << live->number);
  *live = shapes_.back();
  shapes_.pop_back();
}

void RouteTable::add(std::string_view filter, Worker worker) {
  if (worker >= kWorkersMax) std::abort();
  const HashedTopic hashed(filter, key_);
  const Shape shape = shape_of(hashed);
  LiveShape* live = find(shape);
  if (live == nullptr && shapes_.size() == kShapesMax) return add_wide(shape, worker);
  if (live == nullptr) live = make(shape);
  ++live->filters;
  const std::uint64_t hash = fingerprint(hashed, *live);
  Route* route = routes_.find(hash);
  if (route == nullptr) route = &routes_.insert({.hash = hash, .workers = 0});
  if ((route->workers & bit(worker)) != 0) doubles_.push_back({hash, worker});
  route->workers |= bit(worker);
}

void RouteTable::remove(std::string_view filter, Worker worker) {
  const HashedTopic hashed(filter, key_);
  const Shape shape = shape_of(hashed);
  LiveShape* live = find(shape);
  const std::uint64_t hash = live == nullptr ? 0 : fingerprint(hashed, *live);
  Route* route = live == nullptr ? nullptr : routes_.find(hash);
  if (route == nullptr || (route->workers & bit(worker)) == 0) return remove_wide(shape, worker);

  const auto other = std::ranges::find(doubles_, Double{hash, worker});
  if (other != doubles_.end()) {
    *other = doubles_.back();
    doubles_.pop_back();
  } else if ((route->workers &= ~bit(worker)) == 0) {
    routes_.erase(route);
  }
  if (--live->filters == 0) drop(live);
}

void RouteTable::add_wide(const Shape& shape, Worker worker) {
  if (wide_ == nullptr) wide_ = std::make_unique<Wide>();
  ++wide_filters_;
  if (++wide_->filters(shape, worker) == 1) wide_->make_masks(worker);
}

void RouteTable::remove_wide(const Shape& shape, Worker worker) {
  if (wide_ == nullptr || wide_->filters(shape, worker) == 0) std::abort();
  if (--wide_->filters(shape, worker) == 0) wide_->make_masks(worker);
  if (--wide_filters_ == 0) wide_.reset();
}

void RouteTable::Wide::make_masks(Worker worker) noexcept {
  std::array<bool, 2> has_rest{};  // a filter with `#` that has begun at this level or before
  for (std::size_t levels = 0; levels <= kLevelsMax; ++levels) {
    const auto has = [&](std::size_t rest, std::size_t wild) { return kinds[levels][rest][wild].filters[worker] != 0; };
    has_rest[0] = has_rest[0] || has(1, 0);
    has_rest[1] = has_rest[1] || has(1, 1);
    const bool wants_own = has_rest[0] || has(0, 0);
    const bool wants_other = wants_own || has_rest[1] || has(0, 1);
    const auto set = [&](Mask& mask, bool wants) { mask = (mask & ~bit(worker)) | (wants ? bit(worker) : 0); };
    set(masks[1][levels], wants_own);
    set(masks[0][levels], wants_other);
  }
}

//= MQTT5 [MQTT-4.7.2-1]
//= MQTT311 [MQTT-4.7.2-1]
RouteTable::Mask RouteTable::match(const HashedTopic& topic) const noexcept {
  const std::size_t levels = topic.levels();
  if (levels == 0) return 0;
  const bool is_own = is_dollar(topic.text());
  std::array<std::uint64_t, kShapesMax> hashes;
  std::size_t count = 0;
  for (const LiveShape& live : shapes_) {
    const Shape& shape = live.shape;
    if (shape.has_rest ? shape.levels > levels : shape.levels != levels) continue;
    if (is_own && shape.begins_wild()) continue;
    hashes[count] = fingerprint(topic, live);
    routes_.prefetch(hashes[count++]);
  }
  Mask workers = wide_ == nullptr ? 0 : wide_->masks[is_own ? 1 : 0][levels];
  for (std::size_t i = 0; i < count; ++i) {
    const Route* route = routes_.find(hashes[i]);
    if (route != nullptr) workers |= route->workers;
  }
  return workers;
}

std::size_t RouteTable::memory_bytes() const noexcept {
  return sizeof(*this) + routes_.memory_bytes() + shapes_.capacity() * sizeof(LiveShape) +
         doubles_.capacity() * sizeof(Double) + (wide_ == nullptr ? 0 : sizeof(Wide));
}

}  // namespace holdfast::broker
