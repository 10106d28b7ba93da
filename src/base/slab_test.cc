#include "base/slab.h"

#include <gtest/gtest.h>

#include <map>
#include <random>
#include <string>

namespace holdfast::base {
namespace {

TEST(Slab, AKeyWhoseEntryIsGoneFindsNothing) {
  Slab<std::string> slab;
  const Key first = slab.add("first");
  ASSERT_NE(slab.find(first), nullptr);
  slab.remove(first);
  EXPECT_EQ(slab.find(first), nullptr);
  const Key second = slab.add("second");
  EXPECT_EQ(second.index, first.index) << "the place is used again";
  EXPECT_EQ(slab.find(first), nullptr);
  EXPECT_EQ(*slab.find(second), "second");
}

TEST(Slab, AKeyThatWasNeverGivenFindsNothing) {
  Slab<int> slab;
  EXPECT_EQ(slab.find(Key{0, 1}), nullptr);
  EXPECT_EQ(slab.find(Key{5'000'000, 1}), nullptr);
  (void)slab.add(1);
  EXPECT_EQ(slab.find(Key{1, 0}), nullptr) << "a free place has an even generation, which names nothing";
}

TEST(Slab, AddressesStayWhileItGrows) {
  Slab<int> slab;
  const Key key = slab.add(42);
  int* const address = slab.find(key);
  for (int i = 0; i < 10'000; ++i) (void)slab.add(i);
  EXPECT_EQ(slab.find(key), address);
  EXPECT_EQ(*address, 42);
}

TEST(Slab, StepsOverPlacesMeetEachLivingEntryOnce) {
  Slab<int> slab;
  std::vector<Key> keys;
  for (int i = 0; i < 1000; ++i) keys.push_back(slab.add(i));
  for (std::size_t i = 0; i < 1000; i += 3) slab.remove(keys[i]);
  std::map<int, int> met;
  for (std::uint32_t first = 0; first < slab.capacity(); first += 100) {
    slab.for_each_of(first, 100, [&](Key key, int value) {
      EXPECT_TRUE(key.index >= first && key.index < first + 100);
      ++met[value];
    });
  }
  EXPECT_EQ(met.size(), slab.size());
  for (const auto& [value, times] : met) EXPECT_EQ(times, 1) << value;
  slab.for_each_of(slab.capacity(), 100, [](Key, int) { ADD_FAILURE() << "there is nothing behind the end"; });
}

TEST(Slab, RemovingWhatIsGoneEndsTheProcess) {
  Slab<int> slab;
  const Key key = slab.add(1);
  slab.remove(key);
  EXPECT_DEATH(slab.remove(key), "");
}

TEST(Slab, MatchesAMapUnderRandomUse) {
  Slab<std::string> slab;
  std::map<std::uint64_t, std::pair<Key, std::string>> model;
  std::mt19937_64 random(7);
  for (std::uint64_t step = 0; step < 20'000; ++step) {
    if (model.empty() || random() % 5 < 3) {
      model[step] = {slab.add(std::to_string(step)), std::to_string(step)};
    } else {
      auto victim = model.lower_bound(random() % step);
      if (victim == model.end()) victim = model.begin();
      slab.remove(victim->second.first);
      EXPECT_EQ(slab.find(victim->second.first), nullptr);
      model.erase(victim);
    }
  }
  ASSERT_EQ(slab.size(), model.size());
  for (const auto& [step, entry] : model) ASSERT_EQ(*slab.find(entry.first), entry.second);
}

}  // namespace
}  // namespace holdfast::base
