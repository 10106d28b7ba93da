// Every MQTT traffic against a broker that tells the truth, and what is counted when it does not.
#include <gtest/gtest.h>

#include "load/mqtt/lying_broker_testing.h"
#include "load/mqtt/report.h"
#include "load/mqtt/run.h"

namespace holdfast::load {
namespace {

using std::chrono::milliseconds;
using wire::mqtt::Qos;
using wire::mqtt::Version;

class Notes final : public Observer {
 public:
  void on_settled(std::int64_t count) override { open = count; }
  std::int64_t open = -1;
};

MqttSettings settings_for(MqttTraffic traffic, const LyingBroker& broker) {
  MqttSettings settings;
  settings.traffic = traffic;
  settings.target = broker.address;
  settings.clients = 5;
  settings.members = 2;
  settings.duration = milliseconds{60};
  settings.warmup = milliseconds{10};
  settings.drain = milliseconds{60};
  return settings;
}

MqttOutcome run_one(const MqttSettings& settings) {
  Notes notes;
  auto outcome = run_mqtt(settings, -1, notes);
  EXPECT_TRUE(outcome);
  return std::move(*outcome);
}

std::uint64_t count_of(const MqttOutcome& outcome, Failure failure) {
  return outcome.tally.failures[static_cast<std::size_t>(failure)];
}

TEST(MqttRun, CountsEveryDeliveryOfAnHonestBroker) {
  struct Case {
    MqttTraffic traffic;
    std::uint64_t connections, copies;
  };
  const Case cases[] = {{MqttTraffic::pairs, 10, 1}, {MqttTraffic::fanin, 6, 1}, {MqttTraffic::fanout, 6, 5}};
  for (const Case& c : cases) {
    for (const Version version : {Version::v31, Version::v311, Version::v5}) {
      for (const Qos qos : {Qos::at_most_once, Qos::at_least_once}) {
        SCOPED_TRACE(testing::Message() << name(c.traffic) << ", level " << static_cast<int>(version) << ", QoS "
                                        << static_cast<int>(qos));
        const LyingBroker broker(Lie::none);
        MqttSettings settings = settings_for(c.traffic, broker);
        settings.version = version;
        settings.qos = qos;
        settings.drain = std::chrono::seconds{5};  // over when all has come
        MqttOutcome outcome = run_one(settings);
        // A machine that stood still all the time that is measured has counted nothing.
        for (int i = 1; i < 5 && outcome.tally.operations == 0; ++i) outcome = run_one(settings);
        EXPECT_EQ(outcome.failed(), 0U) << to_text(settings, outcome);
        EXPECT_TRUE(outcome.promises_kept(qos));
        EXPECT_EQ(outcome.tally.opened, c.connections);
        EXPECT_GT(outcome.tally.operations, 0U);
        EXPECT_EQ(outcome.tally.delivered, outcome.tally.sent * c.copies);
        EXPECT_EQ(outcome.tally.acknowledged, qos == Qos::at_most_once ? 0 : outcome.tally.sent);
        EXPECT_EQ(outcome.tally.lost + outcome.tally.duplicated + outcome.tally.disordered, 0U);
      }
    }
  }
}

TEST(MqttRun, SendsExactlyWhatTheRateAsksFor) {
  const LyingBroker broker(Lie::none);
  MqttSettings settings = settings_for(MqttTraffic::pairs, broker);
  settings.rate = 1000;
  settings.window = 1000;
  settings.warmup = {};
  const MqttOutcome outcome = run_one(settings);
  EXPECT_EQ(outcome.failed(), 0U) << to_text(settings, outcome);
  EXPECT_EQ(outcome.tally.sent, 60U);
  EXPECT_EQ(outcome.tally.delivered, 60U);
}

TEST(MqttRun, SeesEveryLie) {
  struct Case {
    const char* name;
    Lie lie;
    bool lost, duplicated, disordered;
    bool kept_at_qos_0, kept_at_qos_1;
  };
  const Case cases[] = {
      {"lost", Lie::lose_every_tenth, true, false, false, true, false},
      {"all lost", Lie::lose_all, true, false, false, true, false},
      {"duplicated", Lie::double_every_tenth, false, true, false, false, true},
      {"disordered", Lie::swap_every_tenth, false, false, true, false, false},
  };
  for (const Case& c : cases) {
    for (const MqttTraffic traffic : {MqttTraffic::pairs, MqttTraffic::fanin, MqttTraffic::fanout}) {
      SCOPED_TRACE(testing::Message() << c.name << ", " << name(traffic));
      const LyingBroker broker(c.lie);
      MqttSettings settings = settings_for(traffic, broker);
      settings.rate = 2000;  // 140 messages: the last one of no publisher is one that would have been swapped
      settings.window = 1000;
      const MqttOutcome outcome = run_one(settings);
      EXPECT_EQ(outcome.failed(), 0U) << to_text(settings, outcome);
      EXPECT_GT(outcome.tally.sent, 20U);
      EXPECT_EQ(outcome.tally.lost > 0, c.lost) << to_text(settings, outcome);
      EXPECT_EQ(outcome.tally.duplicated > 0, c.duplicated) << to_text(settings, outcome);
      EXPECT_EQ(outcome.tally.disordered > 0, c.disordered) << to_text(settings, outcome);
      EXPECT_EQ(outcome.promises_kept(Qos::at_most_once), c.kept_at_qos_0);
      EXPECT_EQ(outcome.promises_kept(Qos::at_least_once), c.kept_at_qos_1);
    }
  }
}

// Each of the two members of this broker gets everything.
TEST(MqttRun, SeesWhenASharedSubscriptionIsNotShared) {
  const LyingBroker broker(Lie::none);
  const MqttOutcome outcome = run_one(settings_for(MqttTraffic::shared, broker));
  EXPECT_EQ(outcome.tally.duplicated, outcome.tally.sent);
  EXPECT_EQ(outcome.tally.lost, 0U);
}

TEST(MqttRun, GoesOnWhenAWholeWindowIsLost) {
  const LyingBroker broker(Lie::lose_all);
  MqttSettings settings = settings_for(MqttTraffic::pairs, broker);
  settings.duration = milliseconds{2200};
  const MqttOutcome outcome = run_one(settings);
  EXPECT_GE(outcome.tally.stalls, 5U);
  EXPECT_GE(outcome.tally.sent, 40U);
  EXPECT_EQ(outcome.tally.lost, outcome.tally.sent);
}

TEST(MqttRun, CountsWhatTheBrokerRefuses) {
  struct Case {
    const char* name;
    Lie lie;
    Failure failure;
  };
  const Case cases[] = {
      {"clients", Lie::refuse_clients, Failure::rejected},
      {"subscriptions", Lie::refuse_subscriptions, Failure::rejected},
      {"messages", Lie::refuse_messages, Failure::rejected},
      {"no acknowledgement", Lie::never_acknowledge, Failure::unanswered},
      {"foreign messages", Lie::send_foreign, Failure::wrong_reply},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.name);
    const LyingBroker broker(c.lie);
    MqttSettings settings = settings_for(MqttTraffic::pairs, broker);
    settings.qos = Qos::at_least_once;
    settings.window = 20;
    const MqttOutcome outcome = run_one(settings);
    EXPECT_GT(count_of(outcome, c.failure), 0U) << to_text(settings, outcome);
  }
}

TEST(MqttRun, ConnectsAsManyAsWanted) {
  for (const Staying staying : {Staying::leave, Staying::keep}) {
    const LyingBroker broker(Lie::none);
    MqttSettings settings = settings_for(MqttTraffic::connect, broker);
    settings.staying = staying;
    settings.count = 30;
    settings.warmup = {};
    settings.duration = std::chrono::minutes{1};
    const MqttOutcome outcome = run_one(settings);
    EXPECT_EQ(outcome.failed(), 0U) << to_text(settings, outcome);
    EXPECT_EQ(outcome.tally.operations, 30U);
    EXPECT_EQ(outcome.tally.latency.count(), 30U);
    EXPECT_LT(outcome.measured, std::chrono::seconds{30}) << "it ends with the last one";
  }
}

TEST(MqttRun, HoldsClientsThatHaveSaidAll) {
  for (const Subscribing subscribing : {Subscribing::none, Subscribing::own}) {
    const LyingBroker broker(Lie::none);
    MqttSettings settings = settings_for(MqttTraffic::hold, broker);
    settings.subscribing = subscribing;
    settings.first_messages = 3;
    settings.qos = Qos::at_least_once;
    settings.rate = 1000;
    settings.clients = 20;
    const MqttOutcome outcome = run_one(settings);
    EXPECT_EQ(outcome.failed(), 0U) << to_text(settings, outcome);
    EXPECT_EQ(outcome.held, 20);
    EXPECT_EQ(outcome.gone, 0);
    EXPECT_EQ(outcome.tally.acknowledged, 60U);
    EXPECT_EQ(outcome.tally.delivered, subscribing == Subscribing::own ? 60U : 0U);
  }
}

TEST(MqttRun, CarriesMessagesThatNoSocketTakesAtOnce) {
  const LyingBroker broker(Lie::none);
  MqttSettings settings = settings_for(MqttTraffic::pairs, broker);
  settings.clients = 2;
  settings.message_bytes = kMessageBytesMax;
  settings.window = 3;
  const MqttOutcome outcome = run_one(settings);
  EXPECT_EQ(outcome.failed(), 0U) << to_text(settings, outcome);
  EXPECT_GT(outcome.tally.delivered, 0U);
  EXPECT_EQ(outcome.tally.delivered, outcome.tally.sent);
}

TEST(MqttRun, SaysAtOnceThatNobodyListens) {
  MqttSettings settings;
  {
    const LyingBroker broker(Lie::none);
    settings = settings_for(MqttTraffic::pairs, broker);
  }
  Notes notes;
  const auto outcome = run_mqtt(settings, -1, notes);
  ASSERT_FALSE(outcome);
  EXPECT_EQ(outcome.error().code, base::Errc::refused);
}

TEST(MqttReport, IsOneLineOfJsonAndAlignedText) {
  MqttSettings settings;
  settings.target = *net::SocketAddress::from(*base::parse_endpoint("127.0.0.1:1883"));
  settings.qos = Qos::at_least_once;
  MqttOutcome outcome;
  outcome.measured = std::chrono::seconds{2};
  outcome.tally.operations = 10;
  outcome.tally.sent = 12;
  outcome.tally.lost = 2;
  outcome.tally.latency.record(std::chrono::microseconds{100});
  const std::string json = to_json(settings, outcome);
  EXPECT_EQ(json.find('\n'), std::string::npos);
  EXPECT_NE(json.find("\"traffic\":\"mqtt pairs\""), std::string::npos) << json;
  EXPECT_NE(json.find("\"per_second\":5.00"), std::string::npos) << json;
  EXPECT_NE(json.find("\"lost\":2"), std::string::npos) << json;
  EXPECT_NE(json.find("\"p99\":100.00"), std::string::npos) << json;
  const std::string text = to_text(settings, outcome);
  EXPECT_NE(text.find("\nof them      2 lost, 0 duplicated, 0 out of order\n"), std::string::npos) << text;
}

}  // namespace
}  // namespace holdfast::load
