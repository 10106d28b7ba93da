#include <gtest/gtest.h>

#include "broker/core/session_rig.h"

namespace holdfast::broker {
namespace {

using namespace session_rig;

constexpr std::size_t kBytes = sizeof(Message) + 1 + 1;  // of a message with topic "t" and one byte of payload

TEST(SessionQueue, DoesWhatItsPolicySaysWhenItIsFull) {
  struct Case {
    const char* name;
    SessionLimits limits;
    bool online;
    Lines kept;  // of the messages a to e
    Lines lost;
    bool disconnect;
  };
  const auto limits = [](std::uint32_t length, std::uint64_t bytes, WhenFull when_full) {
    return SessionLimits{bytes, length, 1, when_full, false};
  };
  const Case cases[] = {
      {"drop_oldest by length",
       limits(3, 1 << 20, WhenFull::drop_oldest),
       false,
       {"c", "d", "e"},
       {"queue_full t=a", "queue_full t=b"},
       false},
      {"drop_oldest by bytes",
       limits(99, 3 * kBytes, WhenFull::drop_oldest),
       false,
       {"c", "d", "e"},
       {"queue_full t=a", "queue_full t=b"},
       false},
      {"drop_newest by length",
       limits(3, 1 << 20, WhenFull::drop_newest),
       false,
       {"a", "b", "c"},
       {"queue_full t=d", "queue_full t=e"},
       false},
      {"drop_newest by bytes",
       limits(99, 4 * kBytes - 1, WhenFull::drop_newest),
       false,
       {"a", "b", "c"},
       {"queue_full t=d", "queue_full t=e"},
       false},
      {"disconnect, but who is away cannot be",
       limits(3, 1 << 20, WhenFull::disconnect),
       false,
       {"a", "b", "c"},
       {"queue_full t=d", "queue_full t=e"},
       false},
      {"disconnect",
       limits(3, 1 << 20, WhenFull::disconnect),
       true,
       {"a", "b", "c"},
       {"queue_full t=d", "queue_full t=e"},
       true},
      {"no queue",
       limits(0, 1 << 20, WhenFull::drop_oldest),
       false,
       {},
       {"queue_full t=a", "queue_full t=b", "queue_full t=c", "queue_full t=d", "queue_full t=e"},
       false},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.name);
    Rig rig(c.limits);
    rig.deliver(kQos1, "0");  // fills the window
    if (!c.online) rig.cut();
    Outcome outcome;
    for (const char* each : {"a", "b", "c", "d", "e"}) outcome = rig.deliver(kQos1, each);
    EXPECT_EQ(outcome.disconnect, c.disconnect);
    EXPECT_EQ(rig.lost(), c.lost);
    EXPECT_EQ(rig.session.dropped(), c.lost.size());
    EXPECT_EQ(rig.session.queued(), c.kept.size());
    EXPECT_EQ(rig.session.queue_bytes(), c.kept.size() * kBytes);
    if (!c.online) rig.connect();
    rig.sent();
    for (std::uint16_t i = 0; i < c.kept.size(); ++i) {
      EXPECT_EQ(rig.session.on_puback(static_cast<std::uint16_t>(i + 1), Reason::success, rig.context()), nullptr);
      EXPECT_EQ(rig.sent(), Lines{"q1 #" + std::to_string(i + 2) + " t=" + c.kept[i]});
    }
  }
}

TEST(SessionQueue, OneThatCanNeverFitDrivesNobodyOut) {
  Rig rig({.queue_bytes_max = 4 * kBytes});
  rig.cut();
  rig.deliver(kQos1, "a");
  rig.deliver(kQos1, std::string(4 * kBytes, 'x'));
  EXPECT_EQ(rig.lost().size(), 1U);
  EXPECT_EQ(rig.session.queued(), 1U);
  rig.deliver(kQos1, "b");
  rig.deliver(kQos1, std::string(3 * kBytes, 'y'));  // needs the room of both
  EXPECT_EQ(rig.lost(), (Lines{"queue_full t=a", "queue_full t=b"}));
}

TEST(SessionQueue, ExpiredOnesGoFirstWhateverThePolicy) {
  for (const WhenFull when_full : {WhenFull::drop_oldest, WhenFull::drop_newest, WhenFull::disconnect}) {
    Rig rig({.queue_length_max = 2, .when_full = when_full});
    rig.cut();
    rig.deliver(kQos1, "a", rig.now + 1s);
    rig.deliver(kQos1, "b");
    rig.now += 1s;
    EXPECT_EQ(rig.deliver(kQos1, "c").what, Outcome::What::queued);
    EXPECT_EQ(rig.lost(), Lines{"expired t=a"});
  }
}

TEST(SessionQueue, QosZeroWaitsOnlyWhereItIsStored) {
  struct Case {
    const char* name;
    bool store;
    bool online;
    std::size_t room;
    const char* want;  // sent, queued, or the reason
  };
  const Case cases[] = {
      {"there is room", false, true, 1, "sent"}, {"there is room, and it would be stored", true, true, 1, "sent"},
      {"no room", false, true, 0, "not_ready"},  {"no room, stored", true, true, 0, "queued"},
      {"away", false, false, 1, "offline"},      {"away, stored", true, false, 1, "queued"},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.name);
    Rig rig({.store_qos0 = c.store});
    rig.outlet.room = c.room;
    if (!c.online) rig.cut();
    const Outcome outcome = rig.deliver(kQos0, "x");
    constexpr const char* kNames[] = {"sent", "queued"};
    const bool is_dropped = outcome.what == Outcome::What::dropped;
    EXPECT_STREQ(is_dropped ? name(outcome.reason) : kNames[static_cast<int>(outcome.what)], c.want);
    EXPECT_EQ(rig.lost().size(), is_dropped ? 1U : 0U);
  }
}

