#include <gtest/gtest.h>

#include <future>

#include "health/test_server.h"

namespace holdfast::health {
namespace {

using config::HealthType;

struct Case {
  const char* name;
  ScriptedServer::Talk talk;
  const char* reason;
  const char* body = "";  // wanted
};

// Reads the request, answers, and closes when the probe has.
ScriptedServer::Talk answer(std::string text) {
  return [text](Conversation& c) {
    c.read_until("\r\n\r\n");
    c.send(text);
    (void)c.read_all();
  };
}
ScriptedServer::Talk answer_and_close(std::string text) {
  return [text](Conversation& c) {
    c.read_until("\r\n\r\n");
    c.send(text);
  };
}
ScriptedServer::Talk answer_without_end(std::string text, std::string more) {
  return [text, more](Conversation& c) {
    c.read_until("\r\n\r\n");
    c.send(text);
    while (c.send(more)) {
    }
  };
}

const std::string kOk = "HTTP/1.1 200 OK\r\n";
const std::string k64KiB(64 * 1024, 'x');
constexpr const char* kNoBody = "status 200, but not the expected text in the body";

const Case kCases[] = {
    {"good", answer(kOk + "Content-Length: 2\r\n\r\nok"), "status 200"},
    {"old", answer_and_close("HTTP/1.0 204 No Content\r\n\r\n"), "status 204"},
    {"wrong status", answer("HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n"), "status 503"},
    {"interim first", answer("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n" + kOk + "\r\n"),
     "status 200"},
    {"interim only", answer_without_end("", "HTTP/1.1 102 Processing\r\n\r\n"), "16 interim answers"},
    {"switching", answer("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n"), "status 101"},
    {"garbage", answer("220 smtp ready\r\n\r\n"), "the answer is not HTTP: bad version"},
    {"close", answer_and_close(""), "closed while waiting for the answer"},
    {"half a header", answer_and_close(kOk + "Content-Le"), "closed in the middle of the answer"},
    {"half a body, not asked for", answer_and_close(kOk + "Content-Length: 10\r\n\r\nhal"), "status 200"},
    {"huge header", answer(kOk + "X: " + std::string(20'000, 'x')), "header of the answer larger than 16 KiB"},
    {"endless header", answer_without_end(kOk, "X: y\r\n"), "header of the answer larger than 16 KiB"},
    {"endless header line", answer_without_end(kOk + "X: ", "yyyyyyyy"), "header of the answer larger than 16 KiB"},
    {"body", answer(kOk + "Content-Length: 9\r\n\r\nall is ok"), "status 200", "is ok"},
    {"body in chunks", answer(kOk + "Transfer-Encoding: chunked\r\n\r\n4\r\nall \r\n5\r\nis ok\r\n0\r\n\r\n"),
     "status 200", "all is ok"},
    {"body until the close", answer_and_close(kOk + "\r\nall is ok"), "status 200", "is ok"},
    {"body of another kind", answer(kOk + "Content-Length: 3\r\n\r\nbad"), kNoBody, "ok"},
    {"no body", answer(kOk + "Content-Length: 0\r\n\r\n"), kNoBody, "ok"},
    {"half a body", answer_and_close(kOk + "Content-Length: 10\r\n\r\nhal"), "closed in the middle of the answer",
     "half"},
    {"half a body that has it", answer(kOk + "Content-Length: 10\r\n\r\nhalf"), "status 200", "half"},
    {"body that claims to be huge", answer(kOk + "Content-Length: 1000000000000000\r\n\r\nok"), "status 200", "ok"},
    {"last of 64 KiB", answer(kOk + "\r\n" + k64KiB.substr(2) + "ok"), "status 200", "ok"},
    {"behind 64 KiB", answer(kOk + "\r\n" + k64KiB.substr(1) + "ok"), kNoBody, "ok"},
    {"endless body", answer_without_end(kOk + "\r\n", k64KiB), kNoBody, "ok"},
    {"status goes before body", answer("HTTP/1.1 500 No\r\nContent-Length: 2\r\n\r\nok"), "status 500", "ok"},
};

TEST(HttpProbe, EndsEachWay) {
  for (const Case& c : kCases) {
    SCOPED_TRACE(c.name);
    const ScriptedServer server(c.talk);
    config::Health settings = settings_of(HealthType::http);
    settings.status = {{101, 101}, {200, 204}, {302, 302}};
    settings.body = c.body;
    const Outcome outcome = ask(settings, server.endpoint());
    EXPECT_EQ(outcome.reason, c.reason);
    const std::string_view good[] = {"status 101", "status 200", "status 204"};
    EXPECT_EQ(outcome.passed, std::ranges::count(good, outcome.reason) == 1);
  }
}

TEST(HttpProbe, IsResetByTheServer) {
  const ScriptedServer server([](Conversation& c) {
    c.read_until("\r\n\r\n");
    c.reset();
  });
  EXPECT_EQ(ask(settings_of(HealthType::http), server.endpoint()).reason,
            "connection reset by peer while waiting for the answer");
}

TEST(HttpProbe, TimesOutHoweverSlowTheServer) {
  const ScriptedServer::Talk talks[] = {
      answer(""),
      answer(kOk),
      answer(kOk + "Content-Length: 10\r\n\r\nhalf"),
      [](Conversation& c) { c.drip(kOk + "A: " + k64KiB); },
      [](Conversation& c) {
        c.send(kOk + "\r\n");
        c.drip("drip");
      },
  };
  config::Health settings = settings_of(HealthType::http);
  settings.timeout = std::chrono::milliseconds{50};
  settings.body = "ok";
  for (const auto& talk : talks) {
    const ScriptedServer server(talk);
    EXPECT_EQ(ask(settings, server.endpoint()).reason, "timeout after 50ms while waiting for the answer");
  }
}

std::string request_of(const config::Health& settings, const std::string& preamble = "") {
  std::promise<std::string> request;
  const ScriptedServer server([&](Conversation& c) {
    std::string text = c.read_until("\r\n\r\n");
    const std::string port = ":" + std::to_string(c.local_port());
    const std::size_t at = text.find(port);
    if (at != std::string::npos) text.replace(at, port.size(), ":PORT");
    c.send(kOk + "Content-Length: 2\r\n\r\n");
    request.set_value(std::move(text));
  });
  EXPECT_TRUE(ask(settings, server.endpoint(), preamble).passed);
  return request.get_future().get();
}

TEST(HttpProbe, SendsWhatSettingsSay) {
  config::Health settings = settings_of(HealthType::http);
  EXPECT_EQ(request_of(settings),
            "GET / HTTP/1.1\r\nHost: 127.0.0.1:PORT\r\nConnection: close\r\nUser-Agent: holdfast-health\r\n\r\n");
  settings.method = "HEAD";
  settings.path = "/health?deep=1";
  settings.headers = {{"host", "broker.example.com"}, {"X-A", "1"}, {"X-A", "2"}, {"Connection", "Upgrade"}};
  EXPECT_EQ(request_of(settings, "PROXY UNKNOWN\r\n"),
            "PROXY UNKNOWN\r\nHEAD /health?deep=1 HTTP/1.1\r\nUser-Agent: holdfast-health\r\nhost: "
            "broker.example.com\r\nX-A: 1\r\nX-A: 2\r\nConnection: Upgrade\r\n\r\n");
  settings.method = "POST";
  settings.headers.clear();
  EXPECT_NE(request_of(settings).find("Content-Length: 0\r\n"), std::string::npos);
}

}  // namespace
}  // namespace holdfast::health
