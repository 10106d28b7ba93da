#include "broker/core/flat_table.h"

#include <gtest/gtest.h>

#include <map>
#include <vector>

#include "base/hash.h"
#include "base/random.h"

namespace holdfast::broker {
namespace {

struct Slot {
  std::uint32_t hash = 0;
  std::uint32_t value = 0;
};

// Few hashes at both ends of the range, where parts and places are taken from.
TEST(FlatTable, KeepsSlotsOfOneHashApart) {
  base::Random random(1);
  FlatTable<Slot> table;
  std::map<std::uint32_t, std::uint32_t> model;  // value to hash
  for (std::uint32_t i = 0; i < 100'000; ++i) {
    const std::uint32_t value = random.below(500);
    const auto known = model.find(value);
    if (known == model.end()) {
      const std::uint32_t hash = (random.below(3) << 30 | random.below(20)) + 1;
      model[value] = hash;
      table.insert({hash, value});
    } else {
      Slot* found = table.find(known->second, [&](const Slot& slot) { return slot.value == value; });
      ASSERT_NE(found, nullptr);
      table.erase(found);
      ASSERT_EQ(table.find(known->second, [&](const Slot& slot) { return slot.value == value; }), nullptr);
      model.erase(known);
    }
    ASSERT_EQ(table.size(), model.size());
  }
  for (const auto& [value, hash] : model) {
    EXPECT_NE(table.find(hash, [&, wanted = value](const Slot& slot) { return slot.value == wanted; }), nullptr);
  }
}

TEST(FlatTable, GrowsAndShrinksByParts) {
  FlatTable<Slot> table;
  EXPECT_EQ(table.memory_bytes(), 0U);
  EXPECT_EQ(table.find(1), nullptr);
  constexpr std::uint32_t kCount = 200'000;
  const auto hash = [](std::uint32_t i) { return static_cast<std::uint32_t>(base::mix(i)) | 1; };
  std::size_t largest_step = 0;
  for (std::uint32_t i = 0; i < kCount; ++i) {
    const std::size_t before = table.memory_bytes();
    table.insert({hash(i), i});
    largest_step = std::max(largest_step, table.memory_bytes() - before);
  }
  EXPECT_LE(largest_step, table.memory_bytes() / 32);
  EXPECT_LE(table.memory_bytes(), kCount * sizeof(Slot) * 8 / 3);
  for (std::uint32_t i = 0; i < kCount; ++i) {
    table.erase(table.find(hash(i), [&](const Slot& slot) { return slot.value == i; }));
    if (i == kCount - 1'001) {
      EXPECT_LE(table.memory_bytes(), 1'000 * sizeof(Slot) * 16);
    }
  }
  EXPECT_EQ(table.memory_bytes(), 0U);
}

}  // namespace
}  // namespace holdfast::broker
