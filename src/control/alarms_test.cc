#include "control/alarms.h"

#include <gtest/gtest.h>

#include <boost/json.hpp>

#include "control/event_reader.h"
#include "control/json.h"
#include "control/stream.h"

namespace holdfast::control {
namespace {

using std::chrono::seconds;

class AlarmsTest : public testing::Test {
 protected:
  // What listeners were told: "phase name subject".
  std::vector<std::string> told() {
    std::vector<std::string> texts;
    for (const ServerEvent& event : EventReader().feed(stream_->take())) {
      EXPECT_EQ(event.type, "alarm");
      const boost::json::value data = *parse_json(event.data);
      const auto text = [&](const char* key) { return std::string(data.at(key).as_string()); };
      texts.push_back(text("phase") + " " + text("name") + " " + text("subject"));
    }
    return texts;
  }

  Events events_{1};
  std::shared_ptr<Stream> stream_ = events_.answer({}).stream;
  WallTime now_{seconds{1'000'000'000}};
  Alarms alarms_{events_, [this] { return now_; }};
};

TEST_F(AlarmsTest, LastFromWhenTheyAreRaisedUntilTheyAreCleared) {
  alarms_.raise("pool_in_panic", "brokers", "2 of 6 servers are up");
  now_ += seconds{30};
  alarms_.raise("pool_in_panic", "brokers", "1 of 6 servers is up");
  ASSERT_EQ(alarms_.active().size(), 1U);
  EXPECT_EQ(alarms_.active()[0].why, "1 of 6 servers is up");
  EXPECT_EQ(alarms_.active()[0].since, WallTime(seconds{1'000'000'000}));
  alarms_.clear("pool_in_panic", "brokers");
  alarms_.clear("pool_in_panic", "brokers");
  EXPECT_TRUE(alarms_.active().empty());
  ASSERT_EQ(alarms_.cleared().size(), 1U);
  EXPECT_EQ(alarms_.cleared()[0].cleared_at, now_);
  EXPECT_EQ(told(), (std::vector<std::string>{"raised pool_in_panic brokers", "cleared pool_in_panic brokers"}));
}

TEST_F(AlarmsTest, ASubjectHasItsOwn) {
  alarms_.raise("pool_in_panic", "a", "");
  alarms_.raise("pool_in_panic", "b", "");
  alarms_.raise("ports_short", "a", "");
  alarms_.clear("pool_in_panic", "a");
  alarms_.clear("pool_in_panic", "never raised");
  ASSERT_EQ(alarms_.active().size(), 2U);
  EXPECT_EQ(alarms_.active()[0].subject, "b");
  EXPECT_EQ(alarms_.active()[1].name, "ports_short");
}

TEST_F(AlarmsTest, AreBounded) {
  for (std::size_t i = 0; i < kAlarmsActiveMax + 5; ++i) alarms_.raise("discovery_stale", std::to_string(i), "");
  EXPECT_EQ(alarms_.active().size(), kAlarmsActiveMax);
  EXPECT_EQ(alarms_.not_taken(), 5U);
  for (std::size_t i = 0; i < kAlarmsActiveMax; ++i) alarms_.clear("discovery_stale", std::to_string(i));
  EXPECT_TRUE(alarms_.active().empty());
  ASSERT_EQ(alarms_.cleared().size(), kAlarmsClearedMax);
  EXPECT_EQ(alarms_.cleared().front().subject, std::to_string(kAlarmsActiveMax - 1)) << "the last one first";
}

TEST_F(AlarmsTest, AreJson) {
  alarms_.raise("log_dropping", "", "12 lines");
  alarms_.raise("ports_short", "10.0.0.1", "91 % in use");
  now_ += seconds{90};
  alarms_.clear("log_dropping", "");
  EXPECT_EQ(boost::json::value(alarms_.to_json()),
            *parse_json(R"({"active":[{"name":"ports_short","subject":"10.0.0.1","since":"2001-09-09T01:46:40.000Z",
                             "age_seconds":90.0,"why":"91 % in use"}],
                           "cleared":[{"name":"log_dropping","subject":"","since":"2001-09-09T01:46:40.000Z",
                             "age_seconds":90.0,"why":"12 lines","cleared_at":"2001-09-09T01:48:10.000Z"}]})"));
}

}  // namespace
}  // namespace holdfast::control
