#include <gtest/gtest.h>

#include "admin/node_json.h"
#include "admin/test_faces.h"

namespace holdfast::admin {
namespace {

using control::Method;

TEST(NodeRoutes, HealthAndReadinessFollowThePhase) {
  Fakes fakes;
  Client client(fakes.all());
  EXPECT_EQ(client.get("/healthz").status, 200U);
  for (const auto& [phase, status] : {std::pair(Phase::starting, 503U), std::pair(Phase::serving, 200U),
                                      std::pair(Phase::draining, 503U), std::pair(Phase::drained, 503U)}) {
    fakes.node.phase = phase;
    const control::Response answer = client.get("/readyz");
    EXPECT_EQ(answer.status, status) << name(phase);
    EXPECT_EQ(answer.status == 503 && detail_of(answer).starts_with(name(phase)), status == 503);
    EXPECT_EQ(json_of(client.get("/v1/status")).at("phase").as_string(), name(phase));
  }
}

TEST(NodeRoutes, MetricsAreAPage) {
  Fakes fakes;
  fakes.node.version = "1.2.3";
  Client client(fakes.all());
  const control::Response page = client.get("/metrics");
  EXPECT_TRUE(page.content_type.starts_with("text/plain; version=0.0.4"));
  EXPECT_NE(page.body.find("holdfast_build_info{version=\"1.2.3\",node=\"edge-1\"} 1"), std::string::npos);
  EXPECT_NE(page.body.find("holdfast_ready 1"), std::string::npos);
  EXPECT_NE(page.body.find("holdfast_connections{listener=\"mqtt\"} 0"), std::string::npos);
}

TEST(NodeRoutes, StatusSaysEverythingOfTheProcess) {
  Fakes fakes;
  fakes.node = {.name = "edge-1",
                .version = "1.2.3",
                .pid = 42,
                .phase = Phase::serving,
                .uptime_seconds = 1.5,
                .resident_bytes = 900,
                .config = {"e.toml", WallTime(std::chrono::seconds(1'800'000'000)), 4, 0, "broken"}};
  fakes.status.listeners[0].connections = 3;
  fakes.status.listeners[0].connections_total = 30;
  fakes.status.listeners.push_back({.name = "second", .connections = 4, .connections_total = 40});
  fakes.status.max_connections = 100;
  fakes.status.descriptors_free = -1;
  gateway::WorkerStatus& first = fakes.status.workers[0];
  first.turns = 9;
  first.connections = 5;
  first.lag_seconds = 0.25;
  first.relay_memory_bytes = 10;
  first.buffer_memory_bytes = 20;
  gateway::WorkerStatus& second = fakes.status.workers[1];
  second.accept_paused = true;
  second.relay_memory_bytes = 1;
  second.buffer_memory_bytes = 2;
  fakes.differences = {{"pool p, server s: weight", "100", "50"}};
  fakes.alarms["active"] = {{{"name", "pool_in_panic"}}};
  Client client(fakes.all());
  EXPECT_EQ(json_of(client.get("/v1/status")), boost::json::parse(R"({
    "node": "edge-1", "version": "1.2.3", "pid": 42, "phase": "serving", "uptime_seconds": 1.5,
    "config": {"file": "e.toml", "loaded_at": "2027-01-15T08:00:00Z", "reloads_total": 4, "last_error": "broken",
               "differs": 1},
    "connections": 7, "connections_total": 70, "max_connections": 100, "descriptors_free": -1,
    "workers": [
      {"number": 0, "turns_total": 9, "lag_seconds": 0.25, "connections": 5, "accept_paused": false},
      {"number": 1, "turns_total": 0, "lag_seconds": 0.0, "connections": 0, "accept_paused": true}],
    "memory": {"relays_bytes": 11, "buffers_bytes": 22, "resident_bytes": 900},
    "broker": null, "drain": null, "alarms": [{"name": "pool_in_panic"}]})"));
}

TEST(NodeRoutes, TheStatusHasWhatTheBrokerHas) {
  Fakes fakes;
  fakes.status.listeners[0].connections = 3;
  broker::Status status;
  status.listeners = {{.name = "m", .connections = 4, .connections_total = 40}};
  status.workers = {{.turns = 9, .lag_seconds = 0.5, .clients = 4, .connection_memory_bytes = 10},
                    {.buffer_memory_bytes = 7, .accept_paused = true}};
  status.totals.clients = 4;
  status.totals.clients_max = 6;
  status.totals.sessions = 5;
  status.totals.subscriptions = 8;
  status.totals.shared_subscriptions = 1;
  status.totals.retained = 2;
  status.totals.retained_bytes = 20;
  status.totals.delayed = 3;
  status.totals.messages_received[0] = 1;
  status.totals.messages_received[2] = 2;
  status.totals.messages_sent[1] = 11;
  status.totals.dropped = {{"queue_full", 12}};
  status.totals.no_member = 13;
  status.totals.message_bytes_alive = 14;
  status.rates = {.received = 0.5, .sent = 1.5, .dropped = 2.5};
  status.auth.under_way = 15;
  fakes.broker = std::move(status);
  const auto shown = json_of(Client(fakes.all()).get("/v1/status"));
  EXPECT_EQ(shown.at("connections").as_int64(), 7);
  EXPECT_EQ(shown.at("connections_total").as_int64(), 40);
  EXPECT_EQ(shown.at("broker"), boost::json::parse(R"({
    "clients": 4, "clients_max": 6, "sessions": 5, "subscriptions": 8, "shared_subscriptions": 1, "retained": 2,
    "retained_bytes": 20, "delayed": 3, "messages_received_total": 3, "messages_sent_total": 11,
    "messages_received_per_second": 0.5, "messages_sent_per_second": 1.5, "messages_dropped_per_second": 2.5,
    "dropped": {"queue_full": 12, "no_member": 13}, "logins_under_way": 15,
    "workers": [
      {"number": 0, "turns_total": 9, "lag_seconds": 0.5, "clients": 4, "accept_paused": false},
      {"number": 1, "turns_total": 0, "lag_seconds": 0.0, "clients": 0, "accept_paused": true}],
    "connections_bytes": 10, "buffers_bytes": 7, "messages_bytes": 14})"));
}

TEST(NodeRoutes, NoLimitOfConnectionsIsShownAsNone) {
  Fakes fakes;
  fakes.status.max_connections = 0xFFFFFFFF;
  EXPECT_EQ(json_of(Client(fakes.all()).get("/v1/status")).at("max_connections").as_int64(), 0);
}

TEST(NodeRoutes, TheDrainOfTheNodeIsShown) {
  Fakes fakes;
  fakes.node.drain = NodeDrain{.wait_seconds_left = 2, .progress = {.rate = 0.5, .remaining = 8, .closed = 1}};
  const auto drain = json_of(Client(fakes.all()).get("/v1/status")).at("drain");
  EXPECT_EQ(drain, boost::json::parse(R"({"rate": "30/m", "deadline_seconds_left": null, "remaining": 8, "closed": 1,
                                          "wait_seconds_left": 2.0})"));
}

TEST(NodeRoutes, DrainPassesOnWhatTheBodySays) {
  Fakes fakes;
  fakes.node.phase = Phase::draining;
  Client client(fakes.all());
  const control::Response answer =
      client.ask(Method::post, "/v1/drain", R"({"rate": "200/s", "deadline": "10m", "wait": "5s"})");
  EXPECT_EQ(answer.status, 202U);
  EXPECT_EQ(json_of(answer), boost::json::parse(R"({"phase": "draining", "drain": null})"));
  EXPECT_EQ(client.ask(Method::post, "/v1/drain").status, 202U) << "no body is no wishes";
  EXPECT_EQ(client.ask(Method::del, "/v1/drain").status, 200U);
  EXPECT_EQ(fakes.commands, (std::vector<std::string>{"drain rate=200/s deadline=10m wait=5s", "drain", "resume"}));
}

TEST(NodeRoutes, ARefusalIsAProblem) {
  Fakes fakes;
  Client client(fakes.all());
  const std::pair<Refusal::Why, unsigned> table[] = {{Refusal::Why::not_found, 404},
                                                     {Refusal::Why::conflict, 409},
                                                     {Refusal::Why::invalid, 422},
                                                     {Refusal::Why::failed, 500}};
  for (const auto& [why, status] : table) {
    fakes.refusal = Refusal{why, "it is so"};
    for (const Method method : {Method::post, Method::del}) {
      const control::Response answer = client.ask(method, "/v1/drain");
      EXPECT_EQ(answer.status, status);
      EXPECT_EQ(answer.content_type, "application/problem+json");
      EXPECT_EQ(detail_of(answer), "it is so");
    }
  }
}

TEST(NodeRoutes, AlarmsAndEventsAreAnsweredByWhoKeepsThem) {
  Fakes fakes;
  fakes.alarms["cleared"] = {{{"name", "x"}}};
  Client client(fakes.all());
  EXPECT_EQ(json_of(client.get("/v1/alarms")).as_object(), fakes.alarms);
  EXPECT_EQ(client.get("/v1/events").content_type, "text/event-stream");
}

TEST(NodeRoutes, WhatNobodyGivesIsNotThere) {
  Fakes fakes;
  Client client(fakes.reading());
  for (const char* path : {"/v1/alarms", "/v1/events", "/v1/config", "/v1/connections"}) {
    EXPECT_EQ(client.get(path).status, 404U) << path;
  }
  EXPECT_EQ(client.ask(Method::post, "/v1/drain").status, 404U);
  EXPECT_EQ(client.ask(Method::post, "/v1/reload").status, 404U);
  EXPECT_EQ(client.ask(Method::patch, "/v1/listeners/mqtt").status, 405U);
  EXPECT_EQ(json_of(client.get("/v1/status")).at("alarms").as_array().size(), 0U);
  EXPECT_DEATH((void)routes(Faces{}), "") << "but these three must be there";
}

TEST(Api, TheIndexListsEveryRoute) {
  Fakes fakes;
  Client client(fakes.all());
  const boost::json::value index = json_of(client.get("/v1"));
  std::string text;
  for (const auto& path : index.at("paths").as_array()) {
    text += std::string(path.at("path").as_string()) + boost::json::serialize(path.at("methods")) + " ";
  }
  EXPECT_EQ(text,
            "/healthz[\"GET\"] /readyz[\"GET\"] /metrics[\"GET\"] /v1/status[\"GET\"] /v1/alarms[\"GET\"] "
            "/v1/events[\"GET\"] /v1/drain[\"POST\",\"DELETE\"] /v1/config[\"GET\"] /v1/reload[\"POST\"] "
            "/v1/listeners[\"GET\"] /v1/listeners/{listener}[\"GET\",\"PATCH\"] /v1/pools[\"GET\"] "
            "/v1/pools/{pool}[\"GET\"] /v1/pools/{pool}/servers[\"GET\",\"POST\"] "
            "/v1/pools/{pool}/servers/{server}[\"GET\",\"PATCH\",\"DELETE\"] /v1/connections[\"GET\"] "
            "/v1/connections/{id}[\"DELETE\"] /v1/clients/{client_id}[\"DELETE\"] /v1[\"GET\"] ");
}

TEST(Api, AnUnknownQueryParameterIsRefusedEverywhere) {
  Fakes fakes;
  Client client(fakes.all());
  const boost::json::value index = json_of(client.get("/v1"));
  for (const auto& path : index.at("paths").as_array()) {
    for (const auto& method : path.at("methods").as_array()) {
      const std::string target = std::string(path.at("path").as_string()) + "?nonsense=1";
      const control::Response answer = client.ask(*control::parse_method(method.as_string()), target);
      EXPECT_EQ(answer.status, 400U) << target;
      EXPECT_EQ(detail_of(answer), "there is no query parameter \"nonsense\" here");
      EXPECT_EQ(known_of(answer).find("nonsense"), std::string::npos);
    }
  }
  EXPECT_EQ(known_of(client.get("/v1/connections?x")),
            "listener pool server client_id address min_age min_idle min_bytes sort limit after");
  EXPECT_TRUE(fakes.commands.empty());
}

TEST(Body, WhatIsWrongIsSaid) {
  struct Case {
    const char* name;
    const char* body;
    const char* content_type;
    unsigned status;
    const char* detail;
  };
  const Case cases[] = {
      {"charset is said too", "{}", "Application/JSON; charset=utf-8", 202, nullptr},
      {"another type", "rate=1", "application/x-www-form-urlencoded", 415,
       "the body must be application/json; its Content-Type is application/x-www-form-urlencoded"},
      {"no type", "{}", "", 415, "the body must be application/json; its Content-Type is missing"},
      {"no JSON", "{\"rate\":", "application/json", 400, "not valid JSON"},
      {"no object", "[]", "application/json", 400, "the body must be a JSON object"},
      {"more after it", "{} {}", "application/json", 400, "not valid JSON"},
      {"unknown key", "{\"rat\": \"1/s\"}", "application/json", 400, "the body has an unknown key \"rat\""},
      {"a key twice", "{\"rate\": \"1/s\", \"rate\": \"2/s\"}", "application/json", 400,
       "the key \"rate\" is there twice"},
      {"null", "{\"rate\": null}", "application/json", 400, "null is no value; leave the key out"},
      {"wrong type", "{\"rate\": 5}", "application/json", 400, "`rate` must be a rate such as \"200/s\""},
      {"wrong unit", "{\"deadline\": \"10\"}", "application/json", 400, "`deadline` must be a duration"},
      {"out of range", "{\"deadline\": \"2d\"}", "application/json", 400, "`deadline` must be 10ms to 1d"},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.name);
    Fakes fakes;
    const auto answer = Client(fakes.all()).ask(Method::post, "/v1/drain", c.body, c.content_type);
    EXPECT_EQ(answer.status, c.status) << answer.body;
    EXPECT_EQ(fakes.commands.empty(), c.status != 202);
    if (c.detail != nullptr) {
      EXPECT_TRUE(detail_of(answer).starts_with(c.detail)) << answer.body;
    }
  }
}

TEST(Body, EveryFaultIsNamed) {
  Fakes fakes;
  Client client(fakes.all());
  const auto answer = client.ask(Method::post, "/v1/drain", R"({"rate": 5, "deadline": true})");
  EXPECT_EQ(json_of(answer).at("faults").as_array().size(), 2U) << answer.body;
  EXPECT_EQ(known_of(client.ask(Method::post, "/v1/drain", R"({"x": 5})")), "rate deadline wait");
}

TEST(Rfc3339, IsInUtc) {
  EXPECT_EQ(rfc3339(WallTime{}), "1970-01-01T00:00:00Z");
  EXPECT_EQ(rfc3339(WallTime(std::chrono::seconds(1'795'170'197))), "2026-11-20T10:23:17Z");
}

}  // namespace
}  // namespace holdfast::admin
