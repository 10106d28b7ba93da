// broker/core/hashed_topic.h: a topic or filter cut into levels, each with its keyed hash, made once for all look-ups.
//
// Thread: a value on the stack, 1.6 kB, written only as far as there are levels. It views the text, which must live on.
// Cost:   about 12 ns a level.
// Limits: a name of more than kLevelsMax levels has no level at all here and matches nothing.
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/hash.h"
#include "broker/core/keyed_hash.h"
#include "broker/core/topic.h"

namespace holdfast::broker {

// The hash of a level at its place. Sums of these, made final by mix(), name a path: of a topic, of the beginning of
// a filter, of the literal levels of a filter.
[[nodiscard]] constexpr std::uint64_t placed_hash(std::uint64_t level_hash, std::size_t place) noexcept {
  return base::mix(level_hash + 0x9e3779b97f4a7c15 * (place + 1));
}

class HashedTopic {
 public:
  HashedTopic(std::string_view text, const HashKey& key) noexcept;
  HashedTopic(const HashedTopic&) = delete;
  HashedTopic& operator=(const HashedTopic&) = delete;

  [[nodiscard]] std::string_view text() const noexcept { return text_; }
  [[nodiscard]] std::size_t levels() const noexcept { return levels_; }
  // Where level `i` begins; that of `levels()` is one beyond the end of the text plus one.
  [[nodiscard]] std::uint32_t start(std::size_t i) const noexcept { return starts_[i]; }
  [[nodiscard]] std::string_view level(std::size_t i) const noexcept {
    return {text_.data() + starts_[i], starts_[i + 1] - starts_[i] - 1};
  }
  [[nodiscard]] std::uint64_t hash(std::size_t i) const noexcept { return hashes_[i]; }  // placed_hash()
  [[nodiscard]] std::uint64_t sum(std::size_t levels) const noexcept {
    std::uint64_t sum = 0;
    for (std::size_t i = 0; i < levels; ++i) sum += hashes_[i];
    return sum;
  }

 private:
  std::string_view text_;
  std::size_t levels_ = 0;
  std::array<std::uint32_t, kLevelsMax + 1> starts_;
  std::array<std::uint64_t, kLevelsMax> hashes_;
};

}  // namespace holdfast::broker
