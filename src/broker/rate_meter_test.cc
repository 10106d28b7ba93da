#include "broker/rate_meter.h"

#include <gtest/gtest.h>

namespace holdfast::broker {
namespace {

using namespace std::chrono_literals;

constexpr base::Time kBegin{std::chrono::hours(1000)};

Totals totals(std::uint64_t received, std::uint64_t sent, std::uint64_t dropped) {
  Totals made;
  made.messages_received[1] = received;
  made.messages_sent[0] = sent / 2;
  made.messages_sent[2] = sent - sent / 2;
  made.dropped["expired"] = dropped;
  return made;
}

TEST(RateMeter, KnowsNothingUntilItHasLookedTwice) {
  RateMeter meter;
  EXPECT_EQ(meter.rates().received, 0);
  meter.look(totals(500, 500, 500), kBegin);
  EXPECT_EQ(meter.rates().received, 0) << "what was before is not of late";
  meter.look(totals(600, 520, 502), kBegin + 2s);
  EXPECT_DOUBLE_EQ(meter.rates().received, 50);
  EXPECT_DOUBLE_EQ(meter.rates().sent, 10);
  EXPECT_DOUBLE_EQ(meter.rates().dropped, 1);
}

TEST(RateMeter, ForgetsWhatIsLongAgo) {
  RateMeter meter;
  std::uint64_t count = 0;
  for (int second = 0; second <= 20; ++second) {
    meter.look(totals(count, 0, 0), kBegin + std::chrono::seconds(second));
    if (second < 10) count += 100;
  }
  EXPECT_EQ(meter.rates().received, 0);
  meter.look(totals(count + 50, 0, 0), kBegin + 21s);
  EXPECT_DOUBLE_EQ(meter.rates().received, 10) << "over five seconds";
}

}  // namespace
}  // namespace holdfast::broker
