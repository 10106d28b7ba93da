#include <gtest/gtest.h>

#include "admin/test_faces.h"

namespace holdfast::admin {
namespace {

using control::Method;

constexpr const char* kServers = "/v1/pools/brokers/servers";
constexpr const char* kServer = "/v1/pools/brokers/servers/b1";

TEST(PoolRoutes, ShowEveryField) {
  Fakes fakes;
  gateway::PoolStatus& pool = fakes.status.pools[0];
  pool.connections = 4;
  pool.waiting = 1;
  pool.panic = true;
  pool.probes_total = 10;
  pool.probe_failures_total = 2;
  pool.servers[0].up = true;
  pool.discovery = gateway::DiscoveryStatus{.source = "file:/s.json",
                                            .version = "7",
                                            .error = "no such file",
                                            .alarm = "unreadable",
                                            .age_seconds = 3,
                                            .checked_seconds = -1,
                                            .from_disk_copy = true,
                                            .changes_total = 2,
                                            .errors_total = 1};
  Client client(fakes.all());
  const char* const want = R"({"name": "brokers", "policy": "least_connections", "servers": 2, "servers_up": 1,
    "connections": 4, "waiting": 1, "panic": true, "probes_total": 10, "probe_failures_total": 2,
    "discovery": {"source": "file:/s.json", "version": "7", "age_seconds": 3.0, "checked_seconds_ago": null,
                  "alarm": "unreadable", "error": "no such file", "from_disk_copy": true, "changes_total": 2,
                  "errors_total": 1}})";
  EXPECT_EQ(json_of(client.get("/v1/pools/brokers")), boost::json::parse(want));
  EXPECT_EQ(json_of(client.get("/v1/pools")).as_array().at(0), boost::json::parse(want));
  pool.discovery.reset();
  EXPECT_FALSE(json_of(client.get("/v1/pools/brokers")).as_object().contains("discovery"));
}

TEST(ServerRoutes, ShowEveryField) {
  Fakes fakes;
  gateway::ServerStatus& server = fakes.status.pools[0].servers[0];
  server.cause = "told \xff";
  server.last_check_seconds = -1;
  server.weight = 100;
  server.weight_now = 50;
  server.addresses = 1;
  server.max_connections = 5;
  server.connections = 2;
  server.connections_total = 4;
  server.connect_seconds_sum = 1;
  server.mode = "drain";
  server.mode_by = "operator";
  server.origin = "runtime";
  server.differs = {{"weight", "100", "50"}};
  server.draining = gateway::DrainStatus{.remaining = 2};
  server.sources = {{"10.0.0.9", 2}, {"", 7}};
  Client client(fakes.all());
  const char* const want = R"({"name": "b1", "address": "10.0.0.1:1883", "state": "UP", "up": false,
    "cause": "told ?", "state_seconds": 0.0, "check": {"result": "", "seconds_ago": null, "took_seconds": 0.0},
    "agent_error": "", "weight": 100, "weight_now": 50, "backup": false, "leaving": false, "held_by_panic": false,
    "ejected": false, "addresses": 1, "max_connections": 5, "connections": 2, "connections_total": 4,
    "ejections_total": 0, "connect_failures_total": 0, "early_closes_total": 0, "ports_short_total": 0,
    "connect_mean_seconds": 0.25, "mode": "drain", "mode_by": "operator", "origin": "runtime",
    "differs": [{"key": "weight", "file": "100", "now": "50"}],
    "drain": {"rate": null, "deadline_seconds_left": null, "remaining": 2, "closed": 0},
    "sources": [{"address": "10.0.0.9", "ports": 2}]})";
  EXPECT_EQ(json_of(client.get(kServer)), boost::json::parse(want));
  EXPECT_EQ(json_of(client.get(kServers)).as_array().at(0), boost::json::parse(want));
  EXPECT_TRUE(json_of(client.get("/v1/pools/brokers/servers/b2")).at("connect_mean_seconds").is_null());
}

