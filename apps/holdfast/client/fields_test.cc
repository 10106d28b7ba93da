#include "client/fields.h"

#include <gtest/gtest.h>

#include <boost/json.hpp>

#include "client/server_text.h"

namespace holdfast::app {
namespace {

const boost::json::value& sample() {
  static const boost::json::value value =
      boost::json::parse(R"({"name":"b1","check":{"took":0.5,"ok":true},"n":7,"big":18446744073709551615,
                            "none":null,"list":[1,2],"of":{"a":1}})");
  return value;
}

TEST(Fields, ReadsWhatIsThere) {
  EXPECT_EQ(text_at(sample(), "name"), "b1");
  EXPECT_EQ(text_at(sample(), "n"), "7");
  EXPECT_EQ(number_at(sample(), "check.took"), 0.5);
  EXPECT_EQ(number_at(sample(), "big"), 18446744073709551615.0);
  EXPECT_TRUE(flag_at(sample(), "check.ok"));
  EXPECT_EQ(list_at(sample(), "list").size(), 2U);
  EXPECT_EQ(object_at(sample(), "of").size(), 1U);
}

TEST(Fields, WhatIsNotThereOrOfAnotherTypeIsNothing) {
  for (const char* path : {"missing", "none", "name.deeper", "list.0", ".", ".check"}) {
    SCOPED_TRACE(path);
    EXPECT_FALSE(is_there(sample(), path));
    EXPECT_EQ(text_at(sample(), path), "");
    EXPECT_EQ(find_number(sample(), path), std::nullopt);
    EXPECT_FALSE(flag_at(sample(), path));
    EXPECT_TRUE(list_at(sample(), path).empty());
    EXPECT_TRUE(object_at(sample(), path).empty());
  }
  EXPECT_EQ(find_number(sample(), "name"), std::nullopt);
  EXPECT_TRUE(list_at(sample(), "of").empty());
}

TEST(ServerText, SaysWhatDrainsAndHowLong) {
  const auto server =
      boost::json::parse(R"({"drain":{"rate":"200/s","deadline_seconds_left":61,"remaining":5,"closed":2}})");
  EXPECT_EQ(drain_progress(server), "5 left, 2 closed, at 200/s, 1m01s to go");
  EXPECT_EQ(drain_progress(boost::json::parse(R"({"drain":{"rate":null,"deadline_seconds_left":null,"remaining":5}})")),
            "5 left, 0 closed");
  EXPECT_EQ(drain_progress(boost::json::parse(R"({"drain":null})")), "");
}

TEST(Fields, SumsUpWhatIsANumber) {
  EXPECT_EQ(sum_of(boost::json::parse(R"({"idle_timeout": 3, "kicked": 2, "why": "x"})").as_object()), 5);
  EXPECT_EQ(sum_of({}), 0);
}

TEST(ServerText, AStateHasTheColourOfWhatItMeans) {
  const auto colour = [](const char* text) { return server_state(boost::json::parse(text)).colour; };
  EXPECT_EQ(colour(R"({"state":"UP","up":true})"), Colour::good);
  EXPECT_EQ(colour(R"({"state":"UP 2/3","up":false})"), Colour::warning);
  EXPECT_EQ(colour(R"({"state":"DOWN 1/2","up":false})"), Colour::bad);
  EXPECT_EQ(colour(R"({"state":"MAINT","up":false})"), Colour::warning);
  EXPECT_EQ(server_state(boost::json::parse(R"({"state":"DOWN","leaving":true})")).text, "LEAVING");
}

}  // namespace
}  // namespace holdfast::app
