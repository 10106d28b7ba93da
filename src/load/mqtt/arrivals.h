// load/mqtt/arrivals.h: one stream of numbered messages as its receiver sees it: what is new, late, or came before.
//
// Thread: one owner; pure. Cost: O(1) for each message, 144 bytes a stream, nothing allocates.
// Limits: numbers below 2^32 - 1. Which of the newest kRemembered numbers came is known exactly. Of one that is older
//         it is only known how many are missing: while some are, it counts as late, else as a duplicate.
#pragma once

#include <bitset>
#include <cstdint>

namespace holdfast::load {

class Arrivals {
 public:
  static constexpr std::uint32_t kRemembered = 1024;

  enum class Kind : std::uint8_t {
    in_order,   // beyond all that came; those that it left out are missing, for now
    late,       // missing until now: another overtook it
    duplicate,  // came before
  };

  Kind note(std::uint32_t number) noexcept;

  [[nodiscard]] std::uint32_t next() const noexcept { return next_; }      // the largest that came, and one
  [[nodiscard]] std::uint32_t unique() const noexcept { return unique_; }  // different ones that came

 private:
  void advance(std::uint32_t number) noexcept;
  [[nodiscard]] std::uint32_t missing_before_remembered() const noexcept;

  std::bitset<kRemembered> came_;  // of [next_ - kRemembered, next_), by number modulo kRemembered
  std::uint32_t next_ = 0;
  std::uint32_t unique_ = 0;
};

}  // namespace holdfast::load
