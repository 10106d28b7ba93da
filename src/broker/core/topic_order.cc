#include "broker/core/topic_order.h"

#include <algorithm>
#include <cstring>

namespace holdfast::broker {
namespace {

constexpr int rank(char byte) noexcept { return byte == '/' ? 0 : static_cast<unsigned char>(byte) + 1; }

}  // namespace

int compare_topics(std::string_view a, std::string_view b) noexcept {
  const std::size_t both = std::min(a.size(), b.size());
  std::size_t i = 0;
  for (; i + 8 <= both; i += 8) {
    if (std::memcmp(a.data() + i, b.data() + i, 8) != 0) break;
  }
  while (i < both && a[i] == b[i]) ++i;
  if (i < both) return rank(a[i]) - rank(b[i]);
  return a.size() == b.size() ? 0 : a.size() < b.size() ? -1 : 1;
}

// The first block whose last topic is not before `name`.
std::size_t TopicOrder::block_of(std::string_view name, const Names& names, std::size_t near) const noexcept {
  const auto is_before = [&](std::size_t block) {
    return compare_topics(names.name(blocks_[block]->topics[blocks_[block]->count - 1]), name) < 0;
  };
  std::size_t low = 0;
  std::size_t high = blocks_.size();
  if (near < blocks_.size() && compare_topics(names.name(blocks_[near]->topics[0]), name) <= 0) {
    // Most walks stay near: double the distance until it is far enough.
    low = high = near;
    for (std::size_t distance = 1; high < blocks_.size() && is_before(high); distance *= 2) {
      low = high + 1;
      high = std::min(low + distance, blocks_.size());
    }
  }
  while (low < high) {
    const std::size_t middle = low + (high - low) / 2;
    is_before(middle) ? low = middle + 1 : high = middle;
  }
  return low;
}

TopicOrder::Place TopicOrder::seek(std::string_view name, const Names& names, std::size_t near) const noexcept {
  const std::size_t block = block_of(name, names, near);
  if (block == blocks_.size()) return {block, 0};
  const Block& in = *blocks_[block];
  const auto is_before = [&](std::uint32_t each, std::string_view wanted) {
    return compare_topics(names.name(each), wanted) < 0;
  };
  const auto found = std::lower_bound(in.topics.begin(), in.topics.begin() + in.count, name, is_before);
  return {block, static_cast<std::size_t>(found - in.topics.begin())};
}

void TopicOrder::insert(std::uint32_t topic, const Names& names) {
  Place place = seek(names.name(topic), names);
  if (at_end(place)) {
    if (blocks_.empty()) blocks_.push_back(std::make_unique_for_overwrite<Block>());
    place = {blocks_.size() - 1, blocks_.back()->count};
  }
  if (blocks_[place.block]->count == kBlock) {
    auto upper = std::make_unique_for_overwrite<Block>();
    Block& lower = *blocks_[place.block];
    // Names that come in order leave full blocks behind them.
    const bool is_append = place.index == kBlock;
    const std::uint32_t kept = is_append ? kBlock : kBlock / 2;
    upper->count = kBlock - kept;
    std::copy(lower.topics.begin() + kept, lower.topics.end(), upper->topics.begin());
    lower.count = kept;
    blocks_.insert(blocks_.begin() + static_cast<std::ptrdiff_t>(place.block) + 1, std::move(upper));
    if (place.index > kept || is_append) place = {place.block + 1, place.index - kept};
  }
  Block& block = *blocks_[place.block];
  const auto at = block.topics.begin() + static_cast<std::ptrdiff_t>(place.index);
  std::copy_backward(at, block.topics.begin() + block.count, block.topics.begin() + block.count + 1);
  *at = topic;
  ++block.count;
  ++size_;
}

void TopicOrder::erase(std::uint32_t topic, const Names& names) {
  const Place place = seek(names.name(topic), names);
  Block& block = *blocks_[place.block];
  const auto at = block.topics.begin() + static_cast<std::ptrdiff_t>(place.index);
  std::copy(at + 1, block.topics.begin() + block.count, at);
  --block.count;
  --size_;
  const auto where = blocks_.begin() + static_cast<std::ptrdiff_t>(place.block);
  if (block.count == 0) {
    blocks_.erase(where);
  } else if (place.block + 1 < blocks_.size() && block.count + blocks_[place.block + 1]->count <= kBlock / 2) {
    const Block& next = *blocks_[place.block + 1];
    std::copy_n(next.topics.begin(), next.count, block.topics.begin() + block.count);
    block.count += next.count;
    blocks_.erase(where + 1);
  }
}

}  // namespace holdfast::broker
