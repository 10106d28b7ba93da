// A gateway with threads and sockets, and a configuration that changes under live connections.
#include <gtest/gtest.h>

#include <algorithm>

#include "gateway/gateway_rig.h"

namespace holdfast::gateway {
namespace {

const std::string kNode = "[node]\nworkers = 1\n";
const std::string kPools =
    "[[pool]]\nname = \"a\"\n[[pool.server]]\naddress = \"%a\"\n"
    "[[pool]]\nname = \"b\"\n[[pool.server]]\naddress = \"%b\"\n";

std::string listener(const std::string& name, const std::string& keys = "", const std::string& pool = "a",
                     const std::string& bind = "127.0.0.1:0") {
  return "[[listener]]\nname = \"" + name + "\"\nbind = [\"" + bind + "\"]\npool = \"" + pool + "\"\n" + keys + "\n";
}

std::size_t open_descriptors() {
  const std::filesystem::directory_iterator all("/proc/self/fd");
  return static_cast<std::size_t>(std::distance(begin(all), end(all)));
}

TEST(Reconfiguring, TheSameAgainChangesNothing) {
  const std::string text = kNode + listener("one") + kPools;
  GatewayRig rig(text);
  Client client(rig.address("one"));
  EXPECT_EQ(client.ask("1"), "a1");
  const std::string address = rig.address("one");
  const std::size_t descriptors = open_descriptors();
  rig.apply(text);
  EXPECT_EQ(client.ask("2"), "a2");
  EXPECT_EQ(rig.address("one"), address);
  EXPECT_EQ(Client(address).ask("3"), "a3");
  EXPECT_EQ(rig.listener("one").connections_total, 2U);
  rig.until([&] { return rig.listener("one").connections == 1; });
  rig.until([&] { return open_descriptors() == descriptors; });
}

TEST(Reconfiguring, AListenerThatIsAddedServesAndOneThatIsRemovedKeepsItsConnectionsUntilTheyEnd) {
  GatewayRig rig(kNode + listener("one") + kPools);
  Client one(rig.address("one"));
  EXPECT_EQ(one.ask("1"), "a1");
  const std::string old = rig.address("one");
  rig.apply(kNode + listener("two", "", "b") + kPools);
  Client two(rig.address("two"));
  EXPECT_EQ(two.ask("2"), "b2");
  rig.until([&] { return Client(old).has_ended() || Client(old).ask("x").empty(); });
  EXPECT_EQ(one.ask("still"), "astill");
  EXPECT_EQ(rig.listener("one").state, "leaving");
  rig.until([&] { return rig.listener("one").connections == 1; });  // who was let in last has gone as well
  one.close();
  rig.until([&] { return rig.listener("one").name.empty(); });
  EXPECT_EQ(two.ask("3"), "b3");
}

TEST(Reconfiguring, AListenerThatComesBackWhileItIsLeavingIsTheSame) {
  const std::string text = kNode + listener("one", "max_connections = 2") + listener("two") + kPools;
  GatewayRig rig(text);
  Client first(rig.address("one"));
  EXPECT_EQ(first.ask("1"), "a1");
  rig.apply(kNode + listener("two") + kPools);
  EXPECT_EQ(rig.listener("one").state, "leaving");
  rig.apply(text);
  EXPECT_EQ(rig.listener("one").state, "accepting");
  Client second(rig.address("one"));
  EXPECT_EQ(second.ask("2"), "a2");
  EXPECT_EQ(Client(rig.address("one")).ask("3"), "") << "the first one counts";
  EXPECT_EQ(rig.listener("one").connections, 2U);
}

TEST(Reconfiguring, AnAddressThatGoesToAnotherListenerLosesNobody) {
  GatewayRig rig(kNode + listener("one") + kPools);
  const std::string address = rig.address("one");
  Client old(address);
  EXPECT_EQ(old.ask("1"), "a1");
  std::vector<Client> many;
  for (int round = 0; round < 10; ++round) {
    for (int i = 0; i < 10; ++i) many.emplace_back(address);
    rig.apply(kNode + listener(round % 2 == 0 ? "even" : "odd", "", "b", address) + kPools);
  }
  const auto is_served = [](Client& each) {
    const std::string got = each.ask("2");
    return got == "a2" || got == "b2";
  };
  for (Client& each : many) EXPECT_TRUE(is_served(each));
  EXPECT_EQ(Client(address).ask("3"), "b3");
  EXPECT_EQ(old.ask("4"), "a4");
}

TEST(Reconfiguring, AReboundListenerIsOpenAtItsNewAddressAndKeepsItsConnections) {
  GatewayRig rig(kNode + listener("one") + kPools);
  const std::string before = rig.address("one");
  Client old(before);
  EXPECT_EQ(old.ask("1"), "a1");
  const std::string port = before.substr(before.rfind(':'));
  rig.apply(kNode + listener("one", "", "a", "0.0.0.0" + port) + kPools);  // would not be free for anybody else
  EXPECT_EQ(rig.address("one"), "0.0.0.0" + port);
  EXPECT_EQ(Client("127.0.0.2" + port).ask("2"), "a2");
  rig.apply(kNode + listener("one", "", "a", "127.0.0.3" + port) + kPools);
  rig.until([&] { return Client(before).ask("x").empty(); });
  EXPECT_EQ(Client("127.0.0.3" + port).ask("3"), "a3");
  EXPECT_EQ(old.ask("4"), "a4");
}

TEST(Reconfiguring, LimitsAndListsHoldAtOnceAndWhatWasCountedCounts) {
  const auto text = [](const std::string& keys) { return kNode + listener("one", keys) + kPools; };
  GatewayRig rig(text("max_connections = 100"));
  std::vector<Client> clients;
  for (int i = 0; i < 3; ++i) clients.emplace_back(rig.address("one"));
  for (Client& each : clients) EXPECT_EQ(each.ask("1"), "a1");
  // A worker that is in the middle of a turn lets one more in by the rules before.
  const auto expect_refused = [&](const char* reason) {
    rig.until([&] {
      const std::uint64_t before = rig.listener("one").refused.at(reason);
      const bool served = !Client(rig.address("one")).ask("x").empty();
      return !served && rig.listener("one").refused.at(reason) == before + 1;
    });
    rig.until([&] { return rig.listener("one").connections == clients.size(); });
  };
  rig.apply(text("max_connections = 3"));
  expect_refused("max_connections");
  rig.apply(text("max_connections = 100\ndeny = [\"127.0.0.0/8\"]"));
  expect_refused("denied");
  rig.apply(text("max_connections = 100\nmax_connections_per_address = 3"));
  expect_refused("max_connections_per_address");  // also those count that came when nobody counted
  rig.apply(text("max_connections = 50\nmax_connections_per_address = 4"));
  rig.until([&] {  // as above
    Client& fourth = clients.emplace_back(rig.address("one"));
    if (fourth.ask("4") == "a4") return true;
    return clients.pop_back(), false;
  });
  expect_refused("max_connections_per_address");
  clients.pop_back();
  rig.until([&] { return rig.listener("one").connections == 3; });
  EXPECT_EQ(Client(rig.address("one")).ask("5"), "a5");
  rig.apply(text("max_connections = 100"));
  clients.clear();
  rig.until([&] { return rig.listener("one").connections == 0; });
}

TEST(Reconfiguring, AShorterIdleTimeoutEndsThoseThatAreThere) {
  const auto text = [](const std::string& timeout) {
    return kNode + listener("one", "idle_timeout = \"" + timeout + "\"") + kPools;
  };
  GatewayRig rig(text("0s"));
  Client client(rig.address("one"));
  EXPECT_EQ(client.ask("1"), "a1");
  rig.apply(text("1h"));
  EXPECT_EQ(client.ask("2"), "a2");
  rig.apply(text("1s"));
  rig.until([&] { return client.has_ended(); });
  EXPECT_EQ(rig.listener("one").closed.at("idle_timeout"), 1U);
}

TEST(Reconfiguring, ALongerOrNoTimeoutKeepsThoseThatAreThere) {
  const auto text = [](const std::string& keys) { return kNode + listener("one", keys) + kPools; };
  GatewayRig rig(text("idle_timeout = \"1s\""));
  Client kept(rig.address("one"));
  EXPECT_EQ(kept.ask("1"), "a1");
  rig.apply(text("idle_timeout = \"0s\"\nmax_age = \"1h\""));
  rig.apply(text("idle_timeout = \"0s\""));
  const auto begin = base::Clock::now();
  rig.until([&] { return base::Clock::now() - begin > 1200ms; });
  EXPECT_FALSE(kept.has_ended());
  rig.apply(text("max_age = \"1s\"\nmax_age_jitter = 0"));
  rig.until([&] { return kept.has_ended(); });
  EXPECT_EQ(rig.listener("one").closed.at("max_age"), 1U);
}

TEST(Reconfiguring, AnotherPoolIsForThoseThatComeAndTheOthersGoOnWhereTheyWere) {
  const std::string pools =
      "[[pool]]\nname = \"a\"\nqueue = 5\nqueue_timeout = \"30s\"\n[[pool.server]]\naddress = \"%a\"\n"
      "max_connections = 1\n[[pool]]\nname = \"b\"\n[[pool.server]]\naddress = \"%b\"\n";
  GatewayRig rig(kNode + listener("one", "handshake_timeout = \"30s\"") + pools);
  Client relaying(rig.address("one"));
  EXPECT_EQ(relaying.ask("1"), "a1");
  Client waiting(rig.address("one"));
  const auto waits = [&] { return rig.gateway->status().pools.at(0).waiting; };
  rig.until([&] { return waits() == 1; });
  rig.apply(kNode + listener("one", "handshake_timeout = \"30s\"", "b") + pools);
  EXPECT_EQ(Client(rig.address("one")).ask("2"), "b2");
  EXPECT_EQ(relaying.ask("3"), "a3");
  EXPECT_EQ(waits(), 1U);
  relaying.close();
  EXPECT_EQ(waiting.ask("4"), "a4") << "it has waited for that pool";
  EXPECT_EQ(waits(), 0U);
  waiting.close();
  rig.until([&] { return rig.listener("one").connections == 0; });
  for (const PoolStatus& pool : rig.gateway->status().pools) EXPECT_EQ(pool.connections, 0U) << pool.name;
}

TEST(Reconfiguring, WhoIsLookedForInAPoolIsThereThoughItsListenerHasAnotherNow) {
  GatewayRig rig(kNode + listener("one") + kPools);
  Client client(rig.address("one"));
  EXPECT_EQ(client.ask("1"), "a1");
  rig.apply(kNode + listener("one", "", "b") + kPools);
  const auto found_in = [&rig](const std::string& pool) {
    std::optional<ConnectionPage> page;
    rig.gateway->find_connections({.pool = pool}, [&page](ConnectionPage answer) { page = std::move(answer); });
    rig.until([&page] { return page.has_value(); });
    return std::move(*page);
  };
  EXPECT_TRUE(found_in("b").connections.empty());
  const ConnectionPage page = found_in("a");
  ASSERT_EQ(page.connections.size(), 1U);
  EXPECT_EQ(page.connections[0].pool, "a");
}

TEST(Reconfiguring, MoreWorkersTakePartInOldAndNewListenersAndLessAreNotTakenAway) {
  const auto text = [](const std::string& workers, const std::string& more) {
    return "[node]\nworkers = " + workers + "\n" + listener("one") + more + kPools;
  };
  GatewayRig rig(text("1", ""));
  Client old(rig.address("one"));
  EXPECT_EQ(old.ask("1"), "a1");
  rig.apply(text("3", listener("two", "", "b")));
  std::vector<Client> clients;
  for (int i = 0; i < 60; ++i) clients.emplace_back(rig.address(i % 2 == 0 ? "one" : "two"));
  for (std::size_t i = 0; i < clients.size(); ++i) EXPECT_EQ(clients[i].ask("2"), i % 2 == 0 ? "a2" : "b2");
  EXPECT_EQ(old.ask("3"), "a3");
  Status status = rig.gateway->status();
  ASSERT_EQ(status.workers.size(), 3U);
  std::uint64_t sum = 0;
  for (const WorkerStatus& worker : status.workers) {
    EXPECT_GT(worker.connections, 0U);
    sum += worker.connections;
  }
  EXPECT_EQ(sum, 61U);
  rig.apply(text("1", ""));
  EXPECT_EQ(rig.gateway->status().workers.size(), 3U);
  for (std::size_t i = 0; i < clients.size(); ++i) EXPECT_EQ(clients[i].ask("4"), i % 2 == 0 ? "a4" : "b4");
}

TEST(Reconfiguring, WhatCannotBeHadChangesNothing) {
  const net::Fd other = *net::open_listener(address_of("127.0.0.1:0"), {}, net::Sharing::alone);
  const std::string taken = net::SocketAddress::local_of(other.get())->text();
  GatewayRig rig(kNode + listener("one") + kPools);
  Client client(rig.address("one"));
  EXPECT_EQ(client.ask("1"), "a1");
  const std::size_t descriptors = open_descriptors();
  const std::int64_t budget = rig.gateway->status().descriptors_free;
  const std::string wanted = "[node]\nworkers = 4\n" + listener("zero") + listener("two", "", "b", taken) + kPools;
  EXPECT_NE(rig.refusal(wanted).find("listener two: " + taken + ": bind: Address already in use"), std::string::npos);
  const std::string twice =
      kNode + listener("one") + listener("x", "", "a", "127.0.0.1:1") + listener("y", "", "a", "0.0.0.0:1") + kPools;
  EXPECT_NE(rig.refusal(twice), "");
  EXPECT_EQ(open_descriptors(), descriptors);
  EXPECT_EQ(rig.gateway->status().descriptors_free, budget);
  const Status status = rig.gateway->status();
  EXPECT_EQ(status.workers.size(), 1U);
  ASSERT_EQ(status.listeners.size(), 1U);
  EXPECT_EQ(Client(rig.address("one")).ask("2"), "a2");
  EXPECT_EQ(client.ask("3"), "a3");
}

TEST(Reconfiguring, AUnixSocketIsKeptHandedOnAndTakenAwayWithItsFile) {
  const std::string path =
      (std::filesystem::temp_directory_path() / ("holdfast-" + std::to_string(::getpid()) + ".sock")).string();
  const std::string bind = "unix:" + path;
  GatewayRig rig("[node]\nworkers = 2\n" + listener("one", "", "a", bind) + kPools);
  Client old(bind);
  EXPECT_EQ(old.ask("1"), "a1");
  rig.apply("[node]\nworkers = 3\n" + listener("two", "", "b", bind) + kPools);
  for (int i = 0; i < 10; ++i) EXPECT_EQ(Client(bind).ask("2"), "b2");
  EXPECT_EQ(old.ask("3"), "a3");
  rig.apply(kNode + listener("three") + kPools);
  EXPECT_FALSE(std::filesystem::exists(path));
  EXPECT_EQ(old.ask("4"), "a4");
}

TEST(Reconfiguring, TwoHundredChangesUnderLoadLoseNobodyAndLeakNothing) {
  const auto text = [](int round) {
    const std::string number = std::to_string(round % 3);
    const std::string timeout = "idle_timeout = \"" + std::to_string(100 + round) + "s\"\n";
    return "[node]\nworkers = 2\n" + listener("kept", timeout) + listener("comes-" + number, "", "b") + kPools;
  };
  GatewayRig rig(text(0));
  std::vector<Client> clients;
  for (int i = 0; i < 100; ++i) clients.emplace_back(rig.address("kept"));
  for (Client& each : clients) EXPECT_EQ(each.ask("0"), "a0");
  std::size_t descriptors = 0;
  for (int round = 1; round <= 200; ++round) {
    for (std::size_t i = 0; i < 10; ++i) clients[(static_cast<std::size_t>(round) * 10 + i) % 100].send("x");
    rig.apply(text(round));
    const std::string name = "comes-" + std::to_string(round % 3);
    EXPECT_EQ(Client(rig.address(name)).ask("n"), "bn");
    for (std::size_t i = 0; i < 10; ++i) {
      EXPECT_EQ(clients[(static_cast<std::size_t>(round) * 10 + i) % 100].answer(2), "ax");
    }
    if (round == 1) {
      rig.until([&] { return rig.gateway->connections() == 100 && rig.gateway->status().listeners.size() == 2; });
      descriptors = open_descriptors();
    }
  }
  rig.until([&] { return rig.gateway->connections() == 100 && rig.gateway->status().listeners.size() == 2; });
  EXPECT_EQ(rig.listener("kept").connections, 100U);
  EXPECT_EQ(rig.listener("kept").connections_total, 100U);
  rig.until([&] { return open_descriptors() == descriptors; });
}

}  // namespace
}  // namespace holdfast::gateway
