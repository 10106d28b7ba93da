#include "control/http_client.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <optional>

#include "base/temporary_directory.h"
#include "control/event_reader.h"
#include "control/events.h"
#include "control/http_test_client.h"

namespace holdfast::control {
namespace {

using std::chrono::milliseconds;

Router client_test_router() {
  Router router = test_router();
  router.add(Method::patch, "/type", [](const Request& request) {
    const std::string* const type = request.find_header("Content-Type");
    return Response{.body = (type == nullptr ? "none" : *type) + " " + request.body};
  });
  router.add(Method::del, "/gone", [](const Request&) { return Response{.status = 204}; });
  return router;
}

TEST(HttpClient, AsksOverTcpAndUnixSockets) {
  const base::TemporaryDirectory directory;
  for (const std::string& endpoint : {std::string("127.0.0.1:0"), "unix:" + (directory / "s").string()}) {
    SCOPED_TRACE(endpoint);
    TestServer test(client_test_router(), {}, endpoint);
    HttpClient client(test.server().local_endpoint(), {});
    const auto hello = client.ask(Method::get, "/hello");
    ASSERT_TRUE(hello) << client.explain(hello.error());
    EXPECT_EQ(hello->status, 200U);
    EXPECT_EQ(hello->body, "hello\n");
    EXPECT_EQ(*hello->find_header("content-type"), "text/plain; charset=utf-8");
    EXPECT_EQ(hello->find_header("location"), nullptr);
    EXPECT_EQ(client.ask(Method::patch, "/type", "{}")->body, "application/json {}");
    EXPECT_EQ(client.ask(Method::post, "/echo")->body, "");
    EXPECT_EQ(client.ask(Method::del, "/gone")->status, 204U);
    EXPECT_EQ(client.ask(Method::head, "/hello")->body, "");
    EXPECT_EQ(client.ask(Method::get, "/nothing")->status, 404U);
    EXPECT_EQ(client.ask(Method::get, "/size/20000000")->body.size(), 20'000'000U);
    EXPECT_EQ(test.server().counters().accepted.value(), 1U) << "one connection for all of it";
  }
}

TEST(HttpClient, FindsAHostByItsName) {
  TestServer test(client_test_router());
  base::Endpoint by_name{base::Endpoint::Kind::host_name, "localhost", test.server().local_endpoint().port};
  HttpClient client(by_name, {});
  const auto hello = client.ask(Method::get, "/hello");
  ASSERT_TRUE(hello) << client.explain(hello.error());
  EXPECT_EQ(hello->body, "hello\n");
}

TEST(HttpClient, SendsItsToken) {
  TestServer test(client_test_router(), {}, "127.0.0.1:0", {.guard = Guard("s3cret")});
  EXPECT_EQ(HttpClient(test.server().local_endpoint(), {}).ask(Method::get, "/hello")->status, 401U);
  EXPECT_EQ(HttpClient(test.server().local_endpoint(), {.token = "s3cret"}).ask(Method::get, "/hello")->status, 200U);
}

TEST(HttpClient, MakesANewConnectionWhenTheServerHasClosedTheOld) {
  HttpLimits limits;
  limits.idle_timeout = milliseconds{10};
  TestServer test(client_test_router(), limits);
  HttpClient client(test.server().local_endpoint(), {});
  for (const Method method : {Method::get, Method::post, Method::get}) {
    const auto answer = client.ask(method, method == Method::get ? "/hello" : "/echo");
    ASSERT_TRUE(answer) << client.explain(answer.error());
    test.wait_for(&HttpCounters::connections, 0);
  }
  EXPECT_EQ(test.server().counters().accepted.value(), 3U);
}

// A server that says something and closes; or says it and waits.
class Speaker {
 public:
  enum class Then : std::uint8_t { close, wait };
  Speaker(std::string text, Then then) : thread_([this, text = std::move(text), then] { speak(text, then); }) {
    while (port_ == 0) std::this_thread::yield();
  }
  ~Speaker() { thread_.join(); }
  Speaker(const Speaker&) = delete;
  Speaker& operator=(const Speaker&) = delete;
  [[nodiscard]] base::Endpoint endpoint() const { return {base::Endpoint::Kind::ipv4, "127.0.0.1", port_}; }

