// Whoever wants to know what happens in a shard is told once, in order, and of nothing else.
#include "broker/core/hooks.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <map>
#include <set>

#include "broker/core/presence.h"
#include "broker/core/shard_testing.h"

namespace holdfast::broker {

extern std::atomic<std::uint64_t> allocations;

namespace {

using namespace shard_testing;

// A line for each event: its kind, whose it is, and the rest of what is told. Message ids go by the payload.
class Notes {
 public:
  void take(const HookEvent& event) {
    std::visit([this](const auto& each) { lines_.push_back(text(each)); }, event);
  }
  // Since the last call.
  Texts take() { return std::exchange(lines_, {}); }
  // Of the messages that were told under this payload.
  [[nodiscard]] const std::set<std::uint64_t>& ids(const std::string& payload) { return ids_[payload]; }

 private:
  static std::string text(const told::Who& who) {
    return " " + std::string(who.client_id) + (who.user.empty() ? "" : "/" + std::string(who.user));
  }
  std::string text(const told::MessageView& message) {
    const std::string payload(reinterpret_cast<const char*>(message.payload.data()), message.payload.size());
    ids_[payload].insert(message.id.number);
    std::string line = " " + std::string(message.topic) + "=" + payload;
    if (message.qos != k0) line += message.qos == k1 ? " q1" : " q2";
    if (message.retain) line += " r";
    if (!message.properties.empty()) line += " +" + std::to_string(message.properties.size());
    return line;
  }
  static std::string text(const SubscriptionOptions& options) {
    std::string line = " q" + std::to_string(static_cast<int>(options.qos));
    if (options.identifier != 0) line += " #" + std::to_string(options.identifier);
    return line;
  }
  static std::string filter(std::string_view filter, std::string_view mountpoint) {
    return " " + (mountpoint.empty() ? "" : "(" + std::string(mountpoint) + ")") + std::string(filter);
  }

  static std::string text(const told::Connected& event) {
    return "connected" + text(event.who) + " " + event.address.text() + " v" +
           std::to_string(static_cast<unsigned>(event.version)) + " alive " + std::to_string(event.keep_alive.count()) +
           " expiry " + std::to_string(event.session_expiry.count()) + (event.session_present ? " present" : "");
  }
  static std::string text(const told::Gone& event) {
    return "gone" + text(event.who) + " " + event.address.text() + " " + name(event.reason);
  }
  static std::string text(const told::SessionBegun& event) {
    return "begun" + text(event.who) + " expiry " + std::to_string(event.expiry.count());
  }
  static std::string text(const told::SessionEnded& event) {
    static constexpr const char* kWhy[] = {"expired", "with_connection", "replaced"};
    return "ended" + text(event.who) + " " + kWhy[static_cast<std::size_t>(event.why)];
  }
  static std::string text(const told::Subscribed& event) {
    return "subscribed" + text(event.who) + filter(event.filter, event.mountpoint) + text(event.options) +
           (event.is_new ? "" : " again");
  }
  static std::string text(const told::Unsubscribed& event) {
    return "unsubscribed" + text(event.who) + filter(event.filter, event.mountpoint);
  }
  std::string text(const told::Published& event) {
    const std::string delay = event.delay.count() == 0 ? "" : " in " + std::to_string(event.delay.count());
    return "published" + text(event.from) + text(event.message) + delay;
  }
  std::string text(const told::Delivered& event) { return "delivered" + text(event.to) + text(event.message); }
  std::string text(const told::Acknowledged& event) { return "acked" + text(event.by) + text(event.message); }
  std::string text(const told::Dropped& event) {
    return "dropped" + text(event.to) + text(event.message) + " " + name(event.reason);
  }

  Texts lines_;
  std::map<std::string, std::set<std::uint64_t>> ids_;
};

class NotingHooks final : public Hooks {
 public:
  NotingHooks(HookKinds kinds, Notes& notes) : kinds_(kinds), notes_(notes) {}
  [[nodiscard]] HookKinds wants() const override { return kinds_; }
  void tell(const HookEvent& event) override { notes_.take(event); }

