// load/histogram.h: latencies, counted so that every percentile can be told afterwards.
//
// Thread: one owner; merge the histograms of several threads when they have ended.
// Cost:   record() is O(1), about 2 ns, and allocates nothing. 36 KiB each, allocated once.
// Error:  a percentile is at most 0.4 % away from the true sample (0.8 % is the width of a bucket, of which the middle
//         is told); values below 256 ns, the smallest and the largest are exact.
// Limits: values up to 2^42 ns (73 minutes); larger ones count as the largest bucket, but max() stays exact.
// Source: the log-linear buckets of HdrHistogram (Gil Tene).
#pragma once

#include <chrono>
#include <cstdint>
#include <vector>

namespace holdfast::load {

class Histogram {
 public:
  using Value = std::chrono::nanoseconds;

  Histogram() : counts_(kBuckets) {}

  // A negative value, which only a clock that went wrong could give, counts as 0.
  void record(Value value) noexcept;
  void merge(const Histogram& other) noexcept;

  // The value that `part` of all samples (0 to 1) do not exceed; 0 when there are no samples.
  [[nodiscard]] Value percentile(double part) const noexcept;
  [[nodiscard]] Value min() const noexcept { return Value(count_ == 0 ? 0 : min_); }
  [[nodiscard]] Value max() const noexcept { return Value(max_); }
  [[nodiscard]] Value mean() const noexcept { return Value(count_ == 0 ? 0 : sum_ / count_); }
  [[nodiscard]] std::uint64_t count() const noexcept { return count_; }

 private:
  static constexpr int kLinearBits = 8;  // values below 2^8 have a bucket each; every doubling after has 2^7
  static constexpr int kValueBits = 42;
  static constexpr std::size_t kHalf = std::size_t{1} << (kLinearBits - 1);
  static constexpr std::size_t kBuckets = kHalf * (kValueBits - kLinearBits + 2);

  [[nodiscard]] static std::size_t bucket_of(std::uint64_t value) noexcept;
  [[nodiscard]] static std::uint64_t middle_of(std::size_t bucket) noexcept;

  std::vector<std::uint64_t> counts_;
  std::uint64_t count_ = 0;
  std::uint64_t sum_ = 0;
  std::uint64_t min_ = ~std::uint64_t{0};
  std::uint64_t max_ = 0;
};

}  // namespace holdfast::load
