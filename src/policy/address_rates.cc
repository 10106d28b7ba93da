#include "policy/address_rates.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>

namespace holdfast::policy {
namespace {

constexpr unsigned kTimeBits = 40;
constexpr std::uint64_t kTimeMask = (std::uint64_t{1} << kTimeBits) - 1;
constexpr std::chrono::microseconds kTick{100};
constexpr double kTicksPerSecond = 10'000;
// No entry is further ahead of its time than this. What seems to be lies behind, on the other side of the wrap.
constexpr std::uint32_t kAheadMax = std::chrono::hours(24) / kTick;

std::uint64_t ticks(base::Time now) { return static_cast<std::uint64_t>(now.time_since_epoch() / kTick) & kTimeMask; }

}  // namespace

AddressPace AddressPace::of(base::Rate rate, std::uint32_t burst) noexcept {
  AddressPace pace;
  const double ticks = std::round(kTicksPerSecond / rate.per_second);
  pace.ticks_each = static_cast<std::uint32_t>(std::clamp<double>(ticks, 1, kAheadMax));
  pace.ticks_burst = pace.ticks_each * std::clamp<std::uint32_t>(burst, 1, kAheadMax / pace.ticks_each);
  return pace;
}

AddressRates::AddressRates(std::size_t addresses_max) : lines_(addresses_max * 2 / kLineWords + kWindowLines) {
  if (addresses_max == 0 || addresses_max > kAddressesMax) std::abort();
}

AddressRates::Found AddressRates::find(std::uint64_t key, std::uint64_t now_ticks) const noexcept {
  const auto first = static_cast<std::size_t>(((key >> 32) * (lines_.size() - kWindowLines + 1)) >> 32);
  const std::uint64_t tag = key << kTimeBits;
  Found found;
  for (std::size_t i = 0; i < kWindowLines * kLineWords; ++i) {
    const Word& word = lines_[first + i / kLineWords].words[i % kLineWords];
    const std::uint64_t seen = word.load();
    const std::uint64_t ahead = (seen - now_ticks) & kTimeMask;
    const bool is_free = seen == 0 || ahead == 0 || ahead > kAheadMax;
    if (is_free) {
      if (found.word == nullptr) found = {&word, seen, 0};
    } else if ((seen & ~kTimeMask) == tag) {
      return {&word, seen, ahead};
    }
  }
  return found;
}

AddressRates::Take AddressRates::take(std::uint64_t key, AddressPace pace, base::Time now) noexcept {
  if (key == kNoAddress) return Take::taken;
  const std::uint64_t now_ticks = ticks(now);
  while (true) {
    Found found = find(key, now_ticks);
    if (found.word == nullptr) return Take::no_room;
    const std::uint64_t ahead = found.ahead + pace.ticks_each;
    if (ahead > pace.ticks_burst) return Take::too_fast;
    const std::uint64_t next = key << kTimeBits | ((now_ticks + ahead) & kTimeMask);
    if (const_cast<Word*>(found.word)->compare_exchange_strong(found.seen, next)) return Take::taken;
  }
}

bool AddressRates::would_take(std::uint64_t key, AddressPace pace, base::Time now) const noexcept {
  return key == kNoAddress || find(key, ticks(now)).ahead + pace.ticks_each <= pace.ticks_burst;
}

}  // namespace holdfast::policy
