#include <gtest/gtest.h>

#include "admin/test_faces.h"

namespace holdfast::admin {
namespace {

using control::Method;

TEST(ListenerRoutes, ShowEveryField) {
  Fakes fakes;
  gateway::ListenerStatus& listener = fakes.status.listeners[0];
  listener.state = "draining";
  listener.connections = 1;
  listener.connections_total = 12;
  listener.max_connections = 100;
  listener.closed = {{"idle_timeout", 3}};
  listener.refused = {{"denied", 4}};
  listener.bytes_to_server = 5;
  listener.bytes_to_client = 6;
  listener.connect_buckets[0] = 10;  // up to 0.5 ms
  listener.connect_seconds_sum = 0.002;
  listener.draining = gateway::DrainStatus{.rate = 200, .deadline_seconds_left = 60, .remaining = 1, .closed = 9};
  Client client(fakes.all());
  const char* const want = R"({
    "name": "mqtt", "role": "gateway", "protocol": "tcp", "state": "draining", "addresses": ["127.0.0.1:1883"], "pool": "brokers",
    "connections": 1, "connections_total": 12, "max_connections": 100, "closed": {"idle_timeout": 3},
    "refused": {"denied": 4}, "connects_refused": null, "bytes_to_server": 5, "bytes_to_client": 6,
    "connect": {"p50_seconds": 0.00025, "p99_seconds": 0.000495, "mean_seconds": 0.0002},
    "drain": {"rate": "200/s", "deadline_seconds_left": 60.0, "remaining": 1, "closed": 9}})";
  EXPECT_EQ(json_of(client.get("/v1/listeners/mqtt")), boost::json::parse(want));
  EXPECT_EQ(json_of(client.get("/v1/listeners")).as_array().at(0), boost::json::parse(want));
}

TEST(ListenerRoutes, ShowThoseOfTheBrokerBehindThoseOfTheGateway) {
  Fakes fakes;
  fakes.broker = broker::Status{.listeners = {{.name = "m",
                                               .protocol = "websocket",
                                               .addresses = {"127.0.0.1:8083"},
                                               .max_connections = 9,
                                               .connections = 2,
                                               .connections_total = 3,
                                               .bytes_received = 5,
                                               .bytes_sent = 6,
                                               .closed = {{"kicked", 1}},
                                               .refused = {{"denied", 4}},
                                               .connects_refused = {{"server_busy", 7}}}}};
  Client client(fakes.all());
  const auto want = boost::json::parse(R"({
    "name": "m", "role": "broker", "protocol": "websocket", "state": "accepting", "addresses": ["127.0.0.1:8083"],
    "pool": null, "connections": 2, "connections_total": 3, "max_connections": 9, "closed": {"kicked": 1},
    "refused": {"denied": 4}, "connects_refused": {"server_busy": 7}, "bytes_to_server": 5, "bytes_to_client": 6,
    "connect": null, "drain": null})");
  EXPECT_EQ(json_of(client.get("/v1/listeners/m")), want);
  const auto all = json_of(client.get("/v1/listeners")).as_array();
  ASSERT_EQ(all.size(), 2U);
  EXPECT_EQ(all.at(0).at("name").as_string(), "mqtt");
  EXPECT_EQ(all.at(1), want);
  EXPECT_EQ(known_of(client.get("/v1/listeners/none")), "mqtt m");
  EXPECT_EQ(client.get("/v1/connections?listener=m").status, 200U);
  const auto drained = client.ask(Method::patch, "/v1/listeners/m", R"({"state": "drain"})");
  EXPECT_EQ(drained.status, 409U);
  EXPECT_EQ(known_of(drained), "mqtt");
  EXPECT_TRUE(fakes.commands.empty());
}

TEST(ListenerRoutes, WithoutConnectsThereAreNoTimes) {
  Fakes fakes;
  const auto listener = json_of(Client(fakes.all()).get("/v1/listeners/mqtt"));
  EXPECT_EQ(listener.at("connect"),
            boost::json::parse(R"({"p50_seconds": null, "p99_seconds": null, "mean_seconds": null})"));
  EXPECT_TRUE(listener.at("drain").is_null());
}

TEST(ListenerRoutes, DrainAndReadyArePassedOn) {
  Fakes fakes;
  Client client(fakes.all());
  for (const char* body :
       {R"({"state": "drain", "rate": "5/s", "deadline": "1m"})", R"({"state": "drain"})", R"({"state": "ready"})"}) {
    const auto answer = client.ask(Method::patch, "/v1/listeners/mqtt", body);
    EXPECT_EQ(answer.status, 200U);
    EXPECT_EQ(json_of(answer).at("name").as_string(), "mqtt");
  }
  EXPECT_EQ(fakes.commands, (std::vector<std::string>{"drain mqtt rate=5/s deadline=1m", "drain mqtt", "ready mqtt"}));
}

TEST(ListenerRoutes, WhatIsWrongIsSaidAndNothingIsDone) {
  Fakes fakes;
  Client client(fakes.all());
  const std::pair<const char*, const char*> table[] = {
      {"", "the body must have \"state\""},
      {"{}", "the body must have \"state\""},
      {R"({"state": "maint"})", "`state` must be"},
      {R"({"state": "ready", "rate": "1/s"})", "`rate` and `deadline` go with the state \"drain\" only"},
      {R"({"rate": "1/s"})", "the body must have \"state\""},
  };
  for (const auto& [body, detail] : table) {
    const auto answer = client.ask(Method::patch, "/v1/listeners/mqtt", body);
    EXPECT_EQ(answer.status, 400U);
    EXPECT_TRUE(detail_of(answer).starts_with(detail)) << answer.body;
  }
  const auto unknown = client.ask(Method::patch, "/v1/listeners/mqt", R"({"state": "drain"})");
  EXPECT_EQ(unknown.status, 404U);
  EXPECT_EQ(detail_of(unknown), "no listener is called \"mqt\"");
  EXPECT_EQ(known_of(unknown), "mqtt");
  EXPECT_TRUE(fakes.commands.empty());
}

TEST(ListenerRoutes, AListenerThatCannotBeBoundAgainIsAProblem) {
  Fakes fakes;
  fakes.refusal = Refusal{Refusal::Why::failed, "127.0.0.1:1883: Address already in use"};
  const auto answer = Client(fakes.all()).ask(Method::patch, "/v1/listeners/mqtt", R"({"state": "ready"})");
  EXPECT_EQ(answer.status, 500U);
  EXPECT_EQ(detail_of(answer), "127.0.0.1:1883: Address already in use");
}

}  // namespace
}  // namespace holdfast::admin
