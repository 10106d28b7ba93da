// policy/address_counts.h: how many connections each address has, over all workers.
//
// Thread: any; nothing locks, no call waits for another thread.
// Cost:   a call looks at up to 32 words that lie together (4 cache lines) and changes one of them with one CAS; the
//         first connection of an address takes two. Memory is fixed: 16 bytes for each of `addresses_max`.
// Limits: `addresses_max` addresses at once, at most 2^26; with more, take() says no_room more and more often.
//         16,777,213 connections of one address. Two addresses are taken for one with a chance of one in 2^40 for each
//         other address in the same part of the table.
//
// A word is empty (0), or it holds the tag of an address (40 bits of its key) and one of these in the other 24:
//
//   a count      1 or more: the one word of this address. Any thread may count it up or down; down to 0 makes it empty.
//   kClaimed     a thread wants to make that word here and looks whether another one has it already.
//   kBeaten      another thread that wants the same has found the claim and struck it out.
//
//   empty -> claimed    by the thread that will own the claim
//   claimed -> count 1  by its owner, after it has looked at all words of the window since the claim stood
//   claimed -> beaten   by any other thread with a claim for the same tag
//   claimed or beaten -> empty   by its owner alone
//
// No two words of one window ever hold counts of the same tag. Say A and B both claim, and A's claim stands first. When
// B looks, after its own claim stands, it finds A's count and gives up, or it finds A's claim and strikes it out, so
// that A cannot turn it into a count any more. (All of this needs one order of all operations: seq_cst.) So a count is
// in one word, the limit is checked in the CAS that raises it and is never exceeded, not even for a moment, and
// release() finds the word in one pass, because a count never moves. (The idea of claims is from Purcell and Harris:
// "Non-blocking Hashtables with Open Addressing", 2005.)
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "policy/address_key.h"

namespace holdfast::policy {

class AddressCounts {
 public:
  static constexpr std::size_t kAddressesMax = std::size_t{1} << 26;

  enum class Take : std::uint8_t {
    taken,     // counted: release() is due when the connection ends
    at_limit,  // not counted: the address has `limit` connections
    no_room,   // not counted: the table has no place for the address. Let the client in, do not release(), count it.
  };

  // addresses_max: 1 to kAddressesMax.
  explicit AddressCounts(std::size_t addresses_max);

  // `key` is made by address_key(). kNoAddress is always taken, without being counted.
  [[nodiscard]] Take take(std::uint64_t key, std::uint32_t limit) noexcept;
  // Once for each take() that said taken, with the same key. One more than that is a programming error and ends the
  // process. Does nothing for kNoAddress.
  void release(std::uint64_t key) noexcept;
  // For the eye and for tests.
  [[nodiscard]] std::uint32_t count(std::uint64_t key) const noexcept;
  [[nodiscard]] bool empty() const noexcept;
  [[nodiscard]] std::size_t memory_bytes() const noexcept { return lines_.size() * sizeof(Line); }

 private:
  static constexpr std::size_t kLineWords = 8;
  static constexpr std::size_t kWindowLines = 4;
  static constexpr std::size_t kWindowWords = kLineWords * kWindowLines;

  using Word = std::atomic<std::uint64_t>;
  struct alignas(64) Line {
    Word words[kLineWords] = {};
  };
  struct Found {
    Word* counted = nullptr;  // the word with the count of the tag
    std::uint64_t seen = 0;   // what was in it
    Word* empty = nullptr;    // the first empty word, when there is no count
  };
  enum class Claim : std::uint8_t { won, lost };

  Word& word(std::size_t first_line, std::size_t i) noexcept;
  [[nodiscard]] std::size_t first_line(std::uint64_t key) const noexcept;
  [[nodiscard]] Found find(std::uint64_t tag, std::size_t first_line) noexcept;
  [[nodiscard]] Claim claim(Word& own, std::uint64_t tag, std::size_t first_line) noexcept;

  std::vector<Line> lines_;
};

}  // namespace holdfast::policy
