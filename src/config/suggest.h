// config/suggest.h: what somebody who mistyped a word most likely meant.
//
// Thread: pure functions. Cost: words longer than 64 bytes are not compared; others cost their lengths multiplied.
// Source: the optimal string alignment distance (Damerau 1964), blind to upper and lower case.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string_view>

namespace holdfast::config {

// How many letters have to be added, removed, changed, or swapped with their neighbour to get from `a` to `b`.
[[nodiscard]] std::size_t typing_distance(std::string_view a, std::string_view b);

// The index of the candidate that `word` is a plausible slip of: a third of its letters wrong, at most three.
[[nodiscard]] std::optional<std::size_t> closest(std::string_view word, std::span<const std::string_view> candidates);

}  // namespace holdfast::config