TEST(ServerRoutes, WhatIsNotThereIs404AndNamesWhatIs) {
  Fakes fakes;
  Client client(fakes.all());
  const auto ask = [&client](Method method, const char* path) {
    return client.ask(method, path, method == Method::post ? R"({"address": "h:1"})" : R"({"weight": 1})");
  };
  for (const Method method : {Method::get, Method::patch, Method::del}) {
    const auto no_server = ask(method, "/v1/pools/brokers/servers/b9");
    EXPECT_EQ(no_server.status, 404U);
    EXPECT_EQ(detail_of(no_server), "no server of the pool brokers is called \"b9\"");
    EXPECT_EQ(known_of(no_server), "b1 b2");
    EXPECT_EQ(known_of(ask(method, "/v1/pools/broker/servers/b1")), "brokers");
  }
  for (const Method method : {Method::get, Method::post}) {
    const auto no_pool = ask(method, "/v1/pools/x%0Ay/servers");
    EXPECT_EQ(no_pool.status, 404U);
    EXPECT_EQ(detail_of(no_pool), "no pool is called \"x%0Ay\"");
  }
  EXPECT_EQ(client.get("/v1/pools/none").status, 404U);
  EXPECT_TRUE(fakes.commands.empty());
}

TEST(ServerRoutes, OnlySoManyKnownNamesAreShown) {
  Fakes fakes;
  for (int i = 0; i < 2000; ++i) fakes.status.pools[0].servers.push_back({.pool = "brokers", .name = "s"});
  const auto answer = Client(fakes.all()).get("/v1/pools/brokers/servers/x");
  EXPECT_EQ(json_of(answer).at("known").as_array().size(), 100U);
}

TEST(ServerRoutes, AStateIsPassedOn) {
  Fakes fakes;
  Client client(fakes.all());
  const auto answer = client.ask(Method::patch, kServer, R"({"state": "drain", "rate": "200/s", "deadline": "10m"})");
  EXPECT_EQ(answer.status, 200U);
  EXPECT_EQ(json_of(answer).at("name").as_string(), "b1");
  client.ask(Method::patch, kServer, R"({"state": "maint", "rate": "1/s"})");
  client.ask(Method::patch, kServer, R"({"state": "ready"})");
  client.ask(Method::patch, kServer, R"({"deadline": "1s"})");
  EXPECT_EQ(fakes.commands,
            (std::vector<std::string>{"change brokers/b1 rate=200/s deadline=10m", "change brokers/b1 rate=1/s",
                                      "change brokers/b1", "change brokers/b1 deadline=1s"}));
  ASSERT_EQ(fakes.patches.size(), 4U);
  EXPECT_EQ(fakes.patches[0].mode, gateway::ServerMode::drain);
  EXPECT_EQ(fakes.patches[1].mode, gateway::ServerMode::maint);
  EXPECT_EQ(fakes.patches[2].mode, gateway::ServerMode::ready);
  EXPECT_FALSE(fakes.patches[3].mode) << "of the drain that is under way";
}

TEST(ServerRoutes, EveryKeyOfAServerCanBeChanged) {
  Fakes fakes;
  Client client(fakes.all());
  const auto answer = client.ask(Method::patch, kServer,
                                 R"({"weight": 0, "max_connections": 7, "max_accept_rate": "3/s",
                                     "address": "[::1]:99", "backup": true})");
  EXPECT_EQ(answer.status, 200U) << answer.body;
  const gateway::ServerChange& patch = fakes.patches.at(0);
  EXPECT_FALSE(patch.mode);
  EXPECT_EQ(patch.weight, 0U);
  EXPECT_EQ(patch.max_connections, 7U);
  EXPECT_EQ(patch.max_accept_rate, base::Rate{3});
  EXPECT_EQ(patch.address->text(), "[::1]:99");
  EXPECT_EQ(patch.backup, true);

  client.ask(Method::patch, kServer, R"({"backup": false})");
  const gateway::ServerChange& second = fakes.patches.at(1);
  EXPECT_EQ(second.backup, false);
  EXPECT_FALSE(second.weight || second.max_connections || second.max_accept_rate || second.address);
}

