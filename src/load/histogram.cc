#include "load/histogram.h"

#include <algorithm>
#include <bit>
#include <cmath>

namespace holdfast::load {

// Above the linear part a bucket is named by how often the value was halved until it had kLinearBits bits, and by what
// was left of it then, which lies in [kHalf, 2 * kHalf).
std::size_t Histogram::bucket_of(std::uint64_t value) noexcept {
  value = std::min(value, (std::uint64_t{1} << kValueBits) - 1);
  const int halved = std::max(0, static_cast<int>(std::bit_width(value)) - kLinearBits);
  return static_cast<std::size_t>(halved) * kHalf + static_cast<std::size_t>(value >> halved);
}

std::uint64_t Histogram::middle_of(std::size_t bucket) noexcept {
  if (bucket < 2 * kHalf) return bucket;
  const std::size_t halved = bucket / kHalf - 1;
  const std::uint64_t lowest = (bucket - halved * kHalf) << halved;
  return lowest + (std::uint64_t{1} << halved) / 2;
}

void Histogram::record(Value value) noexcept {
  const auto count = static_cast<std::uint64_t>(std::max<std::int64_t>(value.count(), 0));
  ++counts_[bucket_of(count)];
  ++count_;
  sum_ += count;
  min_ = std::min(min_, count);
  max_ = std::max(max_, count);
}

void Histogram::merge(const Histogram& other) noexcept {
  for (std::size_t i = 0; i < kBuckets; ++i) counts_[i] += other.counts_[i];
  count_ += other.count_;
  sum_ += other.sum_;
  min_ = std::min(min_, other.min_);
  max_ = std::max(max_, other.max_);
}

Histogram::Value Histogram::percentile(double part) const noexcept {
  if (count_ == 0) return Value(0);
  const double wanted = std::ceil(std::clamp(part, 0.0, 1.0) * static_cast<double>(count_));
  const auto rank = std::clamp<std::uint64_t>(static_cast<std::uint64_t>(wanted), 1, count_);
  if (rank == count_) return max();
  std::uint64_t passed = 0;
  for (std::size_t i = 0; i < kBuckets; ++i) {
    passed += counts_[i];
    if (passed >= rank) return Value(std::clamp(middle_of(i), min_, max_));
  }
  return max();
}

}  // namespace holdfast::load
