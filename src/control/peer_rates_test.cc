#include "control/peer_rates.h"

#include <gtest/gtest.h>

namespace holdfast::control {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr base::Time kStart{seconds{1'000}};

int taken(PeerRates& rates, std::string_view peer, base::Time now) {
  int count = 0;
  while (rates.take(peer, now)) ++count;
  return count;
}

TEST(PeerRates, GivesABurstAndThenTheRate) {
  PeerRates rates(10, 25);
  EXPECT_EQ(taken(rates, "a", kStart), 25);
  EXPECT_EQ(taken(rates, "a", kStart + milliseconds{99}), 0);
  EXPECT_EQ(taken(rates, "a", kStart + milliseconds{500}), 5);
  EXPECT_EQ(taken(rates, "a", kStart + seconds{600}), 25) << "no more than the burst is saved up";
}

TEST(PeerRates, OnePeerDoesNotCostAnother) {
  PeerRates rates(10, 25);
  EXPECT_EQ(taken(rates, "a", kStart), 25);
  EXPECT_EQ(taken(rates, "b", kStart), 25);
}

TEST(PeerRates, AClockThatStandsOrGoesBackGivesNothing) {
  PeerRates rates(10, 25);
  EXPECT_EQ(taken(rates, "a", kStart), 25);
  EXPECT_EQ(taken(rates, "a", kStart - seconds{10}), 0);
}

TEST(PeerRates, SaysWhenToComeBack) {
  EXPECT_EQ(PeerRates(1000, 2000).retry_after_seconds(), 1U);
  EXPECT_EQ(PeerRates(0.1, 1).retry_after_seconds(), 10U);
}

TEST(PeerRates, TheTableIsBoundedAndStrangersShareOneBucket) {
  PeerRates rates(10, 25);
  for (std::size_t i = 0; i < kPeersMax; ++i) EXPECT_TRUE(rates.take("peer " + std::to_string(i), kStart));
  EXPECT_EQ(rates.peers(), kPeersMax);
  EXPECT_EQ(taken(rates, "stranger", kStart), 25);
  EXPECT_EQ(taken(rates, "another stranger", kStart), 0) << "the same bucket";
  EXPECT_EQ(taken(rates, "peer 7", kStart), 24) << "who is known is not touched";
  EXPECT_EQ(rates.peers(), kPeersMax);

  // Those who have been silent for long are forgotten, so that strangers become known again.
  EXPECT_EQ(taken(rates, "stranger", kStart + seconds{1}), 25);
  EXPECT_LE(rates.peers(), 2U) << "the stranger, and the one that had used up its bucket";
}

}  // namespace
}  // namespace holdfast::control
