#include "discovery/settling.h"

#include <gtest/gtest.h>

namespace holdfast::discovery {
namespace {

using namespace std::chrono_literals;
using Next = Settling::Next;

constexpr FileState kFirst{.inode = 1, .size = 10};
constexpr FileState kSecond{.inode = 1, .size = 11};
constexpr FileState kMissing{.error = 2};
constexpr Settling::Limits kLimits{200ms, 5s, 30s};

base::Time at(std::chrono::milliseconds time) { return base::Time{} + 1h + time; }

TEST(Settling, ReadsWhatLookedTheSameForAWhile) {
  Settling settling(kLimits);
  EXPECT_EQ(settling.see(kFirst, at(0ms)), Next::look_again);
  EXPECT_EQ(settling.due(), at(200ms));
  EXPECT_EQ(settling.see(kFirst, at(199ms)), Next::look_again);
  EXPECT_EQ(settling.see(kSecond, at(200ms)), Next::look_again) << "it changed in the last moment";
  EXPECT_EQ(settling.see(kFirst, at(399ms)), Next::look_again) << "that it was like this before does not count";
  EXPECT_EQ(settling.see(kFirst, at(599ms)), Next::read);
}

TEST(Settling, LeavesAloneWhatItHasRead) {
  Settling settling(kLimits);
  settling.settled(kFirst, at(0ms));
  EXPECT_EQ(settling.see(kFirst, at(500ms)), Next::nothing);
  EXPECT_EQ(settling.see(kMissing, at(1000ms)), Next::look_again) << "between two renames";
  EXPECT_EQ(settling.see(kFirst, at(1100ms)), Next::nothing);
  EXPECT_EQ(settling.see(kMissing, at(1500ms)), Next::look_again);
  EXPECT_EQ(settling.see(kMissing, at(1700ms)), Next::read);
}

TEST(Settling, ReadsAgainAfterALongTime) {
  Settling settling(kLimits);
  settling.settled(kFirst, at(0ms));
  EXPECT_EQ(settling.see(kFirst, at(29'999ms)), Next::nothing);
  EXPECT_EQ(settling.see(kFirst, at(30s)), Next::look_again);
  EXPECT_EQ(settling.see(kFirst, at(30'200ms)), Next::read);
}

TEST(Settling, TriesAgainAtTheNextLookWhatCouldNotBeRead) {
  Settling settling(kLimits);
  EXPECT_EQ(settling.see(kMissing, at(0ms)), Next::look_again);
  EXPECT_EQ(settling.see(kMissing, at(200ms)), Next::read);
  settling.unsettled();
  EXPECT_EQ(settling.see(kMissing, at(700ms)), Next::read);
}

TEST(Settling, SaysWhenItNeverSettles) {
  Settling settling(kLimits);
  std::vector<std::chrono::milliseconds> complaints;
  for (auto time = 0ms; time <= 11s; time += 100ms) {
    const FileState state{.size = time.count()};
    if (settling.see(state, at(time)) != Next::complain) continue;
    complaints.push_back(time);
    settling.unsettled();
  }
  EXPECT_EQ(complaints, (std::vector<std::chrono::milliseconds>{5000ms, 10'100ms}));
}

}  // namespace
}  // namespace holdfast::discovery
