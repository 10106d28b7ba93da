#include "control/guard.h"

#include <gtest/gtest.h>

namespace holdfast::control {
namespace {

//= RFC6750 2.1 type=test
TEST(BearerToken, FollowsItsTable) {
  struct Case {
    const char* header;
    std::optional<std::string_view> token;
  };
  const Case cases[] = {
      {"Bearer abc", "abc"},
      {"bearer abc", "abc"},
      {"BEARER   abc", "abc"},
      {"Bearer aZ09-._~+/==", "aZ09-._~+/=="},
      {"Bearer", std::nullopt},
      {"Bearer ", std::nullopt},
      {"Bearer =", std::nullopt},
      {"Bearer a b", std::nullopt},
      {"Bearer a=b", std::nullopt},
      {"Bearer a,b", std::nullopt},
      {"Bearer abc ", std::nullopt},
      {"Bearer \"abc\"", std::nullopt},
      {"Bearer a\xc3\xa9", std::nullopt},
      {"Bearer\tabc", std::nullopt},
      {"Bearerabc", std::nullopt},
      {" Bearer abc", std::nullopt},
      {"Basic YTpi", std::nullopt},
      {"", std::nullopt},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.header);
    EXPECT_EQ(bearer_token(c.header), c.token);
    for (std::size_t cut = 0; cut < std::string_view(c.header).size(); ++cut) {  // every prefix must be safe
      const std::string prefix(c.header, cut);
      const auto token = bearer_token(prefix);
      EXPECT_TRUE(!token || (!token->empty() && prefix.ends_with(*token)));
    }
  }
}

Request asking(const char* path, std::optional<std::string> authorization = std::nullopt) {
  Request request;
  request.path = path;
  if (authorization) request.headers.push_back({"authorization", *authorization});
  return request;
}

TEST(Guard, LetsInWhoHasTheToken) {
  const Guard guard("s3cret-token");
  EXPECT_FALSE(guard.refuse(asking("/v1/status", "Bearer s3cret-token")));
  const std::string wrong[] = {"Bearer s3cret-tokem",
                               "Bearer S3cret-token",
                               "Bearer s3cret-toke",
                               "Bearer s3cret-token=",
                               "Bearer s3cret-tokens",
                               "Bearer s3cret-tokens3cret-token",
                               "Bearer x",
                               "Basic czNjcmV0LXRva2Vu",
                               "s3cret-token",
                               "Bearer"};
  for (const std::string& header : wrong) {
    SCOPED_TRACE(header);
    const auto refused = guard.refuse(asking("/v1/status", header));
    ASSERT_TRUE(refused);
    EXPECT_EQ(refused->status, 401U);
    EXPECT_EQ(refused->body.find("s3cret"), std::string::npos) << "neither the right one nor what was sent";
  }
}

//= RFC6750 3 type=test
TEST(Guard, SaysWhatItAsksFor) {
  const Guard guard("s3cret-token");
  const auto without = guard.refuse(asking("/v1/status"));
  ASSERT_TRUE(without);
  EXPECT_EQ(without->content_type, "application/problem+json");
  EXPECT_EQ(without->headers, (NamedValues{{"WWW-Authenticate", "Bearer realm=\"holdfast\""}}));
  const auto wrong = guard.refuse(asking("/v1/status", "Bearer x"));
  ASSERT_TRUE(wrong);
  EXPECT_EQ(wrong->headers, (NamedValues{{"WWW-Authenticate", "Bearer realm=\"holdfast\", error=\"invalid_token\""}}));
}

TEST(Guard, LeavesWhatBalancersAskOpenAndNothingLikeIt) {
  const Guard guard("s3cret-token");
  for (const char* path : {"/healthz", "/readyz"}) EXPECT_FALSE(guard.refuse(asking(path))) << path;
  for (const char* path : {"/healthz/", "/Healthz", "/%68ealthz", "/readyz/../v1/status", "/metrics", "/v1", "/", ""}) {
    EXPECT_TRUE(guard.refuse(asking(path))) << path;
  }
}

TEST(Guard, WithoutATokenIsOpen) {
  EXPECT_FALSE(Guard().refuse(asking("/v1/status")));
  EXPECT_DEATH(Guard(""), "") << "an empty token would let everybody in";
}

}  // namespace
}  // namespace holdfast::control
