// Draining a listener and the node, and taking it back, with a whole gateway.
#include <gtest/gtest.h>

#include "gateway/gateway_rig.h"

namespace holdfast::gateway {
namespace {

const std::string kPool = "[[pool]]\nname = \"a\"\n[[pool.server]]\naddress = \"%a\"\n";

std::string text(const std::string& keys = "") {
  return "[node]\nworkers = 2\n[[listener]]\nname = \"one\"\nbind = [\"127.0.0.1:0\"]\npool = \"a\"\n" + keys +
         "[[listener]]\nname = \"two\"\nbind = [\"127.0.0.1:0\"]\npool = \"a\"\n" + kPool;
}

bool is_served(const std::string& address) { return Client(address).ask("?") == "a?"; }

TEST(Draining, AListenerAcceptsNoMoreAndKeepsItsConnectionsUntilItIsReadyAgain) {
  GatewayRig rig(text());
  Client client(rig.address("one"));
  EXPECT_EQ(client.ask("1"), "a1");
  const std::string address = rig.address("one");
  EXPECT_FALSE(rig.gateway->drain_listener("three", {}));
  EXPECT_TRUE(rig.gateway->drain_listener("one", {}));
  rig.until([&] { return !is_served(address); });
  const auto remaining = [&] { return rig.listener("one").draining.value_or(DrainStatus{}).remaining; };
  rig.until([&] { return remaining() == 1; });  // the last one who was let in has gone as well
  const ListenerStatus drained = rig.listener("one");
  EXPECT_EQ(drained.state, "draining");
  ASSERT_TRUE(drained.draining);
  EXPECT_FALSE(drained.draining->deadline_seconds_left);
  EXPECT_TRUE(is_served(rig.address("two")));
  EXPECT_TRUE(rig.gateway->ready_listener("one"));
  EXPECT_TRUE(is_served(rig.address("one")));
  EXPECT_FALSE(rig.listener("one").draining);
  EXPECT_EQ(client.ask("2"), "a2");
}

TEST(Draining, AReloadEndsTheDrainOfAListenerUnlessItIsToKeepIt) {
  GatewayRig rig(text());
  ASSERT_TRUE(rig.gateway->drain_listener("one", {}));
  rig.apply(text("max_connections = 7\n"), RuntimeChanges::keep);
  EXPECT_EQ(rig.listener("one").state, "draining");
  EXPECT_EQ(rig.listener("one").max_connections, 7U);
  EXPECT_TRUE(rig.listener("one").addresses.empty());
  rig.apply(text(), RuntimeChanges::drop);
  EXPECT_EQ(rig.listener("one").state, "accepting");
  EXPECT_TRUE(is_served(rig.address("one")));
}

TEST(Draining, TheNodeIsDrainedWhenTheLastConnectionHasGoneAndServesAgainWhenItIsTold) {
  GatewayRig rig(text());
  Client client(rig.address("one"));
  EXPECT_EQ(client.ask("1"), "a1");
  const std::string address = rig.address("two");
  std::optional<std::uint64_t> cut;
  rig.gateway->drain({}, [&cut](std::uint64_t count) { cut = count; });
  rig.until([&] { return !is_served(address); });
  EXPECT_EQ(client.ask("2"), "a2");
  EXPECT_FALSE(cut);
  EXPECT_EQ(rig.refusal(text()), "the node is being drained");
  client.close();
  rig.until([&] { return cut.has_value(); });
  EXPECT_EQ(*cut, 0U);
  rig.gateway->resume();
  EXPECT_TRUE(is_served(rig.address("one")));
  EXPECT_TRUE(is_served(rig.address("two")));
  EXPECT_FALSE(rig.gateway->status().draining);
}

TEST(Draining, WhatARemovedListenerHasEndedStillCountsWhenItHasGone) {
  GatewayRig rig(text());
  Client before(rig.address("one"));
  Client during(rig.address("one"));
  Client kept(rig.address("two"));
  for (Client* each : {&before, &during, &kept}) EXPECT_EQ(each->ask("1"), "a1");
  rig.apply("[node]\nworkers = 2\n[[listener]]\nname = \"two\"\nbind = [\"127.0.0.1:0\"]\npool = \"a\"\n" + kPool);
  before.close();
  rig.until([&] { return rig.gateway->connections() == 2; });
  rig.gateway->drain({}, [](std::uint64_t) {});
  during.close();
  rig.until([&] { return rig.listener("one").name.empty(); });
  EXPECT_EQ(rig.gateway->status().draining->closed, 1U);
  EXPECT_EQ(rig.gateway->status().draining->remaining, 1U);
}

TEST(Draining, AfterTheDeadlineOfTheNodeThoseThatAreLeftAreEndedAndCounted) {
  GatewayRig rig(text());
  Client client(rig.address("one"));
  EXPECT_EQ(client.ask("1"), "a1");
  std::optional<std::uint64_t> cut;
  rig.gateway->drain({.rate = {}, .deadline = 200ms}, [&cut](std::uint64_t count) { cut = count; });
  EXPECT_LE(rig.gateway->status().draining->deadline_seconds_left.value(), 0.2);
  rig.until([&] { return cut.has_value(); });
  EXPECT_EQ(*cut, 1U);
  rig.until([&] { return client.has_ended(); });
  rig.gateway->resume();
  EXPECT_TRUE(is_served(rig.address("one")));
}

TEST(Draining, AnAddressThatAnotherHasTakenMeanwhileIsSaidAndTheDrainGoesOn) {
  GatewayRig rig(text());
  const std::string address = rig.address("one");
  const std::string bound =
      "[node]\nworkers = 2\n[[listener]]\nname = \"one\"\nbind = [\"" + address + "\"]\npool = \"a\"\n" + kPool;
  rig.apply(bound);
  ASSERT_TRUE(rig.gateway->drain_listener("one", {}));
  std::optional<net::Fd> other;
  rig.until([&] {
    auto opened = net::open_listener(address_of(address), {}, net::Sharing::alone);
    if (opened) other = std::move(*opened);
    return other.has_value();
  });
  EXPECT_THROW((void)rig.gateway->ready_listener("one"), std::runtime_error);
  EXPECT_EQ(rig.listener("one").state, "draining");
  EXPECT_NE(rig.refusal(bound), "");
  EXPECT_EQ(rig.refusal(bound, RuntimeChanges::keep), "") << "it needs no address while it is drained";
  rig.gateway->drain({}, [](std::uint64_t) {});
  rig.gateway->resume();
  EXPECT_EQ(rig.listener("one").state, "draining");
  other.reset();
  EXPECT_TRUE(rig.gateway->ready_listener("one"));
  EXPECT_TRUE(is_served(address));
}

}  // namespace
}  // namespace holdfast::gateway
