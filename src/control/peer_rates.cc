#include "control/peer_rates.h"

#include <algorithm>
#include <chrono>
#include <cmath>

namespace holdfast::control {
namespace {

constexpr std::chrono::milliseconds kSweepPause{100};  // strangers in a crowd do not each cost a sweep

}  // namespace

bool PeerRates::take(std::string_view peer, base::Time now) {
  Bucket& bucket = bucket_of(peer, now);
  fill(bucket, now);
  if (bucket.tokens < 1) return false;
  bucket.tokens -= 1;
  return true;
}

unsigned PeerRates::retry_after_seconds() const noexcept {
  return static_cast<unsigned>(std::max(1.0, std::ceil(1 / per_second_)));
}

PeerRates::Bucket& PeerRates::bucket_of(std::string_view peer, base::Time now) {
  const std::string key(peer);
  const auto found = buckets_.find(key);
  if (found != buckets_.end()) return found->second;
  if (buckets_.size() >= kPeersMax) forget_full(now);
  if (buckets_.size() >= kPeersMax) return others_;
  return buckets_.emplace(key, Bucket{burst_, now}).first->second;
}

void PeerRates::fill(Bucket& bucket, base::Time now) const noexcept {
  const double seconds = std::chrono::duration<double>(now - bucket.filled_at).count();
  bucket.tokens = std::min(burst_, bucket.tokens + std::max(0.0, seconds) * per_second_);
  bucket.filled_at = now;
}

// A full bucket says no more than none does.
void PeerRates::forget_full(base::Time now) {
  if (swept_at_ != base::Time{} && now - swept_at_ < kSweepPause) return;
  swept_at_ = now;
  boost::unordered::erase_if(buckets_, [&](auto& entry) {
    fill(entry.second, now);
    return entry.second.tokens >= burst_;
  });
}

}  // namespace holdfast::control
