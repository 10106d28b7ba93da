#include "discovery/server_list.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace holdfast::discovery {
namespace {

constexpr std::string_view kJson = R"({
  "version": 42,
  "servers": [
    {"name": "a", "address": "10.0.0.1:1883", "weight": 50, "max_connections": 1000},
    {"address": "[::1]:1883", "max_accept_rate": "5/h", "backup": true},
    {"name": "c", "address": "unix:/run/c \u00e4,{.sock"}
  ]
})";
constexpr std::string_view kToml = R"(version = 42
[[servers]]
name = "a"
address = "10.0.0.1:1883"
weight = 50
max_connections = 1000
[[servers]]
address = "[::1]:1883"
max_accept_rate = "5/h"
backup = true
[[servers]]
name = "c"
address = "unix:/run/c ä,{.sock"
)";

TEST(FormatOf, IsTheExtension) {
  EXPECT_EQ(format_of("/etc/a.json"), Format::json);
  EXPECT_EQ(format_of("a.b.toml"), Format::toml);
  EXPECT_EQ(format_of("/etc/json"), std::nullopt);
  EXPECT_EQ(format_of("a.yaml"), std::nullopt);
}

TEST(ReadServerList, BothFormatsSayTheSame) {
  const auto json = read_server_list(kJson, Format::json, "f");
  const auto toml = read_server_list(kToml, Format::toml, "f");
  ASSERT_TRUE(json.list.has_value()) << summary(json.faults);
  ASSERT_TRUE(toml.list.has_value()) << summary(toml.faults);
  EXPECT_EQ(json.list->version, "42");
  EXPECT_EQ(json.list->servers, toml.list->servers);
  EXPECT_EQ(toml.list->version, "42");
  const Endpoints& list = *json.list;
  ASSERT_EQ(list.servers.size(), 3U);
  EXPECT_EQ(list.servers[0],
            (config::Server{"a", {base::Endpoint::Kind::ipv4, "10.0.0.1", 1883}, 50, 1000, {}, false}));
  EXPECT_EQ(list.servers[1].name, "[::1]:1883");
  EXPECT_EQ(list.servers[1].weight, 100U);
  EXPECT_TRUE(list.servers[1].backup);
  EXPECT_DOUBLE_EQ(list.servers[1].max_accept_rate.per_second, 5.0 / 3600);
}

TEST(ReadServerList, WithoutAVersionTheContentIsIt) {
  const auto version = [](std::string_view text) { return read_server_list(text, Format::json, "f").list->version; };
  EXPECT_EQ(version("{}"), content_version("{}"));
  EXPECT_EQ(version("{}").size(), 16U);
  EXPECT_NE(version("{}"), version("{ }"));
  EXPECT_EQ(content_version("a"), "af63dc4c8601ec8c") << "FNV-1a of one letter, as published";
}

TEST(ReadServerList, OneFaultRefusesTheWholeList) {
  struct Case {
    std::string_view text;
    std::string_view summary;
  };
  constexpr Case kCases[] = {
      {R"({"servers": [{"name": "a"}]})",
       "f:1:14: [[servers]] has no `address`; it must be an address with a port, such as \"10.0.0.11:1883\" or "
       "\"b1.local:1883\", or \"unix:/path\""},
      {"{\"servers\": [\n{\"name\": \"a\", \"address\": \"a:1\"},\n{\"name\": \"a\", \"address\": \"b:1\"}]}",
       "f:3:10: the name \"a\" is taken by the [[servers]] at line 2; names must differ"},
      {"{\"servers\": [{\"address\": \"a:1\", \"weight\": -1},\n {\"address\": 5}]}",
       "f:1:43: `weight` must be 0 to 1000; found the number -1 (and 1 more fault)"},
      {R"({"server": []})", "f:1:2: unknown key `server` outside all sections; did you mean [[servers]]?"},
      {R"([])", "f:1:1: a list of servers must be a table with the key `servers`; found an empty list"},
      {R"({"servers": {}})", "f:1:13: `servers` must be an array of tables, each written [[servers]]; found a table"},
      {R"({"servers": ["a:1"]})", "f:1:14: `servers` must be a table, written [[servers]]; found the text \"a:1\""},
  };
  for (const Case& c : kCases) {
    const auto read = read_server_list(c.text, Format::json, "f");
    EXPECT_FALSE(read.list.has_value());
    ASSERT_FALSE(read.faults.empty());
    EXPECT_EQ(summary(read.faults), c.summary);
  }
}

TEST(ReadServerList, JsonThatWasCutIsAlwaysRefused) {
  for (std::size_t cut = 0; cut < kJson.size(); ++cut) {
    const auto read = read_server_list(kJson.substr(0, cut), Format::json, "f");
    EXPECT_FALSE(read.list.has_value()) << cut;
    EXPECT_FALSE(read.faults.empty()) << cut;
  }
}

// This is why a file is read only when it has settled: TOML that was cut may be a shorter list, or one with other
// settings, and nobody can tell.
TEST(ReadServerList, TomlThatWasCutIsRefusedOrAShorterList) {
  std::vector<std::size_t> counts;
  for (std::size_t cut = 0; cut < kToml.size(); ++cut) {
    const auto read = read_server_list(kToml.substr(0, cut), Format::toml, "f");
    EXPECT_EQ(read.list.has_value(), read.faults.empty()) << cut;
    if (read.list) counts.push_back(read.list->servers.size());
  }
  EXPECT_TRUE(std::ranges::is_sorted(counts));
  EXPECT_EQ(std::ranges::count(counts, 0U), 4)
      << "\"\", \"version = 4\", and \"version = 42\" with and without its end";
  EXPECT_GT(std::ranges::count(counts, 1U), 0);
  EXPECT_GT(std::ranges::count(counts, 2U), 0);
}

TEST(ReadServerList, HasTensOfThousandsOfServers) {
  std::string text = "{\"servers\": [\n";
  for (int i = 0; i < 65'535; ++i) {
    text += (i == 0 ? "" : ",\n") + std::string("{\"name\": \"s") + std::to_string(i) +
            "\", \"address\": \"10.0.0.1:" + std::to_string(i + 1 > 65'534 ? 1 : i + 1) + "\"}";
  }
  const auto read = read_server_list(text + "]}", Format::json, "f");
  ASSERT_TRUE(read.list.has_value()) << summary(read.faults);
  EXPECT_EQ(read.list->servers.size(), 65'535U);
  const auto more = read_server_list(text + ",{\"address\": \"a:1\"}]}", Format::json, "f");
  EXPECT_EQ(summary(more.faults), "f:1:13: [[servers]] must be there 0 to 65535 times; found 65536");
}

}  // namespace
}  // namespace holdfast::discovery
