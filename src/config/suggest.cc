#include "config/suggest.h"

#include <algorithm>
#include <array>
#include <utility>

namespace holdfast::config {
namespace {

constexpr std::size_t kWordBytesMax = 64;
constexpr std::size_t kSlipsMax = 3;
using Row = std::array<std::size_t, kWordBytesMax + 1>;

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

bool same(char a, char b) { return lower(a) == lower(b); }

std::size_t slips_allowed(std::string_view word) { return std::clamp<std::size_t>(word.size() / 3, 1, kSlipsMax); }

// Fills the row of a[i - 1] from the two rows before it.
void next_row(std::string_view a, std::string_view b, std::size_t i, const Row& older, const Row& last, Row& row) {
  row[0] = i;
  for (std::size_t j = 1; j <= b.size(); ++j) {
    const bool equal = same(a[i - 1], b[j - 1]);
    row[j] = std::min({last[j] + 1, row[j - 1] + 1, last[j - 1] + (equal ? 0U : 1U)});
    const bool swapped = i > 1 && j > 1 && same(a[i - 1], b[j - 2]) && same(a[i - 2], b[j - 1]);
    if (swapped) row[j] = std::min(row[j], older[j - 2] + 1);
  }
}

}  // namespace

std::size_t typing_distance(std::string_view a, std::string_view b) {
  if (a.size() > kWordBytesMax || b.size() > kWordBytesMax) return std::max(a.size(), b.size());
  Row older{};
  Row last{};
  Row row{};
  for (std::size_t j = 0; j <= b.size(); ++j) row[j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    older = std::exchange(last, row);
    next_row(a, b, i, older, last, row);
  }
  return row[b.size()];
}

std::optional<std::size_t> closest(std::string_view word, std::span<const std::string_view> candidates) {
  std::optional<std::size_t> best;
  std::size_t best_distance = slips_allowed(word) + 1;
  for (std::size_t i = 0; i < candidates.size(); ++i) {
    const std::size_t distance = typing_distance(word, candidates[i]);
    if (distance >= best_distance || distance >= word.size()) continue;
    best = i;
    best_distance = distance;
  }
  return best;
}

}  // namespace holdfast::config
