#include "base/log_pause.h"

#include <gtest/gtest.h>

namespace holdfast::base {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::seconds;

TEST(LogPause, IsOverAtFirstAndThenAfterItsLength) {
  const Time start{hours(1)};
  LogPause pause;
  EXPECT_TRUE(pause.is_over(start, seconds(5)));
  EXPECT_FALSE(pause.is_over(start, seconds(5)));
  EXPECT_FALSE(pause.is_over(start + seconds(5) - milliseconds(1), seconds(5)));
  EXPECT_TRUE(pause.is_over(start + seconds(5), seconds(5)));
  EXPECT_FALSE(pause.is_over(start + seconds(9), seconds(5))) << "counted from the newest line";
}

TEST(LogPause, IsOverAtFirstHoweverYoungTheMachineIs) {
  LogPause pause;
  EXPECT_TRUE(pause.is_over(Time{milliseconds(1)}, seconds(5)));
}

}  // namespace
}  // namespace holdfast::base