TEST(ServerRoutes, AWrongChangeIsRefusedByTheRulesOfTheFile) {
  Fakes fakes;
  Client client(fakes.all());
  const std::pair<const char*, const char*> table[] = {
      {"", "the body says nothing that is to change"},
      {"{}", "the body says nothing that is to change"},
      {R"({"weight": 1001})", "`weight` must be 0 to 1000; found the number 1001"},
      {R"({"weight": "5"})", "`weight` must be a whole number"},
      {R"({"max_connections": -1})", "`max_connections` must be"},
      {R"({"address": "nowhere"})", "`address` must be"},
      {R"({"backup": 1})", "`backup` must be"},
      {R"({"state": "down"})", "`state` must be"},
      {R"({"state": "ready", "rate": "1/s"})", "`rate` and `deadline` go with the states"},
      {R"({"state": "ready", "deadline": "1s"})", "`rate` and `deadline` go with the states"},
      {R"({"name": "other"})", "the body has an unknown key \"name\""},
  };
  for (const auto& [body, detail] : table) {
    const auto answer = client.ask(Method::patch, kServer, body);
    EXPECT_EQ(answer.status, 400U) << body;
    EXPECT_TRUE(detail_of(answer).starts_with(detail)) << answer.body;
  }
  EXPECT_TRUE(fakes.commands.empty());
}

TEST(ServerRoutes, AServerIsAdded) {
  Fakes fakes;
  Client client(fakes.all());
  const auto answer = client.ask(Method::post, kServers, R"({"name": "b3", "address": "10.0.0.3:1883", "weight": 5})");
  EXPECT_EQ(answer.status, 201U) << answer.body;
  EXPECT_EQ(json_of(answer).at("name").as_string(), "b3");
  ASSERT_EQ(answer.headers.size(), 1U);
  EXPECT_EQ(answer.headers[0], (control::NamedValue{"Location", "/v1/pools/brokers/servers/b3"}));
  EXPECT_EQ(fakes.added.at(0).weight, 5U);
  EXPECT_EQ(fakes.added.at(0).max_connections, 0U) << "the defaults of the file";

  const auto unnamed = client.ask(Method::post, kServers, R"({"address": "[::1]:80"})");
  EXPECT_EQ(json_of(unnamed).at("name").as_string(), "[::1]:80") << "as in the file";
  EXPECT_EQ(unnamed.headers.at(0).value, "/v1/pools/brokers/servers/%5B%3A%3A1%5D%3A80");
  EXPECT_EQ(client.get(unnamed.headers.at(0).value).status, 200U);
}

TEST(ServerRoutes, AWrongServerIsNotAdded) {
  Fakes fakes;
  Client client(fakes.all());
  const std::pair<const char*, const char*> table[] = {
      {"", "the body must have \"address\""},
      {R"({"name": "b3"})", "the body must have \"address\""},
      {R"({"address": "10.0.0.3"})", "`address` must be"},
      {R"({"address": "10.0.0.3:1", "name": "a b"})", "`name` must be"},
      {R"({"address": "10.0.0.3:1", "wight": 5})", "the body has an unknown key \"wight\""},
  };
  for (const auto& [body, detail] : table) {
    const auto answer = client.ask(Method::post, kServers, body);
    EXPECT_EQ(answer.status, 400U) << body;
    EXPECT_TRUE(detail_of(answer).starts_with(detail)) << answer.body;
  }
  EXPECT_TRUE(fakes.commands.empty());
  fakes.refusal = Refusal{Refusal::Why::conflict, "the pool brokers has a server b1 already"};
  EXPECT_EQ(client.ask(Method::post, kServers, R"({"name": "b1", "address": "h:1"})").status, 409U);
}

TEST(ServerRoutes, AServerIsRemoved) {
  Fakes fakes;
  Client client(fakes.all());
  const auto answer = client.ask(Method::del, kServer);
  EXPECT_EQ(answer.status, 202U);
  EXPECT_EQ(json_of(answer), boost::json::parse(R"({"remaining": 3, "on_remove": "drain"})"));
  EXPECT_EQ(fakes.commands, std::vector<std::string>{"remove brokers/b1"});
  fakes.refusal = Refusal{Refusal::Why::conflict, "it is leaving already"};
  EXPECT_EQ(client.ask(Method::del, kServer).status, 409U);
  EXPECT_EQ(client.ask(Method::patch, kServer, R"({"weight": 1})").status, 409U);
}

}  // namespace
}  // namespace holdfast::admin