//= MQTT5 [MQTT-4.6.0-5] type=test
//= MQTT311 [MQTT-4.6.0-6] type=test
TEST(SessionQueue, QosZeroGoesPastAFullWindowUnlessAllWaitInOneLine) {
  for (const bool store : {false, true}) {
    Rig rig({.inflight_max = 1, .store_qos0 = store});
    rig.deliver(kQos1, "a");
    rig.deliver(kQos1, "b");
    rig.deliver(kQos0, "c");
    rig.deliver(kQos1, "d");
    EXPECT_EQ(rig.sent(), store ? Lines{"q1 #1 t=a"} : (Lines{"q1 #1 t=a", "q0 t=c"}));
    EXPECT_EQ(rig.session.on_puback(1, Reason::success, rig.context()), nullptr);
    EXPECT_EQ(rig.sent(), store ? (Lines{"q1 #2 t=b", "q0 t=c"}) : Lines{"q1 #2 t=b"});
    EXPECT_EQ(rig.session.on_puback(2, Reason::success, rig.context()), nullptr);
    EXPECT_EQ(rig.sent(), Lines{"q1 #3 t=d"});
  }
}

TEST(SessionQueue, QosZeroStaysInOrderWhenStoringEnds) {
  Rig rig({.store_qos0 = true});
  rig.outlet.room = 0;
  rig.deliver(kQos0, "a");
  rig.session.set_limits({});
  rig.outlet.room = 1;
  rig.deliver(kQos0, "b");  // not past the one that waits
  EXPECT_EQ(rig.session.pump(rig.context()), 1U);
  rig.outlet.room = 9;
  rig.deliver(kQos0, "c");
  rig.session.pump(rig.context());
  rig.deliver(kQos0, "d");
  EXPECT_EQ(rig.sent(), (Lines{"q0 t=a", "q0 t=b", "q0 t=c", "q0 t=d"}));
}

TEST(SessionQueue, GoesOutAsFastAsTheOutletTakesIt) {
  Rig rig;
  rig.outlet.room = 0;
  for (const char* each : {"a", "b", "c"}) EXPECT_EQ(rig.deliver(kQos1, each).what, Outcome::What::queued);
  rig.outlet.room = 2;
  EXPECT_EQ(rig.session.pump(rig.context()), 2U);
  EXPECT_EQ(rig.session.queued(), 1U);
  rig.outlet.room = 2;
  EXPECT_EQ(rig.deliver(kQos1, "d").what, Outcome::What::queued);  // not before c
  EXPECT_EQ(rig.session.pump(rig.context()), 2U);
  EXPECT_EQ(rig.sent(), (Lines{"q1 #1 t=a", "q1 #2 t=b", "q1 #3 t=c", "q1 #4 t=d"}));
}

}  // namespace
}  // namespace holdfast::broker
