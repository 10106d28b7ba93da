#include "base/endpoint.h"

#include <gtest/gtest.h>

namespace holdfast::base {
namespace {

TEST(ParseEndpoint, ReadsWhatUsersWriteAndWritesItBack) {
  using Kind = Endpoint::Kind;
  struct Case {
    const char* text;
    Kind kind;
    const char* host;
    std::uint16_t port;
  };
  const Case cases[] = {
      {"10.0.0.11:1883", Kind::ipv4, "10.0.0.11", 1883},
      {"0.0.0.0:0", Kind::ipv4, "0.0.0.0", 0},
      {"[::]:1883", Kind::ipv6, "::", 1883},
      {"[fe80::1]:65535", Kind::ipv6, "fe80::1", 65535},
      {"broker-1.example.com:1883", Kind::host_name, "broker-1.example.com", 1883},
      {"localhost:80", Kind::host_name, "localhost", 80},
      {"unix:/run/holdfast/mqtt.sock", Kind::unix_path, "/run/holdfast/mqtt.sock", 0},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.text);
    const auto got = parse_endpoint(c.text);
    ASSERT_TRUE(got);
    EXPECT_EQ(*got, (Endpoint{c.kind, c.host, c.port}));
    EXPECT_EQ(got->text(), c.text);
  }
}

TEST(ParseEndpoint, RefusesWhatIsNone) {
  const std::string long_path = "unix:/" + std::string(107, 'x');
  for (const std::string& text :
       {std::string(""), std::string("1883"), std::string("10.0.0.1"), std::string("10.0.0.1:"), std::string(":1883"),
        std::string("10.0.0.1:65536"), std::string("10.0.0.1:-1"), std::string("10.0.0.256:1"), std::string("1.2.3:1"),
        std::string("::1:80"), std::string("[::1]"), std::string("[nonsense]:1"), std::string("[]:1"),
        std::string("under score:1"), std::string("-host:1"), std::string("unix:"), long_path}) {
    EXPECT_FALSE(parse_endpoint(text)) << text;
  }
}

}  // namespace
}  // namespace holdfast::base
