// What a well-behaved client sees. http_server_abuse_test.cc has the others.
#include "control/http_server.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <boost/json.hpp>
#include <filesystem>
#include <system_error>

#include "base/temporary_directory.h"
#include "control/http_test_client.h"

namespace holdfast::control {
namespace {

TEST(HttpServer, AnswersAndKeepsTheConnection) {
  TestServer test(test_router());
  RawClient client(test.server().local_endpoint());
  const std::string first = client.ask(get("/hello"));
  EXPECT_EQ(status_of(first), 200U);
  EXPECT_EQ(body_of(first), "hello\n");
  EXPECT_NE(first.find("\r\nContent-Type: text/plain; charset=utf-8\r\n"), std::string::npos);
  EXPECT_NE(first.find("\r\nDate: "), std::string::npos);
  EXPECT_EQ(first.find("Connection:"), std::string::npos);
  EXPECT_EQ(body_of(client.ask(get("/hello/a%2Fb%20%C3%A9"))), "hello a/b \xc3\xa9\n");
  EXPECT_EQ(body_of(client.ask(post("/echo", "some bytes"))), "some bytes");
  EXPECT_TRUE(body_of(client.ask(get("/later"))).starts_with("later 127.0.0.1:"));
  EXPECT_EQ(body_of(client.ask(get("http://host/hello?x=1"))), "hello\n") << "absolute form";
  EXPECT_EQ(test.server().counters().accepted.value(), 1U);
}

TEST(HttpServer, AnswersHeadLikeGetWithoutTheBody) {
  TestServer test(test_router());
  RawClient client(test.server().local_endpoint());
  client.send("HEAD /hello HTTP/1.1\r\nHost: x\r\n\r\n");
  const std::string head = client.read_response(RawClient::Body::left_out);
  EXPECT_EQ(status_of(head), 200U);
  EXPECT_NE(head.find("Content-Length: 6\r\n"), std::string::npos);
  EXPECT_EQ(body_of(client.ask(get("/hello"))), "hello\n") << "no body came between";
}

TEST(HttpServer, AnswersErrorsAsProblems) {
  struct Case {
    const char* name;
    std::string request;
    unsigned status;
    const char* detail_has;
  };
  const Case cases[] = {
      {"no such path", get("/nothing"), 404, "there is nothing at /nothing; there is: /hello /hello/{name}"},
      {"other method", "DELETE /hello HTTP/1.1\r\nHost: x\r\n\r\n", 405, "/hello takes GET, HEAD, not DELETE"},
      {"unknown method", "BREW /hello HTTP/1.1\r\nHost: x\r\n\r\n", 501, "BREW"},
      {"bad percent-encoding", get("/hello/%zz"), 400, "/hello/%zz"},
      {"zero byte", get("/hello/%00"), 400, "/hello/%00"},
      {"not UTF-8", get("/hello/%ff"), 400, "not valid"},
      {"bad query", get("/hello?a=%"), 400, "is not valid"},
      {"no host", "GET /hello HTTP/1.1\r\n\r\n", 400, "Host"},
      {"two hosts", "GET /hello HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", 400, "Host"},
      {"asterisk", "OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n", 400, "*"},
      {"throws", get("/throws"), 500, "the handler failed"},
      {"throws in a coroutine", get("/throws-later"), 500, "the handler failed"},
  };
  TestServer test(test_router());
  RawClient client(test.server().local_endpoint());
  for (const Case& c : cases) {
    SCOPED_TRACE(c.name);
    const std::string response = client.ask(c.request);
    EXPECT_EQ(status_of(response), c.status) << response;
    EXPECT_NE(response.find("Content-Type: application/problem+json\r\n"), std::string::npos);
    boost::system::error_code bad;
    const boost::json::value document = boost::json::parse(body_of(response), bad);
    ASSERT_FALSE(bad) << response;
    EXPECT_EQ(document.at("status").to_number<unsigned>(), c.status);
    EXPECT_NE(std::string(document.at("detail").as_string()).find(c.detail_has), std::string::npos) << response;
  }
  EXPECT_EQ(test.server().counters().handler_failures.value(), 2U);
  EXPECT_EQ(test.server().counters().accepted.value(), 1U) << "none of these costs the connection";
}

TEST(HttpServer, A405SaysWhatIsAllowed) {
  TestServer test(test_router());
  RawClient client(test.server().local_endpoint());
  EXPECT_NE(client.ask(post("/hello", "")).find("\r\nAllow: GET, HEAD\r\n"), std::string::npos);
}

TEST(HttpServer, EndsTheConnectionWhenAskedTo) {
  TestServer test(test_router());
  for (const char* request :
       {"GET /hello HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", "GET /hello HTTP/1.0\r\n\r\n"}) {
    RawClient client(test.server().local_endpoint());
    client.send(request);
    const std::string all = client.read_all();
    EXPECT_EQ(body_of(all), "hello\n");
    EXPECT_NE(all.find("\r\nConnection: close\r\n"), std::string::npos);
  }
  RawClient client(test.server().local_endpoint());
  const char* const request = "GET /hello HTTP/1.0\r\nConnection: keep-alive\r\n\r\n";
  EXPECT_NE(client.ask(request).find("\r\nConnection: keep-alive\r\n"), std::string::npos);
  EXPECT_EQ(body_of(client.ask(request)), "hello\n");
}

TEST(HttpServer, AnswersPipelinedRequestsInOrder) {
  constexpr int kRequests = 200;
  TestServer test(test_router());
  RawClient client(test.server().local_endpoint());
  std::string requests;
  for (int i = 0; i < kRequests; ++i) {
    requests += i % 2 == 0 ? get("/hello/" + std::to_string(i)) : post("/echo", "echo " + std::to_string(i));
  }
  client.send(requests);
  for (int i = 0; i < kRequests; ++i) {
    const std::string want = (i % 2 == 0 ? "hello " : "echo ") + std::to_string(i) + (i % 2 == 0 ? "\n" : "");
    ASSERT_EQ(body_of(client.read_response()), want);
  }
}

TEST(HttpServer, ARequestMayComeByteByByte) {
  TestServer test(test_router());
  RawClient client(test.server().local_endpoint());
  for (int round = 0; round < 2; ++round) {
    for (const char c : post("/echo", "slow but sure")) client.send(std::string_view(&c, 1));
    EXPECT_EQ(body_of(client.read_response()), "slow but sure");
  }
}

TEST(HttpServer, TakesChunkedBodiesAndExpectations) {
  TestServer test(test_router());
  RawClient client(test.server().local_endpoint());
  EXPECT_EQ(body_of(client.ask("POST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
                               "5\r\nhello\r\n6\r\n world\r\n0\r\n\r\n")),
            "hello world");
  const std::string go_ahead =
      client.ask("POST /echo HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n");
  EXPECT_EQ(go_ahead, "HTTP/1.1 100 Continue\r\n\r\n");
  EXPECT_EQ(body_of(client.ask("ok")), "ok");
}

TEST(HttpServer, CarriesBodiesUpToTheLimitAndLargeResponses) {
  TestServer test(test_router());
  RawClient client(test.server().local_endpoint());
  const std::string body(1024 * 1024, 'b');
  EXPECT_EQ(body_of(client.ask(post("/echo", body))), body);
  EXPECT_EQ(body_of(client.ask(get("/size/20000000"))).size(), 20'000'000U);
}

TEST(HttpServer, AHeaderValueCannotEndItsLine) {
  Router router;
  router.add(Method::get, "/", [](const Request&) {
    return Response{.status = 204, .headers = {{"X-Name", "a\r\nSet-Cookie: b"}}};
  });
  TestServer test(std::move(router));
  RawClient client(test.server().local_endpoint());
  const std::string response = client.ask(get("/"));
  EXPECT_NE(response.find("\r\nX-Name: a  Set-Cookie: b\r\n"), std::string::npos);
  EXPECT_EQ(response.find("Content-"), std::string::npos) << "204 has no content";
}

TEST(HttpServer, ServesAUnixSocketAndRemovesIt) {
  const base::TemporaryDirectory directory;
  const std::string path = directory / "http.sock";
  for (int round = 0; round < 2; ++round) {
    TestServer test(test_router(), {}, "unix:" + path);
    EXPECT_EQ(test.server().local_endpoint().text(), "unix:" + path);
    struct stat status {};
    ASSERT_EQ(::stat(path.c_str(), &status), 0);
    EXPECT_EQ(status.st_mode & 07, 0U) << "not for others";
    RawClient client(test.server().local_endpoint());
    EXPECT_EQ(body_of(client.ask(get("/later"))), "later unix\n");
  }
  EXPECT_FALSE(std::filesystem::exists(path));
}

TEST(HttpServer, ReplacesASocketFileThatADeadProcessLeftBehind) {
  const base::TemporaryDirectory directory;
  const std::string path = directory / "dead.sock";
  const int fd = ::socket(AF_UNIX, SOCK_STREAM, 0);
  sockaddr_un address{AF_UNIX, {}};
  path.copy(address.sun_path, sizeof address.sun_path - 1);
  ASSERT_EQ(::bind(fd, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
  ::close(fd);

  TestServer test(test_router(), {}, "unix:" + path);
  RawClient client(test.server().local_endpoint());
  EXPECT_EQ(body_of(client.ask(get("/hello"))), "hello\n");
  EXPECT_THROW(TestServer(test_router(), {}, "unix:" + path), std::system_error) << "a living one is left alone";
}

TEST(HttpServer, AnEndpointThatCannotBeHadIsSaidClearly) {
  TestServer test(test_router());
  struct Case {
    base::Endpoint endpoint;
    std::string reason;
  };
  const Case cases[] = {
      {test.server().local_endpoint(), "Address already in use"},
      {*base::parse_endpoint("192.0.2.1:0"), "Cannot assign requested address"},
      {*base::parse_endpoint("example.com:80"), "Cannot assign requested address"},
      {*base::parse_endpoint("unix:/no/such/folder/socket"), "No such file or directory"},
  };
  for (const Case& c : cases) {
    Runtime runtime;
    try {
      const HttpServer server(runtime, "admin", c.endpoint, test_router());
      ADD_FAILURE() << c.endpoint.text();
    } catch (const std::system_error& error) {
      EXPECT_EQ(error.what(), "admin " + c.endpoint.text() + ": " + c.reason);
    }
  }
}

TEST(HttpServer, StopEndsEveryConnection) {
  TestServer test(test_router());
  const base::Endpoint endpoint = test.server().local_endpoint();
  RawClient fresh(endpoint);
  RawClient idle(endpoint);
  EXPECT_EQ(body_of(idle.ask(get("/hello"))), "hello\n");
  RawClient half(endpoint);
  half.send("GET /hello HT");
  RawClient handled(endpoint);
  handled.send(get("/never"));
  RawClient deaf(endpoint);
  deaf.send(get("/size/50000000"));
  test.wait_for(&HttpCounters::requests, 3U);
  test.wait_for(&HttpCounters::connections, 5);

  test.stop_server();
  EXPECT_EQ(fresh.read_all(), "");
  EXPECT_EQ(idle.read_all(), "");
  EXPECT_EQ(half.read_all(), "");
  EXPECT_EQ(handled.read_all(), "");
  EXPECT_LT(deaf.read_all().size(), 50'000'000U);
  test.wait_for(&HttpCounters::connections, 0);
  EXPECT_EQ(test.server().counters().handler_failures.value(), 0U);
}

TEST(HttpServer, ARuntimeMayEndWithoutStoppingIt) {
  TestServer test(test_router());
  const base::Endpoint endpoint = test.server().local_endpoint();
  RawClient idle(endpoint);
  EXPECT_EQ(body_of(idle.ask(get("/hello"))), "hello\n");
  RawClient handled(endpoint);
  handled.send(get("/never"));
  test.wait_for(&HttpCounters::requests, 2U);
}

}  // namespace
}  // namespace holdfast::control
