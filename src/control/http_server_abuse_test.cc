// Clients that are slow, broken, greedy or hostile: the server lives on, and each costs only its own connection.
#include <gtest/gtest.h>
#include <sys/resource.h>

#include <boost/json.hpp>
#include <random>

#include "control/events.h"
#include "control/http_server.h"
#include "control/http_test_client.h"

namespace holdfast::control {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds kSoon{30};

void expect_alive(TestServer& test) {
  RawClient client(test.server().local_endpoint());
  EXPECT_EQ(body_of(client.ask(get("/hello"))), "hello\n");
}

TEST(HttpAbuse, WhatIsNotHttpOrTooLargeIsRefusedAndTheConnectionEnds) {
  struct Case {
    const char* name;
    std::string bytes;
    unsigned status;
  };
  const std::string host = "Host: x\r\n";
  const Case cases[] = {
      {"TLS hello", std::string("\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n", 15), 400},
      {"text", "hello?\r\n\r\n", 400},
      {"HTTP/2 preface", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 400},
      {"bad version", "GET / HTTP/9.9\r\n\r\n", 400},
      {"space in a name", "GET / HTTP/1.1\r\nA B: c\r\n\r\n", 400},
      {"control character", "GET /\x01 HTTP/1.1\r\n" + host + "\r\n", 400},
      {"negative length", "POST /echo HTTP/1.1\r\n" + host + "Content-Length: -1\r\n\r\n", 400},
      {"two lengths", "POST /echo HTTP/1.1\r\n" + host + "Content-Length: 1\r\nContent-Length: 2\r\n\r\nab", 400},
      {"length and chunked",
       "POST /echo HTTP/1.1\r\n" + host + "Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400},
      {"bad chunk", "POST /echo HTTP/1.1\r\n" + host + "Transfer-Encoding: chunked\r\n\r\nzz\r\n", 400},
      {"huge header", "GET / HTTP/1.1\r\nA: " + std::string(20'000, 'a') + "\r\n\r\n", 431},
      {"many headers",
       "GET / HTTP/1.1\r\n" +
           [] {
             std::string lines;
             for (int i = 0; i < 5'000; ++i) lines += "A" + std::to_string(i) + ": b\r\n";
             return lines;
           }(),
       431},
      {"endless target", "GET /" + std::string(20'000, 'a'), 431},
      {"huge body", "POST /echo HTTP/1.1\r\n" + host + "Content-Length: 1048577\r\n\r\n", 413},
      {"huge body that comes", post("/echo", std::string(2'000'000, 'b')), 413},
      {"huge chunk",
       "POST /echo HTTP/1.1\r\n" + host + "Transfer-Encoding: chunked\r\n\r\n200000\r\n" + std::string(0x200000, 'c') +
           "\r\n0\r\n\r\n",
       413},
  };
  TestServer test(test_router());
  std::uint64_t count = 0;
  for (const Case& c : cases) {
    SCOPED_TRACE(c.name);
    RawClient client(test.server().local_endpoint());
    client.send(c.bytes);
    client.end_sending();
    const std::string response = client.read_all();
    EXPECT_EQ(status_of(response), c.status) << response.substr(0, 500);
    EXPECT_NE(response.find("\r\nConnection: close\r\n"), std::string::npos);
    EXPECT_EQ(test.server().counters().bad_requests.value(), ++count);
  }
  expect_alive(test);
}

TEST(HttpAbuse, EveryCutOfARequestIsSurvived) {
  TestServer test(test_router());
  const std::string request = post("/echo", "body");
  for (std::size_t cut = 0; cut < request.size(); ++cut) {
    RawClient client(test.server().local_endpoint());
    client.send(request.substr(0, cut));
    client.end_sending();
    EXPECT_EQ(client.read_all(), "") << cut;
  }
  expect_alive(test);
}

TEST(HttpAbuse, GarbageIsSurvived) {
  TestServer test(test_router());
  std::mt19937 random(11);
  for (int round = 0; round < 200; ++round) {
    std::string bytes = round % 2 == 0 ? "" : get("/hello");
    for (auto i = random() % 2000; i > 0; --i) bytes += static_cast<char>(random() & 0xff);
    if (round % 3 == 0) bytes += "\r\n\r\n";
    RawClient client(test.server().local_endpoint());
    client.send(bytes);
    client.end_sending();
    const std::string response = client.read_all();
    EXPECT_TRUE(response.empty() || response.starts_with("HTTP/1.1 "));
  }
  expect_alive(test);
}

TEST(HttpAbuse, ASlowRequestEndsAtItsTimeout) {
  struct Case {
    const char* name;
    std::string begin;
    milliseconds HttpLimits::*timeout;
    milliseconds within = kSoon;
  };
  const Case cases[] = {
      {"silence from the start", "", &HttpLimits::header_timeout},
      {"half a header", "GET /hello HTTP/1.1\r\nHo", &HttpLimits::header_timeout},
      {"half a body", "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nab", &HttpLimits::body_timeout},
      {"silence after a response", get("/hello"), &HttpLimits::idle_timeout},
      // The first must have come in time.
      {"half a second header", get("/hello") + "GET", &HttpLimits::header_timeout, milliseconds{1'000}},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.name);
    HttpLimits limits;
    limits.*c.timeout = c.within;
    TestServer test(test_router(), limits);
    RawClient client(test.server().local_endpoint());
    client.send(c.begin);
    const std::string response = client.read_all();
    EXPECT_EQ(body_of(response), c.begin.starts_with("GET /hello HTTP/1.1\r\nHost") ? "hello\n" : "");
    test.wait_for(&HttpCounters::connections, 0);
    EXPECT_EQ(test.server().counters().timeouts.value(), 1U);
  }
}

TEST(HttpAbuse, ATrickleDoesNotStretchTheHeaderTimeout) {
  HttpLimits limits;
  limits.header_timeout = kSoon;
  TestServer test(test_router(), limits);
  RawClient client(test.server().local_endpoint());
  client.send("GET /hello HTTP/1.1\r\nA: ");
  while (!client.closed_within(milliseconds{1})) client.send("b");
  test.wait_for(&HttpCounters::timeouts, 1U);
  test.wait_for(&HttpCounters::connections, 0);
}

TEST(HttpAbuse, AClientThatNeverReadsEndsAtTheWriteTimeout) {
  HttpLimits limits;
  limits.write_timeout = kSoon;
  TestServer test(test_router(), limits);
  RawClient client(test.server().local_endpoint());
  client.send(get("/size/50000000"));
  test.wait_for(&HttpCounters::timeouts, 1U);
  test.wait_for(&HttpCounters::connections, 0);
  expect_alive(test);
}

TEST(HttpAbuse, AClientThatNeverClosesEndsAtTheLingerTimeout) {
  HttpLimits limits;
  limits.linger_timeout = kSoon;
  TestServer test(test_router(), limits);
  RawClient client(test.server().local_endpoint());
  client.send("nonsense\r\n\r\n");
  test.wait_for(&HttpCounters::bad_requests, 1U);
  test.wait_for(&HttpCounters::connections, 0);
  EXPECT_EQ(status_of(client.read_all()), 400U);
}

TEST(HttpAbuse, AClientThatVanishesWhileItsRequestIsHandledIsSurvived) {
  TestServer test(test_router());
  for (int i = 0; i < 50; ++i) {
    RawClient client(test.server().local_endpoint());
    client.send(get("/size/5000000") + get("/later") + get("/hello"));
  }
  test.wait_for(&HttpCounters::accepted, 50U);
  test.wait_for(&HttpCounters::connections, 0);
  expect_alive(test);
}

TEST(HttpAbuse, ConnectionsBeyondTheLimitAreAnswered503) {
  constexpr std::size_t kMax = 512;
  constexpr std::size_t kMore = 88;
  TestServer test(test_router());
  std::vector<RawClient> clients;
  for (std::size_t i = 0; i < kMax + kMore; ++i) clients.emplace_back(test.server().local_endpoint());
  test.wait_for(&HttpCounters::accepted, kMax + kMore);
  EXPECT_EQ(test.server().counters().refused.value(), kMore);
  EXPECT_EQ(test.server().counters().connections.value(), static_cast<std::int64_t>(kMax));
  for (std::size_t i = 0; i < kMax; ++i) clients[i].send(get("/hello"));
  for (std::size_t i = 0; i < kMax; ++i) ASSERT_EQ(body_of(clients[i].read_response()), "hello\n");
  for (std::size_t i = kMax; i < kMax + kMore; ++i) ASSERT_EQ(status_of(clients[i].read_all()), 503U);

  clients.clear();
  test.wait_for(&HttpCounters::connections, 0);
  expect_alive(test);
}

// All of them at once: those that send half a request, those that never read, those that listen, and 500 more.
TEST(HttpAbuse, ACrowdOfBrokenClientsCostsAGoodOneNothing) {
  HttpLimits limits;
  limits.connections_max = 1'000;
  Events events;
  Router router = test_router();
  router.add(Method::get, "/events", [&events](const Request& request) { return events.answer(request); });
  TestServer test(std::move(router), limits);
  RawClient good(test.server().local_endpoint());
  std::vector<RawClient> crowd;
  const std::string broken[] = {"GET /hel", get("/size/5000000"), get("/events"), "nonsense\r\n\r\n",
                                "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\nab"};
  for (std::size_t i = 0; i < 500; ++i) {
    crowd.emplace_back(test.server().local_endpoint());
    crowd.back().send(broken[i % std::size(broken)]);
    if (i % 50 == 0) {
      EXPECT_EQ(body_of(good.ask(get("/hello"))), "hello\n");
    }
  }
  test.wait_for(&HttpCounters::accepted, 501U);
  test.wait_for(&HttpCounters::streams_refused, 100U - static_cast<unsigned>(limits.streams_max));
  EXPECT_EQ(test.server().counters().streams.value(), static_cast<std::int64_t>(limits.streams_max));
  EXPECT_EQ(body_of(good.ask(get("/hello"))), "hello\n");
  crowd.clear();
  test.wait_for(&HttpCounters::connections, 1);
  EXPECT_EQ(test.server().counters().streams.value(), 0);
}

// The descriptors of this process are bounded for a while: accept() fails, and works again when there are some.
TEST(HttpAbuse, WithoutDescriptorsItWaitsAndGoesOn) {
#ifdef __SANITIZE_ADDRESS__
  GTEST_SKIP() << "the sanitizer needs descriptors itself, to look at memory";
#endif
  HttpLimits limits;
  limits.accept_pause = milliseconds{5};
  TestServer test(test_router(), limits);
  RawClient first(test.server().local_endpoint());
  EXPECT_EQ(body_of(first.ask(get("/hello"))), "hello\n");

  rlimit before{};
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &before), 0);
  const int client = ::socket(AF_INET, SOCK_STREAM, 0);
  const rlimit none_left{static_cast<rlim_t>(client) + 1, before.rlim_max};
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &none_left), 0);
  sockaddr_in address{AF_INET, htons(test.server().local_endpoint().port), {htonl(INADDR_LOOPBACK)}, {}};
  ASSERT_EQ(::connect(client, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
  while (test.server().counters().accept_failed.value() < 3) std::this_thread::yield();
  EXPECT_EQ(body_of(first.ask(get("/hello"))), "hello\n") << "those who are in do not notice";

  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &before), 0);
  test.wait_for(&HttpCounters::accepted, 2U);
  ::close(client);
  expect_alive(test);
}

}  // namespace
}  // namespace holdfast::control
