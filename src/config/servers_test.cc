#include "config/servers.h"

#include <gtest/gtest.h>

#include <string_view>

#include "config/toml_reader.h"

namespace holdfast::config {
namespace {

std::optional<ServerList> read(std::string_view text, Faults& faults) {
  const auto root = read_toml(text, faults);
  return root ? read_servers(*root, faults) : std::nullopt;
}

TEST(ReadServers, FillsInDefaults) {
  Faults faults;
  const auto list = read(R"(
[[servers]]
address = "10.0.0.1:1883"
[[servers]]
name = "b"
address = "b.local:1883"
weight = 7
max_connections = 9
max_accept_rate = "30/m"
backup = true
)",
                         faults);
  ASSERT_TRUE(list.has_value());
  EXPECT_EQ(list->version, "");
  ASSERT_EQ(list->servers.size(), 2U);
  EXPECT_EQ(list->servers[0].name, "10.0.0.1:1883");
  EXPECT_EQ(list->servers[0].weight, 100U);
  EXPECT_EQ(list->servers[1],
            (Server{"b", {base::Endpoint::Kind::host_name, "b.local", 1883}, 7, 9, base::Rate{0.5}, true}));
}

TEST(ReadServers, TheVersionIsATextOrANumber) {
  struct Case {
    std::string_view written;
    std::string_view want;
  };
  for (const Case& c : {Case{"version = 17", "17"}, Case{"version = 1.5", "1.5"}, Case{"version = \"v3\"", "v3"}}) {
    Faults faults;
    const auto list = read(c.written, faults);
    ASSERT_TRUE(list.has_value()) << c.written;
    EXPECT_EQ(list->version, c.want);
  }
}

TEST(ReadServers, SaysWhatIsWrongAndWhere) {
  struct Case {
    std::string_view written;
    std::string_view fault;
  };
  constexpr Case kCases[] = {
      {"version = true", "f:1:11: `version` must be text of 1 to 128 bytes without control characters; found true"},
      {"[[servers]]\nname = \"a\"",
       "f:1:1: [[servers]] has no `address`; it must be an address with a port, such as \"10.0.0.11:1883\" or "
       "\"b1.local:1883\", or \"unix:/path\""},
      {"[[servers]]\naddress = \"a:1\"\nweight = 1001", "f:3:10: `weight` must be 0 to 1000; found the number 1001"},
      {"[[servers]]\naddress = \"a:1\"\n[[servers]]\naddress = \"a:1\"",
       "f:3:1: the name \"a:1\" is taken by the [[servers]] at line 1; names must differ"},
      {"[[server]]\naddress = \"a:1\"", "f:1:3: unknown section [[server]]; did you mean [[servers]]?"},
      {"servers = 3", "f:1:11: `servers` must be an array of tables, each written [[servers]]; found the number 3"},
  };
  for (const Case& c : kCases) {
    Faults faults;
    EXPECT_FALSE(read(c.written, faults).has_value()) << c.written;
    const auto found = faults.in_file_order("f");
    ASSERT_EQ(found.size(), 1U) << c.written;
    EXPECT_EQ(to_text(found[0]), c.fault);
  }
}

}  // namespace
}  // namespace holdfast::config
