// Streams of an HttpServer: events that come as they happen, and clients that read them badly.
#include <gtest/gtest.h>

#include <atomic>
#include <boost/json.hpp>

#include "control/event_reader.h"
#include "control/events.h"
#include "control/http_server.h"
#include "control/http_test_client.h"

namespace holdfast::control {
namespace {

using std::chrono::milliseconds;

// A server with events at /events. Publishing is done on its thread.
struct EventServer {
  explicit EventServer(HttpLimits limits = {}) : test(router(), limits) {}

  Router router() {
    Router router = test_router();
    router.add(Method::get, "/events", [this](const Request& request) { return events.answer(request); });
    return router;
  }
  void publish(std::string type, std::size_t bytes = 0) {
    test.runtime().post([this, type = std::move(type), bytes] {
      events.publish(type, {{"text", std::string(bytes, 'x')}});
    });
  }
  [[nodiscard]] RawClient connect() { return RawClient(test.server().local_endpoint()); }
  // A client that is known to be listening.
  [[nodiscard]] RawClient listen() {
    RawClient client = connect();
    client.send(get("/events"));
    head = client.read_until("retry: 2000\n\n");
    return client;
  }

  Events events{1};
  std::string head;
  TestServer test;
};

TEST(HttpStream, SendsWhatHappensAsItHappens) {
  EventServer server;
  RawClient client = server.listen();
  EXPECT_EQ(status_of(server.head), 200U);
  EXPECT_NE(server.head.find("\r\nContent-Type: text/event-stream\r\n"), std::string::npos);
  EXPECT_NE(server.head.find("\r\nCache-Control: no-cache\r\n"), std::string::npos);
  EXPECT_NE(server.head.find("\r\nConnection: close\r\n"), std::string::npos);
  EXPECT_EQ(server.head.find("Content-Length"), std::string::npos);
  EventReader reader;
  for (const char* type : {"reload", "alarm", "drain"}) {
    server.publish(type);
    const std::vector<ServerEvent> got = reader.feed(client.read_until("\n\n"));
    ASSERT_EQ(got.size(), 1U);
    EXPECT_EQ(got[0].type, type);
  }
  EXPECT_EQ(server.test.server().counters().streams.value(), 1);
}

TEST(HttpStream, GoesOnAfterTheLastEventId) {
  EventServer server;
  RawClient first = server.listen();
  for (int i = 0; i < 3; ++i) server.publish("reload");
  first.read_until("id: 3\n");
  RawClient second = server.connect();
  second.send("GET /events HTTP/1.1\r\nHost: x\r\nLast-Event-ID: 1\r\n\r\n");
  EXPECT_NE(second.read_until("id: 3\n").find("id: 2\n"), std::string::npos);
  RawClient third = server.connect();
  EXPECT_EQ(status_of(third.ask("GET /events HTTP/1.1\r\nHost: x\r\nLast-Event-ID: x\r\n\r\n")), 400U);
  EXPECT_EQ(body_of(third.ask(get("/hello"))), "hello\n");
}

TEST(HttpStream, SaysSomethingWhenNothingHappens) {
  HttpLimits limits;
  limits.heartbeat = milliseconds{10};
  EventServer server(limits);
  RawClient client = server.listen();
  for (int i = 0; i < 3; ++i) EXPECT_EQ(client.read_until("\n\n"), ":\n\n");
  server.publish("reload");
  client.read_until("id: 1\n");
}

TEST(HttpStream, HeadIsAnsweredWithoutOne) {
  EventServer server;
  RawClient client = server.connect();
  client.send("HEAD /events HTTP/1.1\r\nHost: x\r\n\r\n");
  EXPECT_EQ(status_of(client.read_response(RawClient::Body::left_out)), 200U);
  EXPECT_EQ(body_of(client.ask(get("/hello"))), "hello\n");
  EXPECT_EQ(server.test.server().counters().streams.value(), 0);
}

TEST(HttpStream, EndsWhenTheClientGoes) {
  EventServer server;
  {
    const RawClient client = server.listen();
    const RawClient other = server.listen();
    server.test.wait_for(&HttpCounters::streams, 2);
    other.end_sending();  // has nothing more to ask, as one that has gone
    server.test.wait_for(&HttpCounters::streams, 1);
  }
  server.test.wait_for(&HttpCounters::streams, 0);
  server.test.wait_for(&HttpCounters::connections, 0);
  server.publish("reload");
}

TEST(HttpStream, WhatAClientSendsMeanwhileIsReadAwayWithinBounds) {
  EventServer server;
  RawClient client = server.listen();
  client.send(get("/hello") + std::string(10'000, 'x'));
  server.publish("reload");
  EXPECT_TRUE(client.read_until("\n\n").starts_with("id: 1\n"));
  while (client.send(std::string(10'000, 'x'))) {
  }
  server.test.wait_for(&HttpCounters::streams, 0);
  server.test.wait_for(&HttpCounters::connections, 0);
}

TEST(HttpStream, OneTooManyIsAnswered503AndAPlaceThatIsFreeIsTaken) {
  EventServer server;
  const std::size_t max = HttpLimits{}.streams_max;
  std::vector<RawClient> clients;
  for (std::size_t i = 0; i < max; ++i) clients.push_back(server.listen());
  RawClient late = server.connect();
  const std::string refused = late.ask(get("/events"));
  EXPECT_EQ(status_of(refused), 503U);
  EXPECT_NE(refused.find("\r\nRetry-After: "), std::string::npos);
  EXPECT_EQ(body_of(late.ask(get("/hello"))), "hello\n") << "everything else is served";
  EXPECT_EQ(server.test.server().counters().streams_refused.value(), 1U);

  clients.pop_back();
  server.test.wait_for(&HttpCounters::streams, static_cast<std::int64_t>(max) - 1);
  late.send(get("/events"));
  EXPECT_EQ(status_of(late.read_until("retry: 2000\n\n")), 200U);
}

TEST(HttpStream, AReaderThatStopsReadingIsCutAndCostsOthersNothing) {
  HttpLimits limits;
  limits.write_timeout = milliseconds{30};
  EventServer server(limits);
  RawClient reads = server.listen();
  const RawClient stops = server.listen();
  server.test.wait_for(&HttpCounters::streams, 2);
  std::uint64_t id = 0;
  while (server.test.server().counters().timeouts.value() == 0) {
    server.publish("reload", 60'000);
    reads.read_until("id: " + std::to_string(++id) + "\n");
  }
  server.test.wait_for(&HttpCounters::streams, 1);
  server.test.wait_for(&HttpCounters::connections, 1);
  server.publish("alarm");
  reads.read_until("event: alarm\n");
}

TEST(HttpStream, StopEndsThem) {
  EventServer server;
  RawClient client = server.listen();
  server.test.stop_server();
  EXPECT_EQ(client.read_all(), "");
  server.test.wait_for(&HttpCounters::connections, 0);
  EXPECT_EQ(server.test.server().counters().streams.value(), 0);
}

TEST(HttpStream, ARuntimeMayEndUnderThem) {
  EventServer server;
  const RawClient client = server.listen();
  server.test.wait_for(&HttpCounters::streams, 1);
}

}  // namespace
}  // namespace holdfast::control
