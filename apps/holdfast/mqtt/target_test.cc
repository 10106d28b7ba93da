#include "mqtt/target.h"

#include <gtest/gtest.h>

namespace holdfast::app {
namespace {

struct Case {
  const char* url;
  const char* text;  // empty: it is refused
  const char* user = nullptr;
  const char* password = nullptr;
};

const Case kCases[] = {
    {"mqtt://127.0.0.1", "127.0.0.1:1883"},
    {"mqtt://127.0.0.1/", "127.0.0.1:1883"},
    {"mqtt://edge-1.local:18830", "edge-1.local:18830"},
    {"mqtt://[::1]", "[::1]:1883"},
    {"mqtt://[::1]:7", "[::1]:7"},
    {"ws://127.0.0.1", "ws://127.0.0.1:80/mqtt"},
    {"ws://127.0.0.1:8083/", "ws://127.0.0.1:8083/"},
    {"ws://127.0.0.1:8083/a/b?token=x", "ws://127.0.0.1:8083/a/b?token=x"},
    {"ws://[::1]/mqtt", "ws://[::1]:80/mqtt"},
    {"unix:/run/broker.sock", "unix:/run/broker.sock"},
    {"mqtt://anna@localhost", "localhost:1883", "anna"},
    {"mqtt://anna:secret@localhost:1", "localhost:1", "anna", "secret"},
    {"ws://a%40b:p%3Aq%2F@localhost", "ws://localhost:80/mqtt", "a@b", "p:q/"},
    {"mqtt://:secret@localhost", "localhost:1883", "", "secret"},
    {"", ""},
    {"127.0.0.1:1883", ""},
    {"http://127.0.0.1", ""},
    {"mqtt://", ""},
    {"mqtt://host:port", ""},
    {"mqtt://host/topic", ""},
    {"mqtt://%zz@host", ""},
    {"mqtts://127.0.0.1", ""},
    {"wss://127.0.0.1", ""},
    {"ws://host/a b", ""},
    {"ws://host/a\r\nX: y", ""},
    {"unix:", ""},
};

TEST(ParseTarget, FollowsTheTable) {
  for (const Case& c : kCases) {
    SCOPED_TRACE(c.url);
    Target target;
    const std::string fault = parse_target(c.url, target);
    EXPECT_EQ(fault.empty(), *c.text != '\0') << fault;
    if (!fault.empty()) continue;
    EXPECT_EQ(target.text(), c.text);
    EXPECT_EQ(target.user, c.user == nullptr ? std::nullopt : std::optional<std::string>(c.user));
    EXPECT_EQ(target.password, c.password == nullptr ? std::nullopt : std::optional<std::string>(c.password));
  }
}

TEST(ParseHost, FollowsTheTable) {
  struct Row {
    const char* host;
    std::optional<std::uint16_t> port;
    const char* text;  // empty: it is refused
  };
  for (const Row& row :
       {Row{"127.0.0.1", {}, "127.0.0.1:1883"}, Row{"127.0.0.1", 7, "127.0.0.1:7"},
        Row{"127.0.0.1:7", {}, "127.0.0.1:7"}, Row{"127.0.0.1:7", 7, ""}, Row{"a.local:7", {}, "a.local:7"},
        Row{"::1", {}, "[::1]:1883"}, Row{"::1", 7, "[::1]:7"}, Row{"[::1]", {}, "[::1]:1883"},
        Row{"[::1]:7", {}, "[::1]:7"}, Row{"[::1]:7", 8, ""}, Row{"", {}, ""}, Row{"a:b", {}, ""}, Row{"a:0", {}, ""},
        Row{"a:70000", {}, ""}, Row{"a b", {}, ""}}) {
    base::Endpoint endpoint;
    const std::string fault = parse_host(row.host, row.port, endpoint);
    EXPECT_EQ(fault.empty() ? endpoint.text() : "", row.text) << row.host << ": " << fault;
  }
}

TEST(ParseTarget, SaysThatThereIsNoTlsYet) {
  Target target;
  EXPECT_EQ(parse_target("mqtts://localhost", target), "TLS is not there yet");
}

}  // namespace
}  // namespace holdfast::app
