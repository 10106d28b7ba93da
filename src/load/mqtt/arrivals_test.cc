#include "load/mqtt/arrivals.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <set>
#include <vector>

namespace holdfast::load {
namespace {

struct Counts {
  std::uint32_t late = 0;
  std::uint32_t duplicated = 0;
  std::uint32_t lost = 0;

  friend bool operator==(const Counts&, const Counts&) = default;
  friend void PrintTo(const Counts& counts, std::ostream* out) {
    *out << counts.late << " late, " << counts.duplicated << " duplicated, " << counts.lost << " lost";
  }
};

Counts count(const std::vector<std::uint32_t>& numbers, std::uint32_t sent) {
  Arrivals arrivals;
  Counts counts;
  for (const std::uint32_t number : numbers) {
    const Arrivals::Kind kind = arrivals.note(number);
    counts.late += kind == Arrivals::Kind::late;
    counts.duplicated += kind == Arrivals::Kind::duplicate;
  }
  counts.lost = sent - arrivals.unique();
  return counts;
}

TEST(Arrivals, TellsLostLateAndDuplicateApart) {
  struct Case {
    const char* name;
    std::vector<std::uint32_t> numbers;
    std::uint32_t sent;
    Counts want;
  };
  const Case cases[] = {
      {"nothing sent", {}, 0, {}},
      {"nothing came", {}, 3, {.lost = 3}},
      {"all in order", {0, 1, 2}, 3, {}},
      {"the first is missing", {1, 2}, 3, {.lost = 1}},
      {"one in the middle is missing", {0, 2}, 3, {.lost = 1}},
      {"the last is missing", {0, 1}, 3, {.lost = 1}},
      {"two change places", {0, 2, 1, 3}, 4, {.late = 1}},
      {"backwards", {3, 2, 1, 0}, 4, {.late = 3}},
      {"the newest again", {0, 0}, 1, {.duplicated = 1}},
      {"an older one again", {0, 1, 2, 0, 1}, 3, {.duplicated = 2}},
      {"late, and then again", {0, 2, 1, 1}, 3, {.late = 1, .duplicated = 1}},
      {"late, again, and one lost", {0, 3, 1, 1}, 4, {.late = 1, .duplicated = 1, .lost = 1}},
      {"a gap as wide as the memory", {0, 1025, 1}, 1026, {.late = 1, .lost = 1023}},
      {"a gap wider than the memory", {0, 5000, 1, 4999}, 5001, {.late = 2, .lost = 4997}},
      {"all that was missing long ago came", {0, 2, 3000, 1}, 3001, {.late = 1, .lost = 2997}},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.name);
    EXPECT_EQ(count(c.numbers, c.sent), c.want);
  }
}

TEST(Arrivals, CallsAnOldNumberADuplicateOnceNothingOldIsMissing) {
  std::vector<std::uint32_t> numbers;
  for (std::uint32_t number = 0; number < 3000; ++number) numbers.push_back(number == 10 ? 9 : number);
  numbers.push_back(10);
  numbers.push_back(10);
  EXPECT_EQ(count(numbers, 3000), (Counts{.late = 1, .duplicated = 2, .lost = 0}));
}

// Whatever happens within the memory, a set of all that came says the same.
TEST(Arrivals, AgreesWithASetOfAllThatCame) {
  std::mt19937 random(7);
  for (int round = 0; round < 50; ++round) {
    std::vector<std::uint32_t> numbers;
    const std::uint32_t sent = 5000;
    for (std::uint32_t number = 0; number < sent; ++number) {
      const auto fate = random() % 20;
      if (fate == 0) continue;  // lost
      numbers.push_back(number);
      if (fate == 1) numbers.push_back(number);  // duplicated
    }
    for (std::size_t i = 0; i + 300 < numbers.size(); i += 1 + random() % 40) {
      std::swap(numbers[i], numbers[i + random() % 300]);
    }
    Counts want;
    std::set<std::uint32_t> came;
    for (const std::uint32_t number : numbers) {
      const bool behind = !came.empty() && number < *came.rbegin();
      const bool fresh = came.insert(number).second;
      want.duplicated += !fresh;
      want.late += fresh && behind;
    }
    want.lost = sent - static_cast<std::uint32_t>(came.size());
    ASSERT_EQ(count(numbers, sent), want) << "round " << round;
  }
}

}  // namespace
}  // namespace holdfast::load