 private:
  void speak(const std::string& text, Then then) {
    const int fd = open_listen_socket("speaker", {base::Endpoint::Kind::ipv4, "127.0.0.1", 0});
    port_ = local_endpoint_of(fd).port;
    pollfd event{fd, POLLIN, 0};
    ::poll(&event, 1, 30'000);
    const int client = ::accept(fd, nullptr, nullptr);
    char request[1024];
    (void)!::recv(client, request, sizeof request, 0);
    (void)!::send(client, text.data(), text.size(), MSG_NOSIGNAL);
    if (then == Then::wait) (void)!::recv(client, request, sizeof request, 0);  // until the client gives up
    ::close(client);
    ::close(fd);
  }

  std::atomic<std::uint16_t> port_ = 0;
  std::thread thread_;
};

TEST(HttpClient, SaysWhyThereIsNoAnswer) {
  const base::TemporaryDirectory directory;
  struct Case {
    std::string name;
    base::Endpoint server;
    Unanswered why;
    std::string says;
  };
  std::uint16_t free_port = 0;
  {
    TestServer gone(client_test_router());
    free_port = gone.server().local_endpoint().port;
  }
  const base::Endpoint no_socket = *base::parse_endpoint("unix:" + (directory / "none").string());
  const base::Endpoint no_port{base::Endpoint::Kind::ipv4, "127.0.0.1", free_port};
  const base::Endpoint no_name{base::Endpoint::Kind::host_name, "no-such-host.invalid", 80};
  const Case cases[] = {
      {"no socket", no_socket, Unanswered::nobody,
       "nobody answers at " + no_socket.text() + " (No such file or directory)"},
      {"no listener", no_port, Unanswered::nobody, "nobody answers at " + no_port.text() + " (Connection refused)"},
      {"no such name", no_name, Unanswered::nobody, "nobody answers at no-such-host.invalid:80 (not found)"},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.name);
    HttpClient client(c.server, {});
    const auto answer = client.ask(Method::get, "/hello");
    ASSERT_FALSE(answer);
    EXPECT_EQ(unanswered(answer.error()), c.why);
    EXPECT_EQ(client.explain(answer.error()), c.says);
  }
}

TEST(HttpClient, TellsBrokenSlowAndForeignServersApart) {
  struct Case {
    const char* text;
    Speaker::Then then;
    Unanswered why;
    const char* says;
  };
  const Case cases[] = {
      {"", Speaker::Then::close, Unanswered::broken, "ended the connection before it had answered"},
      {"HTTP/1.1 200 OK\r\nContent-Le", Speaker::Then::close, Unanswered::broken, "ended the connection"},
      {"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nab", Speaker::Then::close, Unanswered::broken, "ended"},
      {"", Speaker::Then::wait, Unanswered::timeout, "no answer from"},
      {"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nab", Speaker::Then::wait, Unanswered::timeout, "no answer from"},
      {"SSH-2.0-OpenSSH_9.2\r\n", Speaker::Then::wait, Unanswered::not_http, "does not speak HTTP"},
      {"HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n", Speaker::Then::wait, Unanswered::not_http, "not speak HTTP"},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.text);
    const Speaker speaker(c.text, c.then);
    HttpClient client(speaker.endpoint(), {.timeout = milliseconds{50}});
    const auto answer = client.ask(Method::get, "/hello");
    ASSERT_FALSE(answer);
    EXPECT_EQ(unanswered(answer.error()), c.why) << answer.error().text();
    EXPECT_NE(client.explain(answer.error()).find(c.says), std::string::npos) << client.explain(answer.error());
  }
}

// In a process of its own, which has given up root if it had it.
TEST(HttpClient, ASocketThatItMayNotUseIsSaid) {
  const base::TemporaryDirectory directory;
  TestServer test(client_test_router(), {}, "unix:" + (directory / "s").string(), {.socket = {.mode = 0}});
  ASSERT_EQ(::chmod(directory.path().c_str(), 0755), 0);
  const base::Endpoint server = test.server().local_endpoint();
  const auto ask_as_nobody = [&server] {
    constexpr unsigned kNobody = 65'534;
    if (::geteuid() == 0 && ::setuid(kNobody) != 0) ::_exit(9);
    HttpClient client(server, {});
    const auto answer = client.ask(Method::get, "/hello");
    const bool said =
        !answer && unanswered(answer.error()) == Unanswered::not_allowed &&
        client.explain(answer.error()) == "not allowed to connect to " + server.text() + " (Permission denied)";
    ::_exit(said ? 0 : 1);
  };
  EXPECT_EXIT(ask_as_nobody(), testing::ExitedWithCode(0), "");
}

TEST(HttpClient, AnErrorOfASocketIsNotAllowedWhenItsModeSaysSo) {
  EXPECT_EQ(unanswered({base::Errc::system, base::Side::backend, EACCES, "connect"}), Unanswered::not_allowed);
  EXPECT_EQ(unanswered({base::Errc::system, base::Side::backend, EPERM, "connect"}), Unanswered::not_allowed);
  EXPECT_EQ(unanswered({base::Errc::system, base::Side::backend, ENOTSOCK, "connect"}), Unanswered::nobody);
}

TEST(HttpClient, StreamsUntilItHasHadEnough) {
  Events events(1);
  Router router = client_test_router();
  router.add(Method::get, "/events", [&](const Request& request) { return events.answer(request); });
  TestServer test(std::move(router));
  HttpClient client(test.server().local_endpoint(), {});
  EventReader reader;
  std::vector<std::string> types;
  const auto publish = [&](const char* type) { test.runtime().post([&events, type] { events.publish(type, {}); }); };
  publish("reload");
  const auto ended = client.stream("/events", {{"Last-Event-ID", "0"}}, [&](std::string_view text) {
    for (const ServerEvent& event : reader.feed(text)) {
      types.push_back(event.type);
      publish("alarm");
    }
    return types.size() < 3 ? Continue::yes : Continue::no;
  });
  ASSERT_TRUE(ended) << client.explain(ended.error());
  EXPECT_EQ(ended->status, 200U);
  EXPECT_EQ(types, (std::vector<std::string>{"reload", "alarm", "alarm"}));
}

TEST(HttpClient, AStreamThatIsRefusedIsAnAnswer) {
  TestServer test(client_test_router());
  HttpClient client(test.server().local_endpoint(), {});
  const auto refused = client.stream("/events", {}, [](std::string_view) {
    ADD_FAILURE() << "there is no stream";
    return Continue::no;
  });
  ASSERT_TRUE(refused);
  EXPECT_EQ(refused->status, 404U);
  EXPECT_NE(refused->body.find("there is nothing at /events"), std::string::npos);
}

TEST(HttpClient, AStreamMayEndOrFallSilent) {
  const std::string head = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\ndata: 1\n\n";
  for (const auto then : {Speaker::Then::close, Speaker::Then::wait}) {
    const Speaker speaker(head, then);
    HttpClient client(speaker.endpoint(), {.silence_max = milliseconds{50}});
    std::string got;
    const auto ended = client.stream("/events", {}, [&](std::string_view text) {
      got += text;
      return Continue::yes;
    });
    EXPECT_EQ(got, "data: 1\n\n");
    ASSERT_EQ(ended.has_value(), then == Speaker::Then::close);
    if (then == Speaker::Then::wait) {
      EXPECT_EQ(unanswered(ended.error()), Unanswered::timeout);
    }
  }
}

TEST(ParseApiUrl, FollowsItsTable) {
  struct Case {
    const char* url;
    const char* endpoint;  // null: an error
  };
  const Case cases[] = {
      {"http://127.0.0.1:9100", "127.0.0.1:9100"},
      {"http://127.0.0.1:9100/", "127.0.0.1:9100"},
      {"http://edge-1.local", "edge-1.local:80"},
      {"http://[::1]", "[::1]:80"},
      {"http://[::1]:9100/", "[::1]:9100"},
      {"127.0.0.1:9100", "127.0.0.1:9100"},
      {"unix:/run/holdfast/admin.sock", "unix:/run/holdfast/admin.sock"},
      {"https://127.0.0.1:9100", nullptr},
      {"http://", nullptr},
      {"http://a:b", nullptr},
      {"http://a:9100/v1", nullptr},
      {"", nullptr},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.url);
    const auto endpoint = parse_api_url(c.url);
    ASSERT_EQ(endpoint.has_value(), c.endpoint != nullptr);
    if (c.endpoint != nullptr) {
      EXPECT_EQ(endpoint->text(), c.endpoint);
    }
  }
}

}  // namespace
}  // namespace holdfast::control