 private:
  const HookKinds kinds_;
  Notes& notes_;
};

HooksMaker noting(Notes& notes, HookKinds kinds = HookKinds::all()) {
  return [&notes, kinds](Announcer& /*announcer*/) { return std::make_unique<NotingHooks>(kinds, notes); };
}

constexpr HookKinds kMessages(HookKind::published, HookKind::delivered, HookKind::acknowledged, HookKind::dropped);
constexpr HookKinds kLives(HookKind::connected, HookKind::gone, HookKind::session_begun, HookKind::session_ended);
constexpr HookKinds kSubscriptions(HookKind::subscribed, HookKind::unsubscribed);

class ShardHooks : public testing::TestWithParam<unsigned> {
 protected:
  // What is noted of a node while `change` may say more of its settings.
  [[nodiscard]] ShardRig::Change noted(HookKinds kinds, ShardRig::Change change = {}) {
    return [this, kinds, change = std::move(change)](ShardSettings& settings, ListenerLimits& limits) {
      settings.hooks.push_back(noting(notes, kinds));
      if (change) change(settings, limits);
    };
  }

  Notes notes;
};
INSTANTIATE_TEST_SUITE_P(On, ShardHooks, testing::Values(1U, 3U));

TEST_P(ShardHooks, OneClientIsToldFromItsComingToItsGoing) {
  ShardRig rig(GetParam(), noted(HookKinds::all()));
  RigClient& a = rig.connected("a", 1, {.keep_alive_s = 30, .user = "me"});
  (void)a.subscribe("t/+", {.qos = k1});
  a.publish("t/1", "x", {.qos = k1});
  (void)a.unsubscribe("t/+");
  a.disconnect();
  EXPECT_EQ(notes.take(),
            (Texts{"begun a/me expiry 0", "connected a/me - v5 alive 30 expiry 0", "subscribed a/me t/+ q1",
                   "published a/me t/1=x q1", "delivered a/me t/1=x q1", "acked a/me t/1=x q1", "unsubscribed a/me t/+",
                   "gone a/me - client_disconnected", "ended a/me with_connection"}));
}

// --- sessions ---

TEST_P(ShardHooks, SessionsAreToldApartFromConnections) {
  ShardRig rig(GetParam(), noted(kLives));
  RigClient& a = rig.connected("a", 1, {.version = k311, .clean = false});
  EXPECT_EQ(notes.take(), (Texts{"begun a expiry 7200", "connected a - v4 alive 0 expiry 7200"}));
  a.vanish();
  EXPECT_EQ(notes.take(), (Texts{"gone a - client_closed"}));
  a.connect();
  EXPECT_EQ(notes.take(), (Texts{"connected a - v4 alive 0 expiry 7200 present"})) << "no other session has begun";
  RigClient& again = rig.connected("a", 2, {.expiry_s = 10});
  EXPECT_EQ(notes.take(), (Texts{"gone a - taken_over", "ended a replaced", "begun a expiry 10",
                                 "connected a - v5 alive 0 expiry 10"}));
  again.vanish();
  rig.pass(seconds(9));
  EXPECT_EQ(notes.take(), (Texts{"gone a - client_closed"}));
  rig.pass(seconds(2));
  EXPECT_EQ(notes.take(), (Texts{"ended a expired"}));
}

TEST_P(ShardHooks, WhoIsNotLetInIsNotTold) {
  ShardRig rig(GetParam(), noted(HookKinds::all(), [](ShardSettings&, ListenerLimits& limits) {
                 limits.client_id_length_max = 3;
                 limits.mountpoint = "in/%c/";
               }));
  EXPECT_EQ(rig.client("long").connect()->reason, Reason::client_identifier_not_valid);
  EXPECT_EQ(rig.client("a/b").connect()->reason, Reason::client_identifier_not_valid);
  EXPECT_EQ(notes.take(), Texts{});
}

TEST_P(ShardHooks, TheEndOfTheNodeEndsClientsAndNotTheirSessions) {
  ShardRig rig(GetParam(), noted(kLives));
  rig.connected("a", 1);
  (void)notes.take();
  rig.stop();
  EXPECT_EQ(notes.take(), (Texts{"gone a - stopped"}));
}

// --- subscriptions ---

TEST_P(ShardHooks, SubscriptionsAreToldAsTheSessionHasThem) {
  ShardRig rig(GetParam(), noted(kSubscriptions, [](ShardSettings& settings, ListenerLimits& limits) {
                 limits.mountpoint = "in/%c/";
                 settings.auto_subscriptions.push_back({.filter = "for/%c", .options = {.qos = k2}});
               }));
  RigClient& a = rig.connected("a", 1, {.expiry_s = 60});
  EXPECT_EQ(notes.take(), (Texts{"subscribed a (in/a/)for/a q2"}));
  a.subscribe_all({"t/+", "$share/g/s/#", "$exclusive/e"}, {.qos = k1, .identifier = 7});
  Texts lines = notes.take();
  std::ranges::sort(lines);  // who has the exclusive one, another shard may have to say
  EXPECT_EQ(lines, (Texts{"subscribed a (in/a/)$exclusive/e q1 #7", "subscribed a (in/a/)$share/g/s/# q1 #7",
                          "subscribed a (in/a/)t/+ q1 #7"}));
  (void)a.subscribe("t/+");
  EXPECT_EQ(notes.take(), (Texts{"subscribed a (in/a/)t/+ q0 again"}));
  (void)a.unsubscribe("$share/g/s/#");
  (void)a.unsubscribe("$exclusive/e");
  EXPECT_EQ(notes.take(), (Texts{"unsubscribed a (in/a/)$share/g/s/#", "unsubscribed a (in/a/)$exclusive/e"}));
  EXPECT_EQ(a.unsubscribe("never"), Reason::no_subscription_existed);
  EXPECT_EQ(notes.take(), Texts{}) << "it was not there";
  a.vanish();
  rig.pass(seconds(61));
  EXPECT_EQ(notes.take(), Texts{}) << "the others end with the session";
}

TEST_P(ShardHooks, ARefusedSubscriptionIsNotTold) {
  ShardRig rig(GetParam(), noted(kSubscriptions));
  rig.may = [](std::string_view, Action, std::string_view topic) { return topic != "no"; };
  RigClient& a = rig.connected("a", 0);
  RigClient& b = rig.connected("b", 1);
  EXPECT_EQ(a.subscribe("no"), Reason::not_authorized);
  EXPECT_EQ(notes.take(), Texts{});
  EXPECT_EQ(a.subscribe("$exclusive/e"), Reason::success);
  EXPECT_EQ(b.subscribe("$exclusive/e"), Reason::quota_exceeded);
  EXPECT_EQ(notes.take(), (Texts{"subscribed a $exclusive/e q0"}));
}

// --- messages ---

TEST_P(ShardHooks, AMessageIsToldOnEachStepOfItsWay) {
  ShardRig rig(GetParam(), noted(kMessages));
  RigClient& a = rig.connected("a", 0, {.user = "me"});
  RigClient& b = rig.connected("b", 1, {.user = "you"});
  RigClient& c = rig.connected("c", 2);
  (void)b.subscribe("t", {.qos = k2, .retain_as_published = true});
  a.publish("t", "0", {.retain = true});
  EXPECT_EQ(notes.take(), (Texts{"published a/me t=0 r", "delivered b/you t=0 r"}));
  a.publish("t", "1", {.qos = k1});
  EXPECT_EQ(notes.take(), (Texts{"published a/me t=1 q1", "delivered b/you t=1 q1", "acked b/you t=1 q1"}));
  Properties properties;
  properties.set(Property::content_type, std::string_view("x"));
  a.publish("t", "2", {.qos = k2, .properties = properties});
  EXPECT_EQ(notes.take(), (Texts{"published a/me t=2 q2 +4", "delivered b/you t=2 q2 +4", "acked b/you t=2 q2 +4"}));
  (void)c.subscribe("t", {.qos = k1});
  EXPECT_EQ(notes.take(), (Texts{"delivered c t=0 r"})) << "the retained one, to a new subscriber";
  (void)b.unsubscribe("t");
  a.publish("t", "3", {.qos = k2});
  EXPECT_EQ(notes.take(), (Texts{"published a/me t=3 q2", "delivered c t=3 q1", "acked c t=3 q1"}))
      << "QoS of the copy";
  a.publish("nobody", "4", {.qos = k1});
  EXPECT_EQ(notes.take(), (Texts{"published a/me nobody=4 q1"}));
  std::set<std::uint64_t> all;
  for (const char* payload : {"0", "1", "2", "3", "4"}) {
    EXPECT_EQ(notes.ids(payload).size(), 1U) << payload << ": one id on its whole way";
    all.insert(*notes.ids(payload).begin());
  }
  EXPECT_EQ(all.size(), 5U);
}

TEST_P(ShardHooks, AMessageThatIsNotAcceptedIsNotTold) {
  ShardRig rig(GetParam(), noted(kMessages, [](ShardSettings& settings, ListenerLimits& limits) {
                 limits.topic_levels_max = 3;
                 settings.delayed_max = 1;
                 settings.delayed_bytes_max = 1000;
                 settings.delayed_longest = seconds(60);
               }));
  rig.may = [](std::string_view, Action, std::string_view topic) { return topic != "no"; };
  RigClient& a = rig.connected("a", 1);
  for (const char* topic : {"no", "$SYS/x", "1/2/3/4", "$delayed/x/t", "$delayed/99/t"}) {
    a.publish(topic, "x", {.qos = k1});
    EXPECT_EQ(notes.take(), Texts{}) << topic;
  }
}

TEST_P(ShardHooks, AMessageThatComesTwiceIsPublishedOnce) {
  ShardRig rig(GetParam(), noted(kMessages));
  RigClient& a = rig.connected("a", 1);
  a.acks = false;
  const std::uint16_t id = a.publish("t", "x", {.qos = k2});
  a.publish("t", "x", {.qos = k2, .dup = true, .packet_id = id});
  EXPECT_EQ(notes.take(), (Texts{"published a t=x q2"}));
}

TEST_P(ShardHooks, WhatIsSentAgainIsDeliveredOnce) {
  ShardRig rig(GetParam(), noted(kMessages));
  RigClient& a = rig.connected("a", 0);
  RigClient& b = rig.connected("b", 1, {.clean = false, .expiry_s = 60});
  (void)b.subscribe("t", {.qos = k2});
  b.acks = false;
  a.publish("t", "x", {.qos = k1});
  a.publish("t", "y", {.qos = k2});
  EXPECT_EQ(notes.take(),
            (Texts{"published a t=x q1", "delivered b t=x q1", "published a t=y q2", "delivered b t=y q2"}));
  const std::vector<Got> got = b.take();
  ASSERT_EQ(got.size(), 2U);
  const std::uint16_t y = got[1].packet_id;
  b.vanish();
  b.connect();
  EXPECT_EQ(b.count(PacketType::publish), 2U) << "both again";
  EXPECT_EQ(notes.take(), Texts{});
  b.ack(PacketType::pubrec, y);
  b.ack(PacketType::pubrec, y);
  b.ack(PacketType::pubcomp, y);
  EXPECT_EQ(notes.take(), (Texts{"acked b t=y q2"}));
}

TEST_P(ShardHooks, WhatIsLostIsToldWithItsReason) {
  ShardRig rig(GetParam(),
               noted(kMessages, [](ShardSettings& settings, ListenerLimits&) { settings.queue.queue_length_max = 1; }));
  RigClient& a = rig.connected("a", 0);
  RigClient& b = rig.connected("b", 1, {.clean = false, .expiry_s = 60});
  (void)b.subscribe("t", {.qos = k2});
  b.acks = false;
  a.publish("t", "1", {.qos = k1});
  a.publish("t", "2", {.qos = k2});
  (void)notes.take();
  const std::vector<Got> got = b.take();
  ASSERT_EQ(got.size(), 2U);
  b.ack(PacketType::puback, got[0].packet_id, Reason::unspecified_error);
  b.ack(PacketType::pubrec, got[1].packet_id, Reason::unspecified_error);
  EXPECT_EQ(notes.take(), (Texts{"dropped b t=1 q1 refused", "dropped b t=2 q2 refused"}));
  b.vanish();
  a.publish("t", "3");
  a.publish("t", "4", {.qos = k1});
  a.publish("t", "5", {.qos = k2});
  EXPECT_EQ(notes.take(), (Texts{"published a t=3", "dropped b t=3 offline", "published a t=4 q1", "published a t=5 q2",
                                 "dropped b t=4 q1 queue_full"}));
  rig.pass(seconds(61));
  EXPECT_EQ(notes.take(), (Texts{"dropped b t=5 q2 session_ended"}));
}

TEST_P(ShardHooks, AWillAndADelayedMessageAreToldOfWhoSaidThem) {
  ShardRig rig(GetParam(), noted(kMessages, [](ShardSettings& settings, ListenerLimits&) {
                 settings.delayed_max = 10;
                 settings.delayed_bytes_max = 1000;
                 settings.delayed_longest = seconds(60);
               }));
  RigClient& watch = rig.connected("watch", 2);
  (void)watch.subscribe("#");
  wire::mqtt::Will will;
  will.topic = "will";
  will.payload = std::as_bytes(std::span(std::string_view("w")));
  will.qos = k1;
  will.properties.set(Property::will_delay, 5);
  RigClient& a = rig.connected("a", 1, {.user = "me", .will = will});
  a.publish("$delayed/10/t", "x");
  EXPECT_EQ(notes.take(), (Texts{"published a/me t=x in 10"}));
  a.vanish();
  EXPECT_EQ(notes.take(), (Texts{"published a/me will=w q1", "delivered watch will=w"})) << "with its session";
  rig.pass(seconds(11));
  EXPECT_EQ(notes.take(), (Texts{"delivered watch t=x"}));
}

// --- what is wanted ---

// Something of every kind.
void live(ShardRig& rig) {
  RigClient& a = rig.connected("a", 0, {.expiry_s = 60});
  RigClient& b = rig.connected("b", 1);
  (void)a.subscribe("t", {.qos = k1});
  (void)b.subscribe("t", {.qos = k1});
  b.publish("t", "x", {.qos = k1});
  (void)b.unsubscribe("t");
  a.vanish();
  b.publish("t", "y");
  b.disconnect();
  rig.pass(seconds(61));
}

TEST_P(ShardHooks, NothingIsToldThatIsNotWanted) {
  struct Case {
    HookKind kind;
    const char* name;
  };
  const Case kCases[] = {
      {HookKind::connected, "connected"},   {HookKind::gone, "gone"},
      {HookKind::session_begun, "begun"},   {HookKind::session_ended, "ended"},
      {HookKind::subscribed, "subscribed"}, {HookKind::unsubscribed, "unsubscribed"},
      {HookKind::published, "published"},   {HookKind::delivered, "delivered"},
      {HookKind::acknowledged, "acked"},    {HookKind::dropped, "dropped"},
  };
  ASSERT_EQ(std::size(kCases), std::variant_size_v<HookEvent>);
  for (const Case& each : kCases) {
    SCOPED_TRACE(each.name);
    Notes alone;
    Notes everything;
    Notes beside;
    ShardRig one(GetParam(), [&](ShardSettings& settings, ListenerLimits&) {
      settings.hooks = {noting(alone, HookKinds(each.kind))};
    });
    live(one);
    ShardRig all(GetParam(), [&](ShardSettings& settings, ListenerLimits&) {
      settings.hooks = {noting(everything), noting(beside, HookKinds(each.kind))};
    });
    live(all);
    Texts wanted = everything.take();
    std::erase_if(wanted, [&](const std::string& line) { return !line.starts_with(std::string(each.name) + " "); });
    EXPECT_FALSE(wanted.empty());
    EXPECT_EQ(alone.take(), wanted);
    EXPECT_EQ(beside.take(), wanted);
  }
}

// What a PUBLISH costs where somebody hears it, and where nobody does.
struct PublishCost {
  std::uint64_t heard = 0;
  std::uint64_t unheard = 0;
};
PublishCost publish_cost(const ShardRig::Change& change) {
  ShardRig rig(1, change);
  rig.connected("a");
  RigClient& b = rig.connected("b");
  EXPECT_EQ(rig.shard(0).client_id(0), "a");
  (void)b.subscribe("t");
  b.pipe->to_client.reserve(4096);
  const auto cost = [&](std::string_view topic) {
    wire::mqtt::Publish publish;
    publish.topic = topic;
    wire::mqtt::Bytes bytes;
    EXPECT_TRUE(wire::mqtt::encode(bytes, wire::mqtt::Packet(publish), Protocol::v5));
    const wire::mqtt::Header header = wire::mqtt::read_header(bytes).header;
    const auto body = std::span<const std::byte>(bytes).subspan(header.header_bytes);
    rig.shard(0).on_packet(0, header, body, rig.now);  // what is kept for the next one is there
    const std::uint64_t before = allocations;
    for (int i = 0; i < 10; ++i) rig.shard(0).on_packet(0, header, body, rig.now);
    return allocations - before;
  };
  const PublishCost made{.heard = cost("t"), .unheard = cost("nobody")};
  rig.settle();
  EXPECT_EQ(b.got().size(), 11U);
  return made;
}

TEST(ShardHooksCost, APublishAllocatesNothingForWhatNobodyWants) {
  const PublishCost none = publish_cost({});
  EXPECT_EQ(none.heard, 10U) << "the messages";
  EXPECT_EQ(none.unheard, 0U);
  Notes notes;
  const PublishCost others = publish_cost([&](ShardSettings& settings, ListenerLimits&) {
    HookKinds kinds = kLives;
    kinds.add(kSubscriptions);
    settings.hooks.push_back(noting(notes, kinds));
    settings.hooks.push_back(presence(settings.node_name));
  });
  EXPECT_EQ(others.heard, none.heard);
  EXPECT_EQ(others.unheard, none.unheard);
  EXPECT_EQ(notes.take().size(), 5U);
}

// --- what hooks say themselves ---

TEST_P(ShardHooks, WhatPresenceSaysIsDeliveredAndNotPublishedByAnybody) {
  ShardRig rig(GetParam(), noted(kMessages, [](ShardSettings& settings, ListenerLimits&) {
                 settings.hooks.push_back(presence(settings.node_name));
               }));
  RigClient& watch = rig.connected("watch", 0);
  (void)watch.subscribe("$SYS/brokers/+/clients/#");
  rig.connected("a", 1);
  const Texts lines = notes.take();
  ASSERT_EQ(lines.size(), 1U);
  EXPECT_TRUE(lines[0].starts_with("delivered watch $SYS/brokers/rig/clients/a/connected={")) << lines[0];
}

// Says something when it may not.
class Interrupting final : public Hooks {
 public:
  explicit Interrupting(Announcer& announcer) : announcer_(announcer) {}
  [[nodiscard]] HookKinds wants() const override { return HookKinds(HookKind::published); }
  void tell(const HookEvent& /*event*/) override { announcer_.announce({.topic = "t"}); }

 private:
  Announcer& announcer_;
};

TEST(ShardHooksDeath, AMessageIsNotInterruptedByAnother) {
  const auto provoke = [] {
    ShardRig rig(1, [](ShardSettings& settings, ListenerLimits&) {
      settings.hooks.push_back([](Announcer& announcer) { return std::make_unique<Interrupting>(announcer); });
    });
    rig.connected("a").publish("t", "x");
  };
  EXPECT_DEATH(provoke(), "");
}

}  // namespace
}  // namespace holdfast::broker
