#include "broker/core/session.h"

#include <gtest/gtest.h>

#include "broker/core/session_rig.h"

namespace holdfast::broker {
namespace {

using namespace session_rig;

// --- the way of one message to the client ---

enum class State { none, awaiting_puback, awaiting_pubrec, awaiting_pubcomp };

// Message x is in that state then, as packet 1.
void bring_to(State state, Rig& rig) {
  if (state != State::none) rig.deliver(state == State::awaiting_puback ? kQos1 : kQos2, "x");
  if (state == State::awaiting_pubcomp) (void)rig.session.on_pubrec(1, Reason::success, rig.context());
  rig.sent();
}

const wire::mqtt::Fault* acknowledge(Rig& rig, PacketType type, Reason reason) {
  switch (type) {
    case PacketType::puback: return rig.session.on_puback(1, reason, rig.context());
    case PacketType::pubrec: return rig.session.on_pubrec(1, reason, rig.context());
    default: return rig.session.on_pubcomp(1, reason, rig.context());
  }
}

//= MQTT5 [MQTT-4.3.2-3] type=test
//= MQTT5 [MQTT-4.3.3-3] type=test
//= MQTT5 [MQTT-4.3.3-4] type=test
//= MQTT5 [MQTT-4.3.3-5] type=test
//= MQTT5 [MQTT-4.4.0-2] type=test
//= MQTT311 [MQTT-4.3.2-1] type=test
//= MQTT311 [MQTT-4.3.3-1] type=test
TEST(Session, TakesAcknowledgementsAsTheTableSays) {
  constexpr Reason kOk = Reason::success;
  constexpr Reason kNo = Reason::quota_exceeded;
  struct Case {
    State state;
    PacketType type;
    Reason reason;
    bool is_fault;
    Lines sent;
    Lines lost;
    std::uint32_t inflight;
  };
  const Case cases[] = {
      {State::none, PacketType::puback, kOk, false, {}, {}, 0},
      {State::none, PacketType::puback, kNo, false, {}, {}, 0},
      {State::none, PacketType::pubrec, kOk, false, {"PUBREL #1 0x92"}, {}, 0},
      {State::none, PacketType::pubrec, kNo, false, {}, {}, 0},
      {State::none, PacketType::pubcomp, kOk, false, {}, {}, 0},
      {State::awaiting_puback, PacketType::puback, kOk, false, {}, {}, 0},
      {State::awaiting_puback, PacketType::puback, Reason::no_matching_subscribers, false, {}, {}, 0},
      {State::awaiting_puback, PacketType::puback, kNo, false, {}, {"refused t=x"}, 0},
      {State::awaiting_puback, PacketType::pubrec, kOk, true, {}, {}, 1},
      {State::awaiting_puback, PacketType::pubrec, kNo, true, {}, {}, 1},
      {State::awaiting_puback, PacketType::pubcomp, kOk, true, {}, {}, 1},
      {State::awaiting_pubrec, PacketType::puback, kOk, true, {}, {}, 1},
      {State::awaiting_pubrec, PacketType::pubrec, kOk, false, {"PUBREL #1"}, {}, 1},
      {State::awaiting_pubrec, PacketType::pubrec, kNo, false, {}, {"refused t=x"}, 0},
      {State::awaiting_pubrec, PacketType::pubcomp, kOk, true, {}, {}, 1},
      {State::awaiting_pubcomp, PacketType::puback, kOk, true, {}, {}, 1},
      {State::awaiting_pubcomp, PacketType::pubrec, kOk, false, {"PUBREL #1"}, {}, 1},
      {State::awaiting_pubcomp, PacketType::pubrec, kNo, false, {}, {}, 0},
      {State::awaiting_pubcomp, PacketType::pubcomp, kOk, false, {}, {}, 0},
      {State::awaiting_pubcomp, PacketType::pubcomp, Reason::packet_identifier_not_found, false, {}, {}, 0},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(testing::Message() << static_cast<int>(c.state) << " " << wire::mqtt::name(c.type) << " "
                                    << static_cast<int>(c.reason));
    Rig rig;
    bring_to(c.state, rig);
    const wire::mqtt::Fault* fault = acknowledge(rig, c.type, c.reason);
    EXPECT_EQ(fault != nullptr && fault->reason == Reason::protocol_error, c.is_fault);
    EXPECT_EQ(rig.sent(), c.sent);
    EXPECT_EQ(rig.lost(), c.lost);
    EXPECT_EQ(rig.session.inflight(), c.inflight);
  }
}

//= MQTT5 [MQTT-3.3.1-1] type=test
//= MQTT5 [MQTT-4.3.3-6] type=test
//= MQTT5 [MQTT-4.4.0-1] type=test
//= MQTT311 [MQTT-3.3.1-1] type=test
//= MQTT311 [MQTT-4.4.0-1] type=test
TEST(Session, SendsAgainWhatANewConnectionHasToKnow) {
  struct Case {
    State state;
    Lines again;
  };
  const Case cases[] = {
      {State::none, {}},
      {State::awaiting_puback, {"q1 #1 t=x dup"}},
      {State::awaiting_pubrec, {"q2 #1 t=x dup"}},
      {State::awaiting_pubcomp, {"PUBREL #1"}},
  };
  for (const Case& c : cases) {
    for (const bool is_take_over : {false, true}) {
      SCOPED_TRACE(static_cast<int>(c.state));
      Rig rig;
      bring_to(c.state, rig);
      EXPECT_EQ(rig.session.pump(rig.context()), 0U);  // never on the same connection
      EXPECT_TRUE(rig.sent().empty());
      if (!is_take_over) rig.cut();
      rig.connect();
      EXPECT_EQ(rig.sent(), c.again);
      EXPECT_EQ(rig.session.pump(rig.context()), 0U);
    }
  }
}

//= MQTT311 [MQTT-4.6.0-1] type=test
TEST(Session, SendsAgainInTheOrderOfBeforeAndThenTheRest) {
  Rig rig({.inflight_max = 4});
  for (const char* each : {"a", "b", "c", "d", "e"}) rig.deliver(each[0] % 2 == 0 ? kQos2 : kQos1, each);
  EXPECT_EQ(rig.sent(), (Lines{"q1 #1 t=a", "q2 #2 t=b", "q1 #3 t=c", "q2 #4 t=d"}));
  EXPECT_EQ(rig.session.on_pubrec(4, Reason::success, rig.context()), nullptr);
  EXPECT_EQ(rig.session.on_puback(3, Reason::success, rig.context()), nullptr);
  EXPECT_EQ(rig.sent(), (Lines{"PUBREL #4", "q1 #5 t=e"}));
  rig.cut();
  rig.deliver(kQos1, "f");
  rig.connect();
  EXPECT_EQ(rig.sent(), (Lines{"q1 #1 t=a dup", "q2 #2 t=b dup", "PUBREL #4", "q1 #5 t=e dup"}));
  EXPECT_EQ(rig.session.on_puback(1, Reason::success, rig.context()), nullptr);
  EXPECT_EQ(rig.sent(), (Lines{"q1 #6 t=f"}));
}

TEST(Session, SendsAgainAsFastAsTheOutletTakesIt) {
  Rig rig;
  for (const char* each : {"a", "b", "c"}) rig.deliver(kQos1, each);
  rig.cut();
  rig.outlet.room = 0;
  rig.deliver(kQos1, "d");
  rig.online = true;
  rig.outlet.restart({});
  rig.outlet.room = 2;
  rig.session.attach(rig.context());
  rig.deliver(kQos1, "e");
  EXPECT_EQ(rig.sent(), (Lines{"q1 #1 t=a dup", "q1 #2 t=b dup"}));
  EXPECT_EQ(rig.session.on_puback(3, Reason::success, rig.context()), nullptr);  // late, from before
  rig.outlet.room = 9;
  EXPECT_EQ(rig.session.pump(rig.context()), 2U);
  EXPECT_EQ(rig.sent(), (Lines{"q1 #4 t=d", "q1 #5 t=e"}));
}

// --- how many at a time ---

//= MQTT5 [MQTT-3.3.4-9] type=test
//= MQTT5 [MQTT-4.9.0-2] type=test
TEST(Session, HasNoMoreInFlightThanBothSidesAllow) {
  struct Case {
    std::uint16_t inflight_max;
    std::uint16_t receive_maximum;
    std::uint32_t want;
  };
  const Case cases[] = {{3, 65'535, 3}, {32, 2, 2}, {1, 1, 1}, {0, 5, 1}};
  for (const Case& c : cases) {
    Rig rig({.inflight_max = c.inflight_max}, {.receive_maximum = c.receive_maximum});
    for (int i = 0; i < 40; ++i) {
      const Outcome outcome = rig.deliver(kQos1, "x");
      EXPECT_EQ(outcome.what, rig.session.queued() == 0 ? Outcome::What::sent : Outcome::What::queued);
    }
    EXPECT_EQ(rig.session.inflight(), c.want);
    EXPECT_EQ(rig.session.queued(), 40 - c.want);
    EXPECT_EQ(rig.session.on_puback(1, Reason::success, rig.context()), nullptr);
    EXPECT_EQ(rig.sent().size(), c.want + 1);
    EXPECT_EQ(rig.session.inflight(), c.want);
  }
}

//= MQTT5 [MQTT-3.3.4-9] type=test
TEST(Session, KeepsToTheReceiveMaximumOfANewConnectionAlsoWhenItSendsAgain) {
  Rig rig;
  for (const char* each : {"a", "b", "c"}) rig.deliver(kQos1, each);
  rig.deliver(kQos2, "d");
  EXPECT_EQ(rig.session.on_pubrec(4, Reason::success, rig.context()), nullptr);
  rig.cut();
  rig.connect({.receive_maximum = 2});
  rig.sent();
  rig.connect({.receive_maximum = 2});
  EXPECT_EQ(rig.sent(), (Lines{"q1 #1 t=a dup", "q1 #2 t=b dup"}));
  EXPECT_EQ(rig.session.on_puback(2, Reason::success, rig.context()), nullptr);
  EXPECT_EQ(rig.sent(), (Lines{"q1 #3 t=c dup", "PUBREL #4"}));
  rig.deliver(kQos1, "e");
  EXPECT_EQ(rig.session.on_puback(1, Reason::success, rig.context()), nullptr);
  EXPECT_TRUE(rig.sent().empty());  // 3 and 4 are the two
  EXPECT_EQ(rig.session.on_pubcomp(4, Reason::success, rig.context()), nullptr);
  EXPECT_EQ(rig.sent(), Lines{"q1 #5 t=e"});
}

// --- what is sent ---

//= MQTT5 [MQTT-3.3.4-2] type=test
//= MQTT5 [MQTT-3.3.1-2] type=test
//= MQTT311 [MQTT-3.3.5-1] type=test
TEST(Session, SendsAtTheLowerOfTheTwoQualities) {
  const Qos all[] = {kQos0, kQos1, kQos2};
  for (const Qos published : all) {
    for (const Qos granted : all) {
      Rig rig;
      rig.session.deliver(Rig::message(published, "x"), {.qos = granted}, rig.context());
      const auto lower = static_cast<int>(std::min(published, granted));
      EXPECT_EQ(rig.sent(), Lines{lower == 0 ? "q0 t=x" : "q" + std::to_string(lower) + " #1 t=x"});
      EXPECT_EQ(rig.session.inflight(), lower == 0 ? 0U : 1U);
    }
  }
}

//= MQTT5 [MQTT-3.3.4-3] type=test
//= MQTT5 [MQTT-3.3.4-4] type=test
TEST(Session, SendsTheIdentifiersOfAllSubscriptionsWithOneCopy) {
  const std::vector<std::uint32_t> lists[] = {{}, {7}, {7, 8, 268'435'455}};
  const std::string want[] = {"", " ids=7", " ids=7,8,268435455"};
  for (std::size_t i = 0; i < std::size(lists); ++i) {
    for (const Qos qos : {kQos0, kQos1}) {
      Rig rig({.store_qos0 = true});
      const MessageRef message = Rig::message(qos, "x");
      const Delivery delivery{.qos = qos, .retain = true, .subscription_ids = lists[i]};
      const std::string line = qos == kQos0 ? "q0 t=x" : "q1 #1 t=x";
      rig.session.deliver(message, delivery, rig.context());
      EXPECT_EQ(rig.sent(), Lines{line + " retain" + want[i]});
      rig.cut();
      rig.session.deliver(message, delivery, rig.context());
      rig.connect();
      const Lines queued = rig.sent();
      EXPECT_EQ(queued.back(), (qos == kQos0 ? "q0 t=x" : "q1 #2 t=x") + std::string(" retain") + want[i]);
      EXPECT_EQ(queued.front(), qos == kQos1 ? line + " dup retain" + want[i] : queued.back());
    }
  }
}

TEST(Session, SaysNothingOfMqtt5ToOlderClients) {
  Rig rig({}, {.version = Version::v311});
  rig.outlet.aliases = OutboundAliases(10);
  const std::uint32_t ids[] = {1, 2};
  const MessageRef message = Message::make({.expires = rig.now + 5s, .topic = "long/enough/for/an/alias"});
  for (int i = 0; i < 3; ++i) {
    rig.session.deliver(message, {.subscription_ids = ids}, rig.context());
    EXPECT_EQ(rig.sent(), Lines{"q0 long/enough/for/an/alias="});
  }
}

TEST(Session, UsesAliasesThatTheClientAllows) {
  Rig rig;
  rig.outlet.aliases = OutboundAliases(1);
  const MessageRef message = Rig::message(kQos1, "x", Message::kNever, "sensors/1");
  for (int i = 0; i < 4; ++i) rig.session.deliver(message, {.qos = kQos1}, rig.context());
  EXPECT_EQ(rig.sent(),
            (Lines{"q1 #1 sensors/1=x", "q1 #2 sensors/1=x alias=1", "q1 #3 =x alias=1", "q1 #4 =x alias=1"}));
  rig.connect();  // names go with the connection
  EXPECT_EQ(rig.sent(), (Lines{"q1 #1 sensors/1=x dup", "q1 #2 sensors/1=x dup", "q1 #3 sensors/1=x dup",
                               "q1 #4 sensors/1=x dup"}));
}

TEST(Session, LeavesTheMountpointAway) {
  Rig rig({}, {.topic_prefix_bytes = 4});
  rig.session.deliver(Rig::message(kQos0, "x", Message::kNever, "abc/t"), {}, rig.context());
  EXPECT_EQ(rig.sent(), Lines{"q0 t=x"});
}

//= MQTT5 [MQTT-3.3.2-5] type=test
//= MQTT5 [MQTT-3.3.2-6] type=test
//= MQTT5 [MQTT-4.3.3-7] type=test
TEST(Session, LetsMessagesExpireThatWaitAndTellsTheOthersHowLongTheyLive) {
  Rig rig({.inflight_max = 1, .store_qos0 = true});
  rig.deliver(kQos1, "a", rig.now + 10s);
  EXPECT_EQ(rig.sent(), Lines{"q1 #1 t=a expiry=10"});
  rig.deliver(kQos1, "b", rig.now + 10s);
  rig.deliver(kQos1, "c", rig.now + 20s);
  rig.deliver(kQos0, "d", rig.now + 10s);
  rig.deliver(kQos2, "e", rig.now);
  EXPECT_EQ(rig.lost(), Lines{"expired t=e"});
  rig.now += 10s;
  rig.deliver(kQos0, "f", rig.now - 1s);
  EXPECT_EQ(rig.lost(), Lines{"expired t=f"});
  rig.connect();  // its delivery has begun: it is sent again however late it is
  EXPECT_EQ(rig.sent(), Lines{"q1 #1 t=a dup expiry=0"});
  rig.now += 500ms;
  EXPECT_EQ(rig.session.on_puback(1, Reason::success, rig.context()), nullptr);
  EXPECT_EQ(rig.lost(), (Lines{"expired t=b", "expired t=d"}));
  EXPECT_EQ(rig.sent(), Lines{"q1 #2 t=c expiry=10"});
  EXPECT_EQ(rig.session.queued(), 0U);
}

//= MQTT5 [MQTT-3.1.2-24] type=test
//= MQTT5 [MQTT-3.1.2-25] type=test
TEST(Session, DropsWhatIsTooLargeForTheClientAndGoesOn) {
  const std::string payload(20, 'x');
  const std::size_t bytes_qos1 = 2 + 2 + 1 + 2 + 1 + payload.size();  // head, "t", identifier, no properties, payload
  for (const Version version : {Version::v5, Version::v311}) {
    const auto size = static_cast<std::uint32_t>(bytes_qos1 - (version == Version::v5 ? 0 : 1));
    for (const std::uint32_t bytes_max : {size, size - 1}) {
      const LinkTerms terms{.version = version, .packet_bytes_max = bytes_max};
      const Lines lost = bytes_max == size ? Lines{} : Lines{"too_large t=" + payload};
      Rig now({}, terms);
      const Outcome outcome = now.deliver(kQos1, payload);
      EXPECT_EQ(outcome.what, lost.empty() ? Outcome::What::sent : Outcome::What::dropped);
      EXPECT_EQ(now.lost(), lost);
      now.deliver(kQos0, payload);  // two bytes less
      EXPECT_EQ(now.sent().size(), lost.empty() ? 2U : 1U);
      Rig later;
      later.deliver(kQos1, payload);
      later.cut();
      later.deliver(kQos1, payload);
      later.sent();
      later.connect(terms);
      EXPECT_EQ(later.session.inflight(), lost.empty() ? 2U : 0U);
      EXPECT_EQ(later.lost().size(), lost.empty() ? 0U : 2U);
      EXPECT_EQ(later.deliver(kQos1, "y").what, Outcome::What::sent);
    }
  }
}

TEST(Session, DoesWithoutAnAliasWhereItsNameDoesNotFit) {
  Rig rig({}, {.packet_bytes_max = 2 + 2 + 9 + 1 + 3});
  rig.outlet.aliases = OutboundAliases(1);
  const MessageRef message = Rig::message(kQos0, "abc", Message::kNever, "sensors/1");
  for (int i = 0; i < 3; ++i) rig.session.deliver(message, {}, rig.context());
  EXPECT_EQ(rig.sent(), Lines(3, "q0 sensors/1=abc"));
}

// --- its life ---

//= MQTT5 [MQTT-3.1.2-23] type=test
TEST(Session, EndsWhenItsTimeAfterTheConnectionHasPassed) {
  struct Case {
    Seconds interval;
    base::Time want;
  };
  const Case cases[] = {{Seconds{0}, kStart}, {Seconds{60}, kStart + 60s}, {wire::mqtt::kNever, base::Time::max()}};
  for (const Case& c : cases) {
    Rig rig;
    rig.session.set_expiry(c.interval);
    EXPECT_EQ(rig.session.ends_at(), base::Time::max());
    rig.cut();
    EXPECT_EQ(rig.session.ends_at(), c.want);
    rig.connect();
    EXPECT_EQ(rig.session.ends_at(), base::Time::max());
  }
}

TEST(Session, ADisconnectMayNotGiveItAnEndlessLife) {
  Rig rig;
  EXPECT_EQ(rig.session.change_expiry(Seconds{0}), nullptr);
  const wire::mqtt::Fault* fault = rig.session.change_expiry(Seconds{1});
  ASSERT_NE(fault, nullptr);
  EXPECT_EQ(fault->reason, Reason::protocol_error);
  rig.session.set_expiry(Seconds{5});
  EXPECT_EQ(rig.session.change_expiry(Seconds{9}), nullptr);
  EXPECT_EQ(rig.session.expiry(), Seconds{9});
  EXPECT_EQ(rig.session.change_expiry(Seconds{0}), nullptr);
}

TEST(Session, TellsTheLedgerOfAllItHasWhenItEnds) {
  Rig rig({.inflight_max = 2});
  rig.session.deliver(Rig::message(kQos1, "a"), {.qos = kQos1, .share_group = 4}, rig.context());
  rig.session.deliver(Rig::message(kQos2, "b"), {.qos = kQos2, .share_group = 5}, rig.context());
  rig.deliver(kQos1, "c");
  EXPECT_EQ(rig.session.on_pubrec(2, Reason::success, rig.context()), nullptr);
  rig.cut();
  rig.session.discard(rig.ledger);
  EXPECT_EQ(rig.lost(), (Lines{"settled 4", "session_ended t=a", "settled 5", "session_ended t=c"}));
  EXPECT_EQ(rig.session.inflight() + rig.session.queued(), 0U);
  EXPECT_EQ(rig.session.dropped(), 2U);
}

// --- shared groups ---

//= MQTT5 4.8.2 type=test
TEST(Session, GivesAwayWhatAnotherMemberMayHave) {
  Rig rig({.inflight_max = 3, .store_qos0 = true});
  const auto deliver = [&](Qos qos, std::string_view payload, std::uint32_t group) {
    rig.session.deliver(Rig::message(qos, payload), {.qos = qos, .share_group = group}, rig.context());
  };
  deliver(kQos1, "a", 1);
  deliver(kQos2, "b", 2);  // was sent: stays
  deliver(kQos1, "c", kNoShareGroup);
  deliver(kQos1, "d", 3);
  deliver(kQos2, "e", 4);
  deliver(kQos0, "f", 5);
  deliver(kQos1, "g", kNoShareGroup);
  rig.cut();
  Lines given;
  rig.session.take_shared(
      rig.ledger, [](const Message&, std::uint32_t group) { return group != 4; },  // "e" has nowhere else to go
      [&](const MessageRef& message, std::uint32_t group) {
        given.push_back(text_of_message(message->topic(), *message) + " " + std::to_string(group));
      });
  EXPECT_EQ(given, (Lines{"t=a 1", "t=d 3", "t=f 5"}));
  EXPECT_EQ(rig.lost(), (Lines{"settled 1", "settled 3"}));
  rig.sent();
  rig.connect();
  EXPECT_EQ(rig.sent(), (Lines{"q2 #2 t=b dup", "q1 #3 t=c dup", "q2 #4 t=e"}));
}

TEST(Session, KeepsForItselfWhatItHasFromAGroupItHasLeft) {
  Rig rig({.inflight_max = 1});
  for (const std::uint32_t group : {7U, 7U, 8U}) {
    rig.session.deliver(Rig::message(kQos1, "x"), {.qos = kQos1, .share_group = group}, rig.context());
  }
  rig.session.keep_shared(7);
  std::size_t given = 0;
  rig.session.take_shared(
      rig.ledger, [](const Message&, std::uint32_t) { return true; },
      [&](const MessageRef&, std::uint32_t) { ++given; });
  EXPECT_EQ(given, 1U);
  EXPECT_EQ(rig.session.on_puback(1, Reason::success, rig.context()), nullptr);
  EXPECT_EQ(rig.lost(), (Lines{"settled 8"})) << "the group 7 means nothing here any more";
}

TEST(Session, TellsWhenASharedCopyIsDoneWith) {
  Rig rig({.queue_length_max = 0, .inflight_max = 2});
  const auto deliver = [&](Qos qos, std::uint32_t group) {
    rig.session.deliver(Rig::message(qos, "x"), {.qos = qos, .share_group = group}, rig.context());
  };
  deliver(kQos1, 1);
  deliver(kQos2, 2);
  deliver(kQos1, 3);  // no room
  deliver(kQos0, 4);  // is never counted
  EXPECT_EQ(rig.lost(), (Lines{"settled 3", "queue_full t=x"}));
  EXPECT_EQ(rig.session.on_puback(1, Reason::success, rig.context()), nullptr);
  EXPECT_EQ(rig.session.on_pubrec(2, Reason::success, rig.context()), nullptr);
  EXPECT_EQ(rig.lost(), Lines{"settled 1"});
  EXPECT_EQ(rig.session.on_pubcomp(2, Reason::success, rig.context()), nullptr);
  EXPECT_EQ(rig.lost(), Lines{"settled 2"});
}

// --- its subscriptions ---

//= MQTT5 [MQTT-3.8.4-3] type=test
TEST(Session, HasOneSubscriptionForAFilter) {
  Rig rig;
  Session& session = rig.session;
  EXPECT_EQ(session.subscribe("b", {.qos = kQos1}), Session::Subscribed::fresh);
  EXPECT_EQ(session.subscribe("a/+", {}), Session::Subscribed::fresh);
  EXPECT_EQ(session.subscribe("b", {.qos = kQos2, .identifier = 4}), Session::Subscribed::replaced);
  ASSERT_EQ(session.subscriptions().size(), 2U);
  EXPECT_EQ(session.subscriptions()[0].filter.view(), "a/+");
  ASSERT_NE(session.find_subscription("b"), nullptr);
  EXPECT_EQ(*session.find_subscription("b"), (SubscriptionOptions{.qos = kQos2, .identifier = 4}));
  EXPECT_EQ(session.find_subscription("c"), nullptr);
  EXPECT_FALSE(session.unsubscribe("c"));
  EXPECT_TRUE(session.unsubscribe("b"));
  EXPECT_FALSE(session.unsubscribe("b"));
  EXPECT_EQ(session.subscriptions().size(), 1U);
}

}  // namespace
}  // namespace holdfast::broker
