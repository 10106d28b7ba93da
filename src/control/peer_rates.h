// control/peer_rates.h: how often each peer may ask: one token bucket for each.
//
// Thread: one at a time. Cost: one look into a hash table.
// Limits: kPeersMax buckets; peers beyond, when none of those is full again and may be forgotten, share one. So a peer
//         with many addresses shortens what strangers may ask, not what those may who are known.
#pragma once

#include <boost/unordered/unordered_flat_map.hpp>
#include <cstddef>
#include <string>
#include <string_view>

#include "base/time.h"

namespace holdfast::control {

inline constexpr std::size_t kPeersMax = 1024;

class PeerRates {
 public:
  // Both above 0.
  PeerRates(double per_second, double burst) : per_second_(per_second), burst_(burst), others_{burst, {}} {}

  // Takes one from the bucket of `peer`. False: there is none.
  [[nodiscard]] bool take(std::string_view peer, base::Time now);
  // Whole seconds until a bucket that is empty has one again.
  [[nodiscard]] unsigned retry_after_seconds() const noexcept;
  [[nodiscard]] std::size_t peers() const noexcept { return buckets_.size(); }

 private:
  struct Bucket {
    double tokens;
    base::Time filled_at;
  };

  Bucket& bucket_of(std::string_view peer, base::Time now);
  void fill(Bucket& bucket, base::Time now) const noexcept;
  void forget_full(base::Time now);

  double per_second_;
  double burst_;
  boost::unordered_flat_map<std::string, Bucket> buckets_;
  Bucket others_;
  base::Time swept_at_{};
};

}  // namespace holdfast::control
