#include "broker/core/claims.h"

#include <gtest/gtest.h>

namespace holdfast::broker {
namespace {

using Outcome = Claims::Outcome;

TEST(Claims, TheFirstToClaimHoldsAndLaterOnesAreSentThere) {
  Claims claims({1, 2});
  EXPECT_EQ(claims.claim("a", 3), 3U);
  EXPECT_EQ(claims.claim("a", 5), 3U);
  EXPECT_EQ(claims.claim("b", 5), 5U);
}

TEST(Claims, AnIdIsForgottenWhenItHasNeitherSessionNorGrant) {
  Claims claims({1, 2});
  (void)claims.claim("a", 0);
  claims.settle("a", Outcome::unused);
  EXPECT_EQ(claims.size(), 0U) << "the connection went before its grant came";

  (void)claims.claim("a", 0);
  claims.settle("a", Outcome::attached);
  (void)claims.claim("a", 1);
  claims.release("a");
  EXPECT_EQ(claims.holder("a"), 0U) << "somebody is on the way there";
  claims.settle("a", Outcome::unused);
  EXPECT_EQ(claims.holder("a"), std::nullopt);
}

TEST(Claims, ASessionThatIsMadeAnewWhileAnotherGrantIsOpenStays) {
  Claims claims({1, 2});
  (void)claims.claim("a", 0);
  (void)claims.claim("a", 1);
  claims.settle("a", Outcome::attached);
  claims.release("a");
  claims.settle("a", Outcome::attached);
  EXPECT_EQ(claims.holder("a"), 0U);
  claims.release("a");
  EXPECT_EQ(claims.size(), 0U);
}

TEST(Claims, WhatIsNotKnownIsNoHarm) {
  Claims claims({1, 2});
  claims.release("x");
  claims.settle("x", Outcome::unused);
  EXPECT_EQ(claims.size(), 0U);
}

}  // namespace
}  // namespace holdfast::broker
