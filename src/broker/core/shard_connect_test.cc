// How clients come to their sessions and leave them.
#include <gtest/gtest.h>

#include "broker/core/presence.h"
#include "broker/core/shard_testing.h"

namespace holdfast::broker {
namespace {

using namespace shard_testing;

class ShardConnect : public testing::TestWithParam<unsigned> {};
INSTANTIATE_TEST_SUITE_P(On, ShardConnect, testing::Values(1U, 3U));

// --- sessions ---

struct ComesBack {
  const char* name;
  Hello first;
  std::optional<Reason> leaves_with;  // DISCONNECT with this; without: it vanishes
  std::optional<std::uint32_t> expiry_s;
  seconds away;
  Hello second;
  bool present;
};
const ComesBack kComesBack[] = {
    {"v5, in time", {.clean = false, .expiry_s = 60}, {}, {}, seconds(59), {.clean = false}, true},
    {"v5, too late", {.clean = false, .expiry_s = 60}, {}, {}, seconds(60), {.clean = false}, false},
    {"v5, ends with the connection", {.clean = false}, {}, {}, seconds(0), {.clean = false}, false},
    {"v5, clean start of one that stays", {.clean = true, .expiry_s = 60}, {}, {}, seconds(1), {.clean = false}, true},
    {"v5, does not want it", {.clean = false, .expiry_s = 60}, {}, {}, seconds(1), {.clean = true}, false},
    {"v5, capped by the listener", {.expiry_s = 1'000'000}, {}, {}, seconds(7200), {.clean = false}, false},
    {"v5, never, capped", {.expiry_s = 0xffff'ffff}, {}, {}, seconds(7199), {.clean = false}, true},
    {"v5, DISCONNECT keeps it", {.expiry_s = 60}, Reason::success, {}, seconds(59), {.clean = false}, true},
    {"v5, DISCONNECT makes it longer", {.expiry_s = 60}, Reason::success, 600, seconds(599), {.clean = false}, true},
    {"v5, DISCONNECT makes it shorter", {.expiry_s = 60}, Reason::success, 5, seconds(5), {.clean = false}, false},
    {"v5, DISCONNECT ends it", {.expiry_s = 60}, Reason::success, 0, seconds(0), {.clean = false}, false},
    {"v5, DISCONNECT beyond the cap", {.expiry_s = 60}, Reason::success, 9999, seconds(7200), {.clean = false}, false},
    {"v3.1.1", {k311, false}, {}, {}, seconds(7199), {k311, false}, true},
    {"v3.1.1, DISCONNECT", {k311, false}, Reason::success, {}, seconds(7199), {k311, false}, true},
    {"v3.1.1, too late", {k311, false}, {}, {}, seconds(7200), {k311, false}, false},
    {"v3.1.1, clean then not", {k311, true}, {}, {}, seconds(0), {k311, false}, false},
    {"v3.1.1, not clean then clean", {k311, false}, {}, {}, seconds(1), {k311, true}, false},
    {"v3.1.1 then v5", {k311, false}, {}, {}, seconds(1), {.clean = false}, true},
};

//= MQTT5 [MQTT-3.1.2-4] type=test
//= MQTT5 [MQTT-3.1.2-5] type=test
//= MQTT5 [MQTT-3.1.2-6] type=test
//= MQTT5 [MQTT-3.1.2-23] type=test
//= MQTT5 [MQTT-3.2.2-2] type=test
//= MQTT5 [MQTT-3.2.2-3] type=test
//= MQTT311 [MQTT-3.1.2-4] type=test
//= MQTT311 [MQTT-3.1.2-6] type=test
TEST_P(ShardConnect, ASessionIsThereAgainUntilItsEnd) {
  for (const ComesBack& c : kComesBack) {
    SCOPED_TRACE(c.name);
    ShardRig rig(GetParam());
    RigClient& a = rig.client("a", 1);
    ASSERT_NE(a.connect(c.first), nullptr);
    EXPECT_FALSE(a.session_present());
    (void)a.subscribe("x", {.qos = Qos::at_least_once});
    if (c.leaves_with) {
      a.disconnect(*c.leaves_with, c.expiry_s);
    } else {
      a.vanish();
    }
    RigClient& b = rig.connected("b", 2);
    b.publish("x", "1", {.qos = Qos::at_least_once});
    rig.pass(c.away);
    a.shard = 0;
    ASSERT_NE(a.connect(c.second), nullptr);
    EXPECT_EQ(a.session_present(), c.present);
    EXPECT_EQ(a.got(), c.present ? Texts{"x=1 q1"} : Texts{});
    b.publish("x", "2");
    EXPECT_EQ(a.got(), c.present ? Texts{"x=2"} : Texts{}) << "subscriptions are part of it";
    EXPECT_EQ(rig.sessions(), 2U);
    EXPECT_EQ(a.nonsense, "");
  }
}

//= MQTT5 [MQTT-3.14.2-2] type=test
TEST(ShardConnect1, ASessionThatWasToEndCannotBeKeptByDisconnect) {
  ShardRig rig(1);
  RigClient& a = rig.connected("a");
  a.disconnect(Reason::normal_disconnection, 60);
  EXPECT_EQ(a.goodbye(), Reason::protocol_error);
  EXPECT_EQ(rig.sessions(), 0U);
}

TEST(ShardConnect1, SessionLimitsBeyondTheFormatAreNoLimits) {
  ShardRig rig(1,
               [](ShardSettings&, ListenerLimits& limits) { limits.session_expiry_max = std::chrono::hours(1 << 24); });
  RigClient& a = rig.connected("a", 0, {.expiry_s = 100});
  a.disconnect(Reason::normal_disconnection, 0xffff'ffff);
  rig.pass(std::chrono::hours(30));
  EXPECT_EQ(rig.sessions(), 1U);
}

// One that comes and goes does not leave a deadline behind each time: there is nothing to see but that all ends well.
TEST(ShardConnect1, AClientThatComesAndGoesCostsNothing) {
  ShardRig rig(1);
  RigClient& a = rig.client("a");
  for (int i = 0; i < 5'000; ++i) {
    a.connect({.clean = false, .expiry_s = 60});
    a.vanish();
  }
  rig.pass(seconds(59));
  EXPECT_EQ(rig.sessions(), 1U);
  rig.pass(seconds(1));
  EXPECT_EQ(rig.sessions(), 0U);
  EXPECT_EQ(rig.counters(0).sessions_expired.value(), 1U);
}

TEST(ShardConnect1, ManySessionsThatEndAtOnceEndInTurns) {
  ShardRig rig(1);
  for (int i = 0; i < 2'500; ++i) rig.connected("c" + std::to_string(i), 0, {.expiry_s = 5}).vanish();
  rig.by_hand = true;
  rig.now += seconds(5);
  EXPECT_FALSE(rig.tick(0)) << "it wants to go on";
  EXPECT_EQ(rig.sessions(), 1'500U);
  rig.settle();
  EXPECT_EQ(rig.sessions(), 0U);
}

// --- take-over ---

//= MQTT5 [MQTT-3.1.4-3] type=test
//= MQTT311 [MQTT-3.1.4-2] type=test
TEST_P(ShardConnect, ANewConnectionTakesTheSessionOver) {
  ShardRig rig(GetParam());
  RigClient& old = rig.connected("a", 0, {.clean = false, .expiry_s = 60});
  (void)old.subscribe("x", {.qos = Qos::at_least_once});
  old.acks = false;
  RigClient& b = rig.connected("b", 1);
  b.publish("x", "1", {.qos = Qos::at_least_once});
  EXPECT_EQ(old.got(), (Texts{"x=1 q1"}));
  RigClient& young = rig.connected("a", 2, {.clean = false, .expiry_s = 60});
  EXPECT_EQ(old.goodbye(), Reason::session_taken_over);
  EXPECT_EQ(old.ended(), EndReason::taken_over);
  EXPECT_TRUE(young.session_present());
  EXPECT_EQ(young.got(), (Texts{"x=1 q1 d"}));
  EXPECT_EQ(rig.links(), 2U);
  EXPECT_EQ(rig.sum([](ShardCounters & c) -> auto& { return c.clients; }), 2);
}

// Who says that its session ends with its connection does not give it to the next one.
//= MQTT5 [MQTT-3.1.2-23] type=test
//= MQTT311 [MQTT-3.1.2-6] type=test
TEST_P(ShardConnect, ASessionThatEndsWithItsConnectionIsNotTakenOver) {
  for (const Protocol version : {Protocol::v311, Protocol::v5}) {
    ShardRig rig(GetParam());
    RigClient& old = rig.connected("a", 0, {.version = version, .clean = true});
    (void)old.subscribe("x");
    RigClient& young = rig.connected("a", 1, {.version = version, .clean = false, .expiry_s = 60});
    EXPECT_FALSE(young.session_present());
    EXPECT_EQ(old.ended(), EndReason::taken_over);
    rig.connected("b", 2).publish("x", "1");
    EXPECT_EQ(young.got(), Texts{});
  }
}

TEST_P(ShardConnect, OfManyConnectionsWithOneClientIdTheNewestStays) {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    SCOPED_TRACE(seed);
    ShardRig rig(GetParam());
    rig.by_hand = true;
    base::Random random(seed);
    std::vector<RigClient*> all;
    for (unsigned i = 0; i < 100; ++i) {
      RigClient& each = *all.emplace_back(&rig.client("same", i % 3));
      each.connect({.clean = random.below(4) == 0, .expiry_s = random.below(2) * 60});
      if (random.below(5) == 0) each.vanish();
      for (std::uint32_t steps = random.below(4); steps > 0; --steps) (void)rig.step(random);
    }
    while (rig.step(random)) rig.hear();
    rig.hear();
    rig.settle();
    std::vector<RigClient*> alive;
    for (RigClient* each : all) {
      if (each->is_connected()) alive.push_back(each);
      EXPECT_EQ(each->nonsense, "");
      EXPECT_TRUE(each->pipe->ended || each->pipe->client_gone || each->is_connected()) << "nobody is forgotten";
    }
    ASSERT_LE(alive.size(), 1U);
    EXPECT_LE(rig.sessions(), 1U);
    EXPECT_GE(rig.sessions(), alive.size());
    EXPECT_EQ(rig.links(), alive.size());
    EXPECT_EQ(rig.claims(), rig.sessions());
    for (RigClient* each : alive) each->disconnect(Reason::normal_disconnection);
    rig.settle();
    rig.pass(seconds(61));
    EXPECT_EQ(rig.sessions(), 0U);
    EXPECT_EQ(rig.claims(), 0U) << "nothing is left of the id";
    EXPECT_EQ(rig.sum([](ShardCounters & c) -> auto& { return c.clients; }), 0);
  }
}

// All live: the one that was granted last is the one.
TEST_P(ShardConnect, TheLastToClaimWinsWhateverTheWayThere) {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    SCOPED_TRACE(seed);
    ShardRig rig(GetParam());
    rig.connected("same", 1);
    rig.by_hand = true;
    base::Random random(seed);
    std::vector<RigClient*> all;
    for (unsigned i = 0; i < 100; ++i) all.emplace_back(&rig.client("same", i % 3))->connect({.clean = false});
    while (rig.step(random)) {
    }
    rig.hear();
    std::size_t alive = 0;
    ClaimToken newest = 0;
    ClaimToken stays = 0;
    for (RigClient* each : all) {
      newest = std::max(newest, each->pipe->token);
      if (!each->is_connected()) continue;
      ++alive;
      stays = each->pipe->token;
    }
    EXPECT_EQ(alive, 1U);
    EXPECT_EQ(stays, newest);
    EXPECT_EQ(rig.sessions(), 1U);
  }
}

TEST_P(ShardConnect, AConnectionThatGoesWhileItsSessionIsLookedForLeavesNothing) {
  for (unsigned steps = 0; steps < 6; ++steps) {
    ShardRig rig(GetParam());
    rig.by_hand = true;
    RigClient& holder = rig.client("a", 0);
    holder.connect();
    rig.settle();
    RigClient& young = rig.client("a", 2);
    young.connect();
    base::Random random(steps);
    for (unsigned i = 0; i < steps; ++i) (void)rig.step(random);
    young.vanish();
    rig.settle();
    EXPECT_EQ(rig.links(), holder.is_connected() ? 1U : 0U);
    holder.vanish();
    rig.settle();
    EXPECT_EQ(rig.sessions(), 0U);
    EXPECT_EQ(rig.claims(), 0U);
  }
}

// --- CONNECT and CONNACK ---

struct Judged {
  const char* name;
  Hello hello;
  const char* client_id;
  std::optional<Reason> reason;  // nothing: not even CONNACK
};
wire::mqtt::Will will_to(const char* topic, Qos qos = Qos::at_most_once, bool retain = false) {
  return {
      .topic = topic, .payload = std::as_bytes(std::span("gone", 4)), .qos = qos, .retain = retain, .properties = {}};
}
const Judged kJudged[] = {
    {"v5 without id", {}, "", Reason::success},
    {"v3.1.1 without id, clean", {k311, true}, "", Reason::success},
    {"v3.1.1 without id, not clean", {k311, false}, "", Reason::client_identifier_not_valid},
    {"an id that is too long", {}, "0123456789abcdef0", Reason::client_identifier_not_valid},
    {"a will with too high a QoS", {.will = will_to("w", Qos::exactly_once)}, "a", Reason::qos_not_supported},
    {"a will that is retained", {.will = will_to("w", Qos::at_most_once, true)}, "a", Reason::retain_not_supported},
    {"a will to a filter", {.will = will_to("w/+")}, "a", Reason::topic_name_invalid},
    {"a will to $SYS", {.will = will_to("$SYS/a")}, "a", Reason::topic_name_invalid},
    {"authentication by a method",
     {.change = [](Connect& c) { c.properties.set(Property::auth_method, std::string_view("m")); }},
     "a",
     Reason::bad_authentication_method},
    {"a client id that is a wildcard", {}, "+", Reason::client_identifier_not_valid},
    {"and a user name that is one", {.user = "#"}, "a", Reason::client_identifier_not_valid},
};

//= MQTT5 [MQTT-3.1.3-5] type=test
//= MQTT5 [MQTT-3.2.2-12] type=test
//= MQTT5 [MQTT-3.2.2-13] type=test
//= MQTT311 [MQTT-3.1.3-8] type=test
//= MQTT311 [MQTT-3.1.3-9] type=test
TEST_P(ShardConnect, WhatAListenerDoesNotTakeIsRefused) {
  for (const Judged& c : kJudged) {
    SCOPED_TRACE(c.name);
    ShardRig rig(GetParam(), [](ShardSettings&, ListenerLimits& limits) {
      limits.client_id_length_max = 16;
      limits.qos_max = Qos::at_least_once;
      limits.retain_available = false;
      limits.mountpoint = "of/%u/%c/";
    });
    RigClient& a = rig.client(c.client_id, 1);
    a.connect(c.hello);
    ASSERT_NE(a.connack(), nullptr);
    EXPECT_EQ(a.connack()->reason, c.reason);
    EXPECT_EQ(rig.sessions(), c.reason == Reason::success ? 1U : 0U);
    EXPECT_EQ(rig.links(), rig.sessions());
    a.vanish();
    EXPECT_EQ(rig.claims(), 0U);
  }
}

//= MQTT5 [MQTT-3.1.3-6] type=test
//= MQTT5 [MQTT-3.1.3-7] type=test
//= MQTT5 [MQTT-3.2.2-16] type=test
TEST_P(ShardConnect, WhoHasNoIdIsGivenOne) {
  ShardRig rig(GetParam());
  std::set<std::string> ids;
  for (unsigned i = 0; i < 30; ++i) {
    RigClient& each = rig.connected("", i % 3);
    ASSERT_TRUE(each.connack()->properties.has(Property::assigned_client_id));
    ids.emplace(each.connack()->properties.assigned_client_id);
  }
  EXPECT_EQ(ids.size(), 30U);
  RigClient& back = rig.client(*ids.begin(), 0);
  back.connect({.clean = false});
  EXPECT_EQ(rig.sessions(), 30U) << "it can come back by that name";
  EXPECT_FALSE(back.connack()->properties.has(Property::assigned_client_id));
}

//= MQTT5 [MQTT-3.2.2-9] type=test
//= MQTT5 [MQTT-3.2.2-21] type=test
TEST(ShardConnect1, ConnackSaysWhatIsNotAsAskedOrAsUsual) {
  ShardRig rig(1, [](ShardSettings&, ListenerLimits& limits) {
    limits.packet_size_max = 4096;
    limits.qos_max = Qos::at_least_once;
    limits.retain_available = false;
    limits.wildcard_available = false;
    limits.shared_available = false;
    limits.topic_alias_max = 7;
    limits.awaiting_rel_max = 9;
    limits.keep_alive_max = seconds(100'000);
    limits.session_expiry_max = seconds(50);
  });
  RigClient& a = rig.connected("a", 0, {.expiry_s = 100});
  const wire::mqtt::Properties& said = a.connack()->properties;
  EXPECT_EQ(said.session_expiry.count(), 50U);
  EXPECT_EQ(said.receive_maximum, 9);
  EXPECT_EQ(said.maximum_qos, Qos::at_least_once);
  EXPECT_FALSE(said.retain_available);
  EXPECT_EQ(said.maximum_packet_size, 4096U);
  EXPECT_EQ(said.topic_alias_maximum, 7);
  EXPECT_FALSE(said.wildcard_subscription_available);
  EXPECT_FALSE(said.shared_subscription_available);
  EXPECT_EQ(said.server_keep_alive.count(), 65'535U) << "0 asks for more than there may be";
  EXPECT_EQ(a.nonsense, "");
  RigClient& old = rig.connected("b", 0, {k311, true});
  EXPECT_EQ(old.connack()->reason, Reason::success);
  EXPECT_EQ(old.nonsense, "");

  ShardRig usual(1, [](ShardSettings&, ListenerLimits& limits) { limits.awaiting_rel_max = 65'535; });
  RigClient& b = usual.connected("b");
  EXPECT_EQ(b.connack()->properties.present, bit(Property::maximum_packet_size));
}

// --- keep alive, and other ends ---

struct KeepAlive {
  const char* name;
  Protocol version;
  std::uint16_t asks_s;
  seconds max;
  milliseconds silence_max;  // 0: for ever
};
const KeepAlive kKeepAlive[] = {
    {"half as long again", Protocol::v5, 10, seconds(0), milliseconds(15'000)},
    {"for ever", Protocol::v5, 0, seconds(0), milliseconds(0)},
    {"not for ever here", Protocol::v5, 0, seconds(20), milliseconds(30'000)},
    {"not so long here", Protocol::v5, 60, seconds(20), milliseconds(30'000)},
    {"v3.1.1 cannot be told", Protocol::v311, 60, seconds(20), milliseconds(90'000)},
};

//= MQTT5 [MQTT-3.1.2-22] type=test
//= MQTT5 [MQTT-3.12.4-1] type=test
//= MQTT311 [MQTT-3.1.2-24] type=test
TEST_P(ShardConnect, WhoIsSilentForTooLongIsSentAway) {
  for (const KeepAlive& c : kKeepAlive) {
    SCOPED_TRACE(c.name);
    ShardRig rig(GetParam(), [&](ShardSettings&, ListenerLimits& limits) { limits.keep_alive_max = c.max; });
    RigClient& watch = rig.connected("watch", 1, {.version = k311});
    (void)watch.subscribe("w");
    RigClient& a = rig.connected("a", 2, {.version = c.version, .keep_alive_s = c.asks_s, .will = will_to("w")});
    const milliseconds silence = c.silence_max.count() == 0 ? milliseconds(100'000) : c.silence_max;
    rig.pass(silence - milliseconds(1));
    a.ping();
    EXPECT_EQ(a.count(PacketType::pingresp), 1U);
    rig.pass(silence - milliseconds(1));
    EXPECT_TRUE(a.is_connected());
    EXPECT_EQ(watch.got(), Texts{});
    rig.pass(milliseconds(1));
    EXPECT_EQ(a.is_connected(), c.silence_max.count() == 0);
    if (c.silence_max.count() == 0) continue;
    EXPECT_EQ(a.ended(), EndReason::keep_alive_timeout);
    EXPECT_EQ(a.goodbye(), c.version == Protocol::v5 ? std::optional(Reason::keep_alive_timeout) : std::nullopt);
    EXPECT_EQ(watch.got(), (Texts{"w=gone"}));
  }
}

struct Faulty {
  const char* name;
  std::vector<unsigned char> bytes;
  Reason goodbye;
};
const Faulty kFaulty[] = {
    {"a second CONNECT", {0x10, 13, 0, 4, 'M', 'Q', 'T', 'T', 5, 2, 0, 0, 0, 0, 0}, Reason::protocol_error},
    {"AUTH without a method", {0xf0, 0}, Reason::protocol_error},
    {"a packet of the server", {0x20, 3, 0, 0, 0}, Reason::protocol_error},
    {"flags that are none", {0xc1, 0}, Reason::malformed_packet},
    {"a length of five bytes", {0x30, 0xff, 0xff, 0xff, 0xff, 0x01}, Reason::malformed_packet},
    {"a packet that is too large", {0x30, 0xff, 0xff, 0xff, 0x7f}, Reason::packet_too_large},
};

//= MQTT5 [MQTT-3.1.0-2] type=test
//= MQTT5 [MQTT-4.12.0-6] type=test
//= MQTT5 [MQTT-4.13.1-1] type=test
//= MQTT311 [MQTT-3.1.0-2] type=test
//= MQTT311 [MQTT-4.8.0-1] type=test
TEST(ShardConnect1, WhoSpeaksNonsenseIsSentAway) {
  for (const Faulty& c : kFaulty) {
    for (const Protocol version : {Protocol::v311, Protocol::v5}) {
      SCOPED_TRACE(c.name);
      ShardRig rig(1);
      RigClient& watch = rig.connected("watch");
      (void)watch.subscribe("w");
      RigClient& a = rig.connected("a", 0, {.version = version, .will = will_to("w")});
      a.say(std::as_bytes(std::span(c.bytes)));
      EXPECT_FALSE(a.is_connected());
      EXPECT_EQ(rig.sessions(), 1U);
      EXPECT_EQ(watch.got(), (Texts{"w=gone"})) << "that was no orderly end";
      EXPECT_EQ(a.goodbye(), version == Protocol::v5 ? std::optional(c.goodbye) : std::nullopt);
    }
  }
}

//= MQTT5 [MQTT-3.1.0-1] type=test
//= MQTT5 [MQTT-3.1.2-29] type=test
TEST(ShardConnect1, ReasonStringsAreForThoseWhoWantThem) {
  for (const bool wants : {true, false}) {
    ShardRig rig(1);
    RigClient& a = rig.connected("a", 0, {.change = [&](Connect& c) {
                                   c.properties.set(Property::request_problem_information, wants ? 1U : 0U);
                                 }});
    a.say(std::as_bytes(std::span("\xf0", 2)));
    ASSERT_EQ(a.goodbye(), Reason::protocol_error);
    EXPECT_EQ(a.last<wire::mqtt::Disconnect>()->properties.has(Property::reason_string), wants);
  }
}

TEST_P(ShardConnect, AClientCanBeKicked) {
  ShardRig rig(GetParam());
  RigClient& watch = rig.connected("watch", 1);
  (void)watch.subscribe("w");
  RigClient& a = rig.connected("a", 0, {.will = will_to("w")});
  EXPECT_FALSE(rig.shard(0).kick("nobody", Reason::administrative_action, EndReason::kicked, rig.now));
  EXPECT_TRUE(rig.shard(0).kick("a", Reason::administrative_action, EndReason::kicked, rig.now));
  rig.settle();
  EXPECT_EQ(a.goodbye(), Reason::administrative_action);
  EXPECT_EQ(a.ended(), EndReason::kicked);
  EXPECT_EQ(watch.got(), (Texts{"w=gone"}));
  EXPECT_FALSE(rig.shard(0).kick("a", Reason::administrative_action, EndReason::kicked, rig.now));
}

TEST_P(ShardConnect, WhenTheNodeStopsClientsAreToldAndWillsAreKeptBack) {
  ShardRig rig(GetParam());
  RigClient& a = rig.connected("a", 0, {.expiry_s = 60, .will = will_to("w")});
  RigClient& b = rig.connected("b", 1, {.version = k311, .clean = false, .will = will_to("w")});
  (void)b.subscribe("w", {.qos = Qos::at_least_once});
  rig.stop();
  EXPECT_EQ(a.goodbye(), Reason::server_shutting_down);
  EXPECT_EQ(b.got(), Texts{});
  EXPECT_EQ(rig.sessions(), 2U) << "their sessions are as they were";
  EXPECT_EQ(rig.sum([](ShardCounters & c) -> auto& { return c.clients; }), 0);
}

//= MQTT5 3.1.4 type=test
TEST_P(ShardConnect, PresenceIsTold) {
  ShardRig rig(GetParam(), [](ShardSettings& settings, ListenerLimits&) {
    settings.hooks.push_back(presence(settings.node_name));
  });
  RigClient& watch = rig.connected("watch", 1);
  (void)watch.subscribe("$SYS/brokers/+/clients/#");
  RigClient& a = rig.connected("a", 2, {.expiry_s = 60, .user = "me\"\n"});
  EXPECT_EQ(watch.got(),
            (Texts{"$SYS/brokers/rig/clients/a/connected={\"clientid\":\"a\",\"username\":\"me\\\"\\u000a\","
                   "\"ipaddress\":\"-\",\"proto_ver\":5,\"session_expiry\":60}"}));
  a.disconnect();
  EXPECT_EQ(watch.got(),
            (Texts{"$SYS/brokers/rig/clients/a/disconnected={\"clientid\":\"a\",\"username\":\"me\\\"\\u000a\","
                   "\"ipaddress\":\"-\",\"reason\":\"client_disconnected\"}"}));
  rig.connected("no/+/topic", 0);
  EXPECT_EQ(watch.got(), Texts{}) << "there is no topic for it";
}

// --- wills ---

class ShardWill : public ShardConnect {};
INSTANTIATE_TEST_SUITE_P(On, ShardWill, testing::Values(1U, 3U));

struct WillCase {
  const char* name;
  std::uint32_t delay_s;
  std::uint32_t expiry_s;
  std::function<void(ShardRig&, RigClient&)> goes;
  seconds after;  // when the will comes; < 0: never
};
void vanishes(ShardRig&, RigClient& client) { client.vanish(); }
const WillCase kWills[] = {
    {"at once", 0, 60, vanishes, seconds(0)},
    {"after its delay", 10, 60, vanishes, seconds(10)},
    {"with the session, if that ends first", 60, 10, vanishes, seconds(10)},
    {"with the session, which ends with the connection", 60, 0, vanishes, seconds(0)},
    {"not after DISCONNECT", 0, 60, [](ShardRig&, RigClient& a) { a.disconnect(); }, seconds(-1)},
    {"not after DISCONNECT, though the session ends", 10, 0, [](ShardRig&, RigClient& a) { a.disconnect(); },
     seconds(-1)},
    {"after DISCONNECT with will", 0, 60, [](ShardRig&, RigClient& a) { a.disconnect(Reason::disconnect_with_will); },
     seconds(0)},
    {"after DISCONNECT with will and delay", 5, 60,
     [](ShardRig&, RigClient& a) { a.disconnect(Reason::disconnect_with_will); }, seconds(5)},
    {"not when it comes back in time", 10, 60,
     [](ShardRig& rig, RigClient& a) {
       a.vanish();
       rig.pass(seconds(9));
       a.connect({.clean = false, .expiry_s = 60});
       a.disconnect();
     },
     seconds(-1)},
    {"when it comes back in time without its session", 10, 60,
     [](ShardRig& rig, RigClient& a) {
       a.vanish();
       a.connect({.clean = true, .expiry_s = 60});
       a.disconnect();
       rig.settle();
     },
     seconds(0)},
    {"when it is taken over", 0, 60,
     [](ShardRig& rig, RigClient& a) { rig.connected(a.id, 2, {.clean = false, .expiry_s = 60}); }, seconds(0)},
    {"not when it is taken over in time", 10, 60,
     [](ShardRig& rig, RigClient& a) { rig.connected(a.id, 2, {.clean = false, .expiry_s = 60}); }, seconds(-1)},
    {"when it is taken over without its session", 10, 60,
     [](ShardRig& rig, RigClient& a) { rig.connected(a.id, 2, {.clean = true}); }, seconds(0)},
};

//= MQTT5 [MQTT-3.1.2-7] type=test
//= MQTT5 [MQTT-3.1.2-8] type=test
//= MQTT5 [MQTT-3.1.2-10] type=test
//= MQTT5 [MQTT-3.1.3-9] type=test
//= MQTT5 [MQTT-3.14.4-3] type=test
//= MQTT311 [MQTT-3.1.2-8] type=test
//= MQTT311 [MQTT-3.14.4-3] type=test
TEST_P(ShardWill, AWillComesWhenItShould) {
  for (const WillCase& c : kWills) {
    SCOPED_TRACE(c.name);
    ShardRig rig(GetParam());
    RigClient& watch = rig.connected("watch", 1);
    (void)watch.subscribe("w");
    RigClient& a = rig.client("a", 0);
    wire::mqtt::Will will = will_to("w");
    will.properties.set(Property::will_delay, c.delay_s);
    a.connect({.expiry_s = c.expiry_s, .will = will});
    const base::Time start = rig.now;
    c.goes(rig, a);
    if (c.after.count() > 0) {
      rig.pass(start + c.after - rig.now - milliseconds(1));
      EXPECT_EQ(watch.got(), Texts{});
      rig.pass(milliseconds(1));
    }
    EXPECT_EQ(watch.got(), c.after.count() >= 0 ? Texts{"w=gone"} : Texts{});
    rig.pass(seconds(100));
    EXPECT_EQ(watch.got(), Texts{}) << "and not twice";
  }
}

//= MQTT5 [MQTT-3.1.2-14] type=test
//= MQTT5 [MQTT-3.1.2-15] type=test
TEST_P(ShardWill, AWillHasItsQosRetainFlagAndProperties) {
  ShardRig rig(GetParam());
  RigClient& watch = rig.connected("watch", 1);
  (void)watch.subscribe("w", {.qos = Qos::exactly_once});
  RigClient& a = rig.client("a", 0);
  wire::mqtt::Will will = will_to("w", Qos::at_least_once, true);
  will.properties.set(Property::content_type, std::string_view("text"));
  will.properties.set(Property::message_expiry, 30U);
  a.connect({.will = will});
  rig.pass(seconds(100));
  a.vanish();
  std::vector<Got> got = watch.take();
  ASSERT_EQ(got.size(), 1U);
  EXPECT_EQ(brief(got[0]), "w=gone q1");
  EXPECT_EQ(got[0].content_type, "text");
  EXPECT_EQ(got[0].expiry_s, 30U) << "it counts from when it is published";
  RigClient& late = rig.connected("late", 2);
  (void)late.subscribe("w");
  EXPECT_EQ(late.got(), (Texts{"w=gone r"}));
}

TEST_P(ShardWill, AWillIsPublishedUnderTheSameRulesAsAnythingElse) {
  ShardRig rig(GetParam(), [](ShardSettings& settings, ListenerLimits& limits) {
    settings.rewrites = {{Rewrite::Of::publish, "old/#", "new/$1"}, {Rewrite::Of::publish, "bad", "new/#"}};
    limits.mountpoint = "at/";
  });
  rig.may = [](std::string_view, Action, std::string_view topic) { return topic != "secret"; };
  RigClient& watch = rig.connected("watch", 1);
  (void)watch.subscribe("#");
  rig.connected("a", 0, {.will = will_to("secret")}).vanish();
  EXPECT_EQ(watch.got(), Texts{}) << "denied";
  rig.connected("a", 0, {.will = will_to("bad")}).vanish();
  EXPECT_EQ(watch.got(), Texts{}) << "there is no such topic";
  rig.connected("a", 0, {.will = will_to("old/x")}).vanish();
  EXPECT_EQ(watch.got(), (Texts{"new/x=gone"}));
  const std::string longest(65'535, 't');
  RigClient& c = rig.connected("c", 0, {.will = will_to(longest.c_str())});
  EXPECT_EQ(c.connack()->reason, Reason::topic_name_invalid) << "with what stands before it, it is no topic";
}

}  // namespace
}  // namespace holdfast::broker
