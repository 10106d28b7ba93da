#include "base/snapshot.h"

#include <gtest/gtest.h>

#include <thread>
#include <vector>

namespace holdfast::base {
namespace {

TEST(Snapshot, AReaderKeepsItsValueUntilItRefreshes) {
  Snapshot<int> door(std::make_shared<const int>(1));
  Snapshot<int>::Reader reader(door);
  EXPECT_FALSE(reader.refresh());
  door.publish(std::make_shared<const int>(2));
  EXPECT_EQ(reader.get(), 1);
  EXPECT_TRUE(reader.refresh());
  EXPECT_EQ(reader.get(), 2);
  EXPECT_FALSE(reader.refresh());
}

TEST(Snapshot, ReadersSeeWholeValuesThatOnlyGrow) {
  struct Pair {
    int a = 0;
    int b = 0;
  };
  Snapshot<Pair> door(std::make_shared<const Pair>());
  std::atomic<bool> done{false};
  std::vector<std::jthread> readers;
  for (int i = 0; i < 3; ++i) {
    readers.emplace_back([&] {
      Snapshot<Pair>::Reader reader(door);
      int last = 0;
      while (!done) {
        reader.refresh();
        ASSERT_EQ(reader.get().a, reader.get().b);
        ASSERT_GE(reader.get().a, last);
        last = reader.get().a;
      }
    });
  }
  for (int i = 1; i < 5'000; ++i) door.publish(std::make_shared<const Pair>(Pair{i, i}));
  done = true;
}

}  // namespace
}  // namespace holdfast::base
