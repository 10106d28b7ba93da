// broker/core/tree_exercise.h: what the exercises of the trees share: each holds a tree against a slow, obvious model.
//
// For tests and fuzzers. An exercise is led by bytes, random ones in a test, the fuzzer's own in a fuzzer; it throws
// std::logic_error when a tree says something else than its model.
#pragma once

#include <cstdint>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "base/random.h"

namespace holdfast::broker {

inline void demand(bool holds, const char* what) {
  if (!holds) throw std::logic_error(what);
}

// Decisions out of bytes; 0 when they are used up.
class Choices {
 public:
  explicit Choices(std::span<const std::uint8_t> bytes) : bytes_(bytes) {}

  [[nodiscard]] bool is_done() const { return bytes_.empty(); }
  std::uint32_t below(std::uint32_t limit) {
    std::uint32_t number = 0;
    for (std::uint32_t reach = 1; reach < limit; reach *= 256) number = number * 256 + take();
    return number % limit;
  }
  bool one_in(std::uint32_t count) { return below(count) == 0; }
  template <typename T, std::size_t kCount>
  T of(const T (&all)[kCount]) {
    return all[below(kCount)];
  }

 private:
  std::uint32_t take() {
    if (bytes_.empty()) return 0;
    const std::uint32_t byte = bytes_.front();
    bytes_ = bytes_.subspan(1);
    return byte;
  }

  std::span<const std::uint8_t> bytes_;
};

// For property tests: runs an exercise again and again.
template <typename Exercise>
void exercise_at_random(Exercise exercise, std::uint64_t seed, int rounds) {
  base::Random random(seed);
  for (int round = 0; round < rounds; ++round) {
    std::vector<std::uint8_t> bytes(1 + random.below(6'000));
    for (std::uint8_t& byte : bytes) byte = static_cast<std::uint8_t>(random.next());
    Choices choices(bytes);
    exercise(choices);
  }
}

// Few names of few levels, so that they meet.
inline std::string some_topic(Choices& choices) {
  const char* const levels[] = {"a", "b", "", "$s", "a0", "longer than eight bytes"};
  std::string topic = choices.of(levels);
  for (std::uint32_t more = choices.below(5); more > 0; --more) topic.append("/").append(choices.of(levels));
  return topic.empty() ? "a" : topic;
}

inline std::string some_filter(Choices& choices) {
  const char* const levels[] = {"a", "+", "b", "+", "", "$s", "a0", "longer than eight bytes"};
  std::string filter = choices.of(levels);
  for (std::uint32_t more = choices.below(5); more > 0; --more) filter.append("/").append(choices.of(levels));
  if (choices.one_in(3)) filter.append("/#");
  if (filter.empty() || choices.one_in(50)) return "#";
  return filter;
}

inline std::vector<std::string> levels_of(std::string_view name) {
  std::vector<std::string> levels(1);
  for (const char c : name) {
    if (c == '/') {
      levels.emplace_back();
    } else {
      levels.back() += c;
    }
  }
  return levels;
}

// As section 4.7 says it, level by level.
inline bool naive_matches(std::string_view filter, std::string_view topic) {
  const std::vector<std::string> wanted = levels_of(filter);
  const std::vector<std::string> levels = levels_of(topic);
  if (topic.front() == '$' && (wanted[0] == "+" || wanted[0] == "#")) return false;
  const bool has_rest = wanted.back() == "#";
  const std::size_t count = wanted.size() - (has_rest ? 1 : 0);
  if (has_rest ? levels.size() < count : levels.size() != count) return false;
  for (std::size_t i = 0; i < count; ++i) {
    if (wanted[i] != "+" && wanted[i] != levels[i]) return false;
  }
  return true;
}

}  // namespace holdfast::broker
