#include "policy/address_counts.h"

#include <algorithm>
#include <cstdlib>

namespace holdfast::policy {
namespace {

constexpr unsigned kCountBits = 24;
constexpr std::uint64_t kCountMask = (std::uint64_t{1} << kCountBits) - 1;
constexpr std::uint64_t kClaimed = kCountMask;
constexpr std::uint64_t kBeaten = kCountMask - 1;
constexpr std::uint64_t kCountMax = kCountMask - 2;
constexpr std::uint64_t kEmpty = 0;

// Two threads that strike out each other's claims try again. A meeting takes nanoseconds, so this many in a row do not
// happen; the bound is there so that nobody has to prove that.
constexpr int kClaimsMax = 1000;

// The lower 40 bits of the key, where a word has them. The line is chosen by the upper ones.
std::uint64_t tag_of(std::uint64_t key) { return key << kCountBits; }

enum class Kind : std::uint8_t { other, count, claimed, beaten };

// What a word is for an address.
Kind kind_of(std::uint64_t word, std::uint64_t tag) {
  if (word == kEmpty || (word & ~kCountMask) != tag) return Kind::other;
  switch (word & kCountMask) {
    case kClaimed: return Kind::claimed;
    case kBeaten: return Kind::beaten;
    default: return Kind::count;
  }
}

}  // namespace

AddressCounts::AddressCounts(std::size_t addresses_max)
    // Half full at most, so that a window is full for about one address in ten thousand. Windows do not wrap round.
    : lines_(addresses_max * 2 / kLineWords + kWindowLines) {
  if (addresses_max == 0 || addresses_max > kAddressesMax) std::abort();
}

std::size_t AddressCounts::first_line(std::uint64_t key) const noexcept {
  return static_cast<std::size_t>(((key >> 32) * (lines_.size() - kWindowLines + 1)) >> 32);
}

AddressCounts::Word& AddressCounts::word(std::size_t first_line, std::size_t i) noexcept {
  return lines_[first_line + i / kLineWords].words[i % kLineWords];
}

// All of the window is looked at before anything in it counts as missing: a word that became empty says nothing about
// those behind it.
AddressCounts::Found AddressCounts::find(std::uint64_t tag, std::size_t first_line) noexcept {
  Found found;
  for (std::size_t i = 0; i < kWindowWords; ++i) {
    Word& each = word(first_line, i);
    const std::uint64_t seen = each.load();
    if (kind_of(seen, tag) == Kind::count) return {&each, seen, nullptr};
    if (seen == kEmpty && found.empty == nullptr) found.empty = &each;
  }
  return found;
}

AddressCounts::Take AddressCounts::take(std::uint64_t key, std::uint32_t limit) noexcept {
  if (key == kNoAddress) return Take::taken;
  if (limit == 0) return Take::at_limit;
  const std::uint64_t count_max = std::min<std::uint64_t>(limit, kCountMax);
  const std::uint64_t tag = tag_of(key);
  const std::size_t first = first_line(key);
  for (int claims = 0; claims < kClaimsMax;) {
    Found found = find(tag, first);
    if (found.counted != nullptr) {
      if ((found.seen & kCountMask) >= count_max) return Take::at_limit;
      if (found.counted->compare_exchange_strong(found.seen, found.seen + 1)) return Take::taken;
      continue;  // somebody else got on
    }
    if (found.empty == nullptr) return Take::no_room;
    std::uint64_t empty = kEmpty;
    if (!found.empty->compare_exchange_strong(empty, tag | kClaimed)) continue;
    if (claim(*found.empty, tag, first) == Claim::won) return Take::taken;
    ++claims;
  }
  return Take::no_room;
}

// Makes the claim that stands in `own` a count of 1, unless there is a count of the same tag.
AddressCounts::Claim AddressCounts::claim(Word& own, std::uint64_t tag, std::size_t first_line) noexcept {
  for (std::size_t i = 0; i < kWindowWords; ++i) {
    Word& other = word(first_line, i);
    if (&other == &own) continue;
    std::uint64_t seen = other.load();
    while (kind_of(seen, tag) == Kind::claimed) {
      if (other.compare_exchange_strong(seen, tag | kBeaten)) break;
    }
    if (kind_of(seen, tag) == Kind::count) {
      own.store(kEmpty);
      return Claim::lost;
    }
  }
  std::uint64_t claimed = tag | kClaimed;
  if (own.compare_exchange_strong(claimed, tag | 1)) return Claim::won;
  own.store(kEmpty);
  return Claim::lost;
}

void AddressCounts::release(std::uint64_t key) noexcept {
  if (key == kNoAddress) return;
  const std::uint64_t tag = tag_of(key);
  const std::size_t first = first_line(key);
  Found found;
  do {
    found = find(tag, first);
    if (found.counted == nullptr) std::abort();
  } while (
      !found.counted->compare_exchange_strong(found.seen, (found.seen & kCountMask) == 1 ? kEmpty : found.seen - 1));
}

std::uint32_t AddressCounts::count(std::uint64_t key) const noexcept {
  const std::uint64_t tag = tag_of(key);
  const std::size_t first = first_line(key);
  for (std::size_t i = 0; i < kWindowWords; ++i) {
    const std::uint64_t seen = lines_[first + i / kLineWords].words[i % kLineWords].load();
    if (kind_of(seen, tag) == Kind::count) return static_cast<std::uint32_t>(seen & kCountMask);
  }
  return 0;
}

bool AddressCounts::empty() const noexcept {
  return std::ranges::all_of(lines_, [](const Line& line) {
    return std::ranges::all_of(line.words, [](const Word& each) { return each.load() == kEmpty; });
  });
}

}  // namespace holdfast::policy
