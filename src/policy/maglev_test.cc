#include "policy/maglev.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <random>

#include "base/hash.h"

namespace holdfast::policy {
namespace {

using Entries = std::vector<MaglevTable::Entry>;
constexpr double kSlots = MaglevTable::kSlots;

Entries entries_of(std::size_t count, std::uint32_t weight = 100) {
  Entries entries;
  for (std::size_t i = 0; i < count; ++i) entries.push_back({base::hash_text("server " + std::to_string(i)), weight});
  return entries;
}

std::vector<std::uint32_t> counts_of(const MaglevTable& table) {
  std::vector<std::uint32_t> counts(table.servers());
  for (const std::uint16_t owner : table.slots()) ++counts.at(owner);
  return counts;
}

// Part of the keys that belong to another server than before, by name.
double moved(const MaglevTable& a, const Entries& names_a, const MaglevTable& b, const Entries& names_b) {
  double moved = 0;
  for (std::uint32_t i = 0; i < MaglevTable::kSlots; ++i) {
    moved += names_a[a[i]].name_hash != names_b[b[i]].name_hash ? 1 : 0;
  }
  return moved / kSlots;
}

void expect_exact(const MaglevTable& table, const Entries& entries) {
  double sum = 0;
  for (const auto& entry : entries) sum += entry.weight;
  const auto counts = counts_of(table);
  for (std::size_t i = 0; i < entries.size(); ++i) {
    ASSERT_LT(std::abs(counts[i] - kSlots * entries[i].weight / sum), 1) << i;
  }
}

TEST(Maglev, SharesAreExact) {
  expect_exact(*MaglevTable::build(entries_of(1)), entries_of(1));
  expect_exact(*MaglevTable::build(entries_of(1'000)), entries_of(1'000));
  Entries entries = entries_of(6);
  const std::uint32_t weights[] = {0, 1, 10, 100, 1'000, 500};
  for (std::size_t i = 0; i < entries.size(); ++i) entries[i].weight = weights[i];
  expect_exact(*MaglevTable::build(entries), entries);
}

TEST(Maglev, TheOrderOfTheListDoesNotCount) {
  Entries entries = entries_of(20);
  const auto table = MaglevTable::build(entries);
  Entries turned = entries;
  std::ranges::reverse(turned);
  EXPECT_EQ(moved(*table, entries, *MaglevTable::build(turned), turned), 0);
}

// What must move when one of N leaves is 1/N, when one joins 1/(N+1).
TEST(Maglev, FewestKeysMoveWhenOneLeavesOrJoins) {
  for (const std::size_t size : {3U, 10U, 100U, 1'000U}) {
    const Entries all = entries_of(size);
    Entries fewer = all;
    fewer.erase(fewer.begin() + static_cast<std::ptrdiff_t>(size / 2));
    const auto before = MaglevTable::build(all);
    const auto without = MaglevTable::build(fewer, before.get());
    const auto again = MaglevTable::build(all, without.get());
    const double least = 1.0 / static_cast<double>(size);
    const double left = moved(*before, all, *without, fewer);
    const double joined = moved(*without, fewer, *again, all);
    RecordProperty("left_" + std::to_string(size), std::to_string(left / least));
    RecordProperty("joined_" + std::to_string(size), std::to_string(joined / least));
    EXPECT_LE(left, 1.1 * least) << size;
    EXPECT_LE(joined, 1.1 * least) << size;
    expect_exact(*without, fewer);
    expect_exact(*again, all);
  }
}

TEST(Maglev, FewestKeysMoveInALongHistoryOfChanges) {
  std::mt19937_64 random(7);
  Entries entries = entries_of(50);
  auto table = MaglevTable::build(entries);
  for (int round = 0; round < 200; ++round) {
    const Entries before = entries;
    const auto index = random() % entries.size();
    if (random() % 2 == 0 && entries.size() > 10) {
      entries.erase(entries.begin() + static_cast<std::ptrdiff_t>(index));
    } else {
      entries.insert(entries.begin() + static_cast<std::ptrdiff_t>(index), {random(), 100});
    }
    const auto next = MaglevTable::build(entries, table.get());
    const auto least = 1.0 / static_cast<double>(std::max(entries.size(), before.size()));
    ASSERT_LE(moved(*table, before, *next, entries), 1.1 * least);
    expect_exact(*next, entries);
    table = next;
  }
}

TEST(Maglev, AWeightThatChangesMovesOnlyWhatItMust) {
  Entries entries = entries_of(10);
  const auto before = MaglevTable::build(entries);
  entries[3].weight = 200;  // from 1/10 to 2/11
  const auto after = MaglevTable::build(entries, before.get());
  EXPECT_NEAR(moved(*before, entries, *after, entries), 2.0 / 11 - 0.1, 0.001);
  entries[3].weight = 0;
  EXPECT_EQ(counts_of(*MaglevTable::build(entries, after.get()))[3], 0U);
}

TEST(Maglev, NobodyWithAWeightLeavesTheTableEmpty) {
  for (const auto& entries : {entries_of(0), entries_of(3, 0)}) {
    const auto before = MaglevTable::build(entries_of(3));
    const auto table = MaglevTable::build(entries, before.get());
    EXPECT_TRUE(std::ranges::all_of(table->slots(), [](auto slot) { return slot == MaglevTable::kNone; }));
  }
}

TEST(Maglev, TheLargestPoolFits) {
  const auto table = MaglevTable::build(entries_of(65'534));
  const auto counts = counts_of(*table);
  EXPECT_EQ(*std::ranges::min_element(counts), 1U);
  EXPECT_EQ(*std::ranges::max_element(counts), 2U);
  EXPECT_THROW((void)MaglevTable::build(entries_of(65'535)), std::length_error);
}

TEST(Maglev, ANameThatIsThereTwiceIsTwoServers) {
  Entries entries = entries_of(3);
  entries[1].name_hash = entries[0].name_hash;
  const auto table = MaglevTable::build(entries);
  expect_exact(*table, entries);
  expect_exact(*MaglevTable::build(entries, table.get()), entries);
}

}  // namespace
}  // namespace holdfast::policy
