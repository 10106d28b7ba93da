#include "broker/core/session_record.h"

#include <gtest/gtest.h>

#include "broker/core/session_rig.h"

namespace holdfast::broker {
namespace {

using namespace session_rig;

const std::uint32_t kIds[] = {3, 5};
const std::uint16_t kInboundIds[] = {5, 2, 9};

// With something of everything.
void fill(Rig& rig) {
  rig.session.set_limits({.inflight_max = 3, .store_qos0 = true});
  rig.session.set_expiry(Seconds{100});
  rig.session.subscribe("a/+", {.qos = kQos1, .no_local = true, .retain_handling = RetainHandling::do_not_send});
  rig.session.subscribe("$share/g/#", {.qos = kQos2, .retain_as_published = true, .identifier = 77});
  const auto properties = std::as_bytes(std::span("\x01\x01", 2));
  const MessageRef full = Message::make({.id = {.number = 9, .epoch = 8, .node = 7},
                                         .qos = kQos2,
                                         .retain = true,
                                         .expires = rig.now + 30s,
                                         .topic = "a/b",
                                         .properties = properties,
                                         .payload = properties});
  rig.session.deliver(full, {.qos = kQos1, .retain = true, .subscription_ids = kIds}, rig.context());
  rig.deliver(kQos2, "x");
  rig.deliver(kQos2, "y");
  (void)rig.session.on_pubrec(2, Reason::success, rig.context());
  rig.session.deliver(full, {.qos = kQos2, .subscription_ids = std::span(kIds).first(1)}, rig.context());
  rig.deliver(kQos0, "z");
  for (const std::uint16_t id : kInboundIds) {
    const Arrival arrival = rig.session.on_publish(kQos2, id, rig.context());
    if (id != 9) rig.session.on_taken(arrival.ticket, Reason::success, rig.context());
  }
}

struct Records {
  std::vector<std::byte> subscriptions;
  std::vector<std::byte> state;
};

Records export_of(const Rig& rig) { return {rig.session.export_subscriptions(), rig.session.export_state(rig.now)}; }

// An empty session with these records in it, not connected.
bool import_into(Rig& rig, const Records& records) {
  rig.cut();
  rig.session.set_limits({.inflight_max = 3, .store_qos0 = true});
  return rig.session.import_subscriptions(records.subscriptions).has_value() &&
         rig.session.import_state(records.state, rig.ledger, rig.now).has_value();
}

TEST(SessionRecord, ArrivesAsItLeft) {
  Rig here;
  fill(here);
  here.cut();
  here.now += 10s;
  const Records records = export_of(here);
  Rig there;
  there.now = kStart - 1h;  // another machine
  ASSERT_TRUE(import_into(there, records));
  EXPECT_EQ(export_of(there).subscriptions, records.subscriptions);
  EXPECT_EQ(export_of(there).state, records.state);
  EXPECT_EQ(there.session.ends_at(), there.now + 90s);
  EXPECT_EQ(there.session.inflight(), 3U);
  EXPECT_EQ(there.session.queue_bytes(), here.session.queue_bytes());
  EXPECT_EQ(there.session.inbound().qos2_ids(), (std::vector<std::uint16_t>{2, 5, 9}));
  here.sent();
  here.connect();
  there.connect();
  const Lines want = here.sent();
  EXPECT_EQ(want.size(), 3U);
  EXPECT_EQ(there.sent(), want);
  EXPECT_EQ(want[0], "q1 #1 a/b=\x01\x01 dup retain ids=3,5 expiry=20");
  EXPECT_EQ(there.session.on_pubcomp(2, Reason::success, there.context()), nullptr);
  EXPECT_EQ(there.sent(), (Lines{"q2 #4 a/b=\x01\x01 ids=3 expiry=20", "q0 t=z"}));
  EXPECT_EQ(*there.session.find_subscription("$share/g/#"),
            (SubscriptionOptions{.qos = kQos2, .retain_as_published = true, .identifier = 77}));
}

TEST(SessionRecord, OfAnEmptySessionIsSmall) {
  Rig here;
  const Records records = export_of(here);
  EXPECT_EQ(records.subscriptions.size(), 5U);
  EXPECT_EQ(records.state.size(), 1U + 4 + 8 + 2 + 3 * 4);
  Rig there;
  EXPECT_TRUE(import_into(there, records));
}

TEST(SessionRecord, IsRefusedWhereverItIsCutAndWhenItGoesOn) {
  Rig here;
  fill(here);
  const Records records = export_of(here);
  for (std::size_t cut = 0; cut < records.subscriptions.size(); ++cut) {
    Rig there;
    const auto result = there.session.import_subscriptions(std::span(records.subscriptions).first(cut));
    ASSERT_FALSE(result.has_value()) << cut;
    EXPECT_EQ(result.error().code, base::Errc::malformed);
    EXPECT_TRUE(there.session.subscriptions().empty());
  }
  for (std::size_t cut = 0; cut < records.state.size(); ++cut) {
    Rig there;
    there.cut();
    const auto result = there.session.import_state(std::span(records.state).first(cut), there.ledger, there.now);
    ASSERT_FALSE(result.has_value()) << cut;
    EXPECT_EQ(there.session.inflight() + there.session.queued(), 0U);
  }
  for (std::vector<std::byte> Records::*each : {&Records::subscriptions, &Records::state}) {
    Records longer = records;
    (longer.*each).push_back(std::byte{0});
    Rig there;
    EXPECT_FALSE(import_into(there, longer));
  }
}

// Whatever it then is: it is refused, or it is a session that says the same of itself again.
TEST(SessionRecord, WithAnyByteChangedIsRefusedOrStillASession) {
  Rig here;
  fill(here);
  const Records records = export_of(here);
  for (std::size_t i = 0; i < records.state.size() * 8; ++i) {
    Records other = records;
    other.state[i / 8] ^= std::byte{1} << i % 8;
    Rig there;
    if (!import_into(there, other)) continue;
    EXPECT_EQ(there.session.export_state(there.now), other.state) << i;
    there.connect();
  }
}

TEST(SessionRecord, OfAnotherVersionIsRefused) {
  Rig here;
  Records records = export_of(here);
  records.state[0] = std::byte{kSessionRecordVersion + 1};
  Rig there;
  EXPECT_FALSE(import_into(there, records));
}

TEST(SessionRecord, GoesOnlyIntoASessionThatHasNothing) {
  Rig here;
  fill(here);
  const Records records = export_of(here);
  EXPECT_EQ(here.session.import_subscriptions(records.subscriptions).error().code, base::Errc::exists);
  EXPECT_EQ(here.session.import_state(records.state, here.ledger, here.now).error().code, base::Errc::exists);
  here.cut();
  EXPECT_EQ(here.session.import_state(records.state, here.ledger, here.now).error().code, base::Errc::exists);
}

TEST(SessionRecord, OfALongQueueIsCutToTheLimitsOfTheNewPlace) {
  Rig here;
  here.cut();
  for (const char* each : {"a", "b", "c"}) here.deliver(kQos1, each);
  Rig there({.queue_length_max = 2});
  there.cut();
  ASSERT_TRUE(there.session.import_state(here.session.export_state(here.now), there.ledger, there.now).has_value());
  EXPECT_EQ(there.lost(), Lines{"queue_full t=a"});
  EXPECT_EQ(there.session.queued(), 2U);
}

}  // namespace
}  // namespace holdfast::broker
