// policy/address_rates.h: how often each address may come in, over all workers.
//
// Thread: any; nothing locks, no call waits for another thread.
// Cost:   a call looks at up to 32 words that lie together (4 cache lines) and changes one of them with one CAS. Memory
//         is fixed: 16 bytes for each of `addresses_max`. Nothing is released: an entry whose time has passed is free.
// Limits: `addresses_max` addresses, at most 2^26, within the time in which a burst is paid back; with more, no_room.
//         Two addresses are taken for one with a chance of one in 2^24 for each other one in the same part of the
//         table. Two threads that see a new address at the same instant may each make an entry for it: one connection
//         more for each further thread, at worst (when their clocks differ) one burst more.
// Source: GCRA, the virtual scheduling of ITU-T I.371 annex A. A word is the tag of an address (24 bits of its key) and
//         its theoretical arrival time (40 bits of 100 us since the clock's zero, which may wrap).
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "base/time.h"
#include "base/units.h"
#include "policy/address_key.h"

namespace holdfast::policy {

// A rate with a burst, ready for use. The time between two connections is rounded to 100 us, so 100/s may be off by
// half a percent, 1000/s by 5, and 10,000/s is the most. What pays back a whole burst takes at most 24 hours (the burst
// is cut).
struct AddressPace {
  std::uint32_t ticks_each = 1;   // what one connection costs
  std::uint32_t ticks_burst = 1;  // how far ahead of its time an address may be

  // rate: above 0. burst: as many may come at once; 0 is taken as 1.
  [[nodiscard]] static AddressPace of(base::Rate rate, std::uint32_t burst) noexcept;
};

class AddressRates {
 public:
  static constexpr std::size_t kAddressesMax = std::size_t{1} << 26;

  enum class Take : std::uint8_t {
    taken,
    too_fast,  // refuse; it costs the address nothing
    no_room,   // the table has no place for the address. Let the client in and count it.
  };

  // addresses_max: 1 to kAddressesMax.
  explicit AddressRates(std::size_t addresses_max);

  // `key` is made by address_key(); kNoAddress is always taken. The pace may change from call to call.
  [[nodiscard]] Take take(std::uint64_t key, AddressPace pace, base::Time now) noexcept;
  // Whether take() would not say too_fast now; another thread may be quicker.
  [[nodiscard]] bool would_take(std::uint64_t key, AddressPace pace, base::Time now) const noexcept;
  [[nodiscard]] std::size_t memory_bytes() const noexcept { return lines_.size() * sizeof(Line); }

 private:
  static constexpr std::size_t kLineWords = 8;
  static constexpr std::size_t kWindowLines = 4;

  using Word = std::atomic<std::uint64_t>;
  struct alignas(64) Line {
    Word words[kLineWords] = {};
  };
  struct Found {
    const Word* word = nullptr;  // of the address, else the first that is free
    std::uint64_t seen = 0;      // what was in it
    std::uint64_t ahead = 0;     // how many ticks the address is ahead of its time
  };
  [[nodiscard]] Found find(std::uint64_t key, std::uint64_t now_ticks) const noexcept;

  std::vector<Line> lines_;
};

}  // namespace holdfast::policy
