// broker/core/path.h: one way of a topic through a trie of filters: at each level either its own text or `+`.
//
// A value on the stack while a match runs; for topic_tree.h.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include "broker/core/hashed_topic.h"

namespace holdfast::broker {

class Path {
 public:
  struct Way {          // nothing is written before it is used: an array of them costs nothing
    std::uint64_t sum;  // of the placed hashes of its levels
    std::size_t levels;
    bool is_plus;  // its last level
  };
  // Ways that are still to be gone. Each level of a topic sets aside at most two, of which one is taken at once.
  class Ways {
   public:
    void put_aside(const Way& way) noexcept { ways_[count_++] = way; }
    [[nodiscard]] std::optional<Way> take() noexcept {
      return count_ == 0 ? std::nullopt : std::optional(ways_[--count_]);
    }

   private:
    std::array<Way, kLevelsMax + 1> ways_;
    std::size_t count_ = 0;
  };
  enum class End : std::uint8_t { here, rest };

  explicit Path(const HashedTopic& topic) noexcept : topic_(topic) {}

  // Levels before the last one of `way` must have been followed.
  void follow(const Way& way) noexcept {
    levels_ = way.levels;
    if (levels_ > 0) is_plus_[levels_ - 1] = way.is_plus;
  }
  // Whether `filter` is just this way, with `/#` after it (or all of it `#`) where the end is `rest`.
  [[nodiscard]] bool is_way_of(std::string_view filter, End end) const noexcept;

 private:
  const HashedTopic& topic_;
  std::size_t levels_ = 0;
  std::array<bool, kLevelsMax> is_plus_;
};

}  // namespace holdfast::broker
