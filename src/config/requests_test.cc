#include "config/requests.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <gtest/gtest.h>

#include "config/toml_reader.h"

namespace holdfast::config {
namespace {

using std::chrono::minutes;
using std::chrono::seconds;

// TOML is read here as JSON is there: what becomes of it is a Value.
Value body(std::string_view text) {
  Faults faults;
  auto root = read_toml(text, faults);
  EXPECT_TRUE(root.has_value()) << text;
  return root.value_or(Value{Members{}});
}

template <typename T>
std::string faults_of(const Asked<T>& asked) {
  EXPECT_NE(asked.value.has_value(), !asked.faults.empty());
  return fmt::format("{}", fmt::join(asked.faults, "\n"));
}

TEST(ReadServer, FillsInDefaults) {
  const auto asked = read_server(body("address = \"10.0.0.1:1883\""));
  ASSERT_TRUE(asked.value.has_value());
  EXPECT_EQ(*asked.value, (Server{"10.0.0.1:1883", {base::Endpoint::Kind::ipv4, "10.0.0.1", 1883}, 100, 0, {}, false}));
}

TEST(ReadServer, SaysAllThatIsWrong) {
  EXPECT_EQ(faults_of(read_server(body(""))),
            "the request has no `address`; it must be an address with a port, such as \"10.0.0.11:1883\" or "
            "\"b1.local:1883\", or \"unix:/path\"");
  EXPECT_EQ(faults_of(read_server(body("address = \"a:1\"\nwieght = 1\nbackup = \"no\""))),
            "unknown key `wieght` in the request; did you mean `weight`?\n"
            "`backup` must be true or false, without quotes; found the text \"no\"");
  EXPECT_EQ(faults_of(read_server(body("address = \"a:1\"\n[health]\nx = 1"))),
            "unknown key `health` in the request; there are `name`, `address`, `weight`, `max_connections`, "
            "`max_accept_rate`, `backup`");
  EXPECT_EQ(faults_of(read_server(Value{List{}})), "the request must be an object; found an empty list");
}

TEST(ReadServerChange, HasWhatIsThere) {
  const auto drain = read_server_change(body("state = \"drain\"\nrate = \"200/s\"\ndeadline = \"10m\""));
  EXPECT_EQ(drain.value, (ServerChange{ServerState::drain, base::Rate{200}, minutes(10), {}, {}, {}, {}, {}}));
  const auto rest = read_server_change(
      body("weight = 0\nmax_connections = 0\nmax_accept_rate = 0\naddress = \"unix:/a\"\nbackup = false"));
  const base::Endpoint address{base::Endpoint::Kind::unix_path, "/a", 0};
  EXPECT_EQ(rest.value, (ServerChange{{}, {}, {}, 0, 0, base::Rate{}, address, false}));
}

TEST(ReadServerChange, SaysAllThatIsWrong) {
  struct Case {
    const char* text;
    const char* fault;
  };
  constexpr Case kCases[] = {
      {"",
       "the request changes nothing; there are `state`, `rate`, `deadline`, `weight`, `max_connections`, "
       "`max_accept_rate`, `address`, `backup`"},
      {"state = \"down\"", "`state` must be one of \"ready\", \"drain\", \"maint\"; found the text \"down\""},
      {"state = \"drian\"\nrate = \"1/s\"",
       "`state` must be one of \"ready\", \"drain\", \"maint\"; found the text \"drian\"; did you mean \"drain\"?"},
      {"rate = \"1/s\"", "`rate` does nothing without the `state` \"drain\""},
      {"state = \"maint\"\ndeadline = \"1s\"", "`deadline` does nothing without the `state` \"drain\""},
      {"state = \"drain\"\nrate = 5", "`rate` must be a rate such as \"200/s\" (units /s, /m, /h); found the number 5"},
      {"state = \"drain\"\ndeadline = \"0s\"", "`deadline` must be 10ms to 1d; found the text \"0s\""},
      {"weight = 1001", "`weight` must be 0 to 1000; found the number 1001"},
      {"max_accept_rate = 1",
       "`max_accept_rate` must be a rate such as \"200/s\" (units /s, /m, /h), or 0; found the "
       "number 1"},
      {"name = \"b2\"",
       "unknown key `name` in the request; there are `state`, `rate`, `deadline`, `weight`, `max_connections`, "
       "`max_accept_rate`, `address`, `backup`"},
  };
  for (const Case& c : kCases) EXPECT_EQ(faults_of(read_server_change(body(c.text))), c.fault) << c.text;
}

TEST(ReadListenerChange, DrainsOrNot) {
  const auto drain = read_listener_change(body("state = \"drain\"\nrate = \"1/m\""));
  EXPECT_EQ(drain.value, (ListenerChange{ListenerState::drain, base::Rate{1.0 / 60}, {}}));
  EXPECT_EQ(read_listener_change(body("state = \"ready\"")).value, (ListenerChange{ListenerState::ready, {}, {}}));
  EXPECT_EQ(faults_of(read_listener_change(body(""))),
            "the request has no `state`; it must be one of \"ready\", \"drain\"");
  EXPECT_EQ(faults_of(read_listener_change(body("deadline = \"1s\""))),
            "`deadline` does nothing without the `state` \"drain\"\n"
            "the request has no `state`; it must be one of \"ready\", \"drain\"");
  EXPECT_EQ(faults_of(read_listener_change(body("state = \"ready\"\nrate = \"1/s\""))),
            "`rate` does nothing without the `state` \"drain\"");
}

TEST(ReadNodeDrain, NeedsNothing) {
  EXPECT_EQ(read_node_drain(body("")).value, NodeDrain{});
  EXPECT_EQ(read_node_drain(body("rate = \"5/s\"\ndeadline = \"1m\"\nwait = \"0s\"")).value,
            (NodeDrain{base::Rate{5}, minutes(1), seconds(0)}));
  EXPECT_EQ(faults_of(read_node_drain(body("wait = \"2h\""))), "`wait` must be 0s to 1h; found the text \"2h\"");
}

TEST(ReadParameter, HasTheFaultsOfTheFile) {
  EXPECT_EQ(read_rate("--rate", "200/s").value, base::Rate{200});
  EXPECT_EQ(read_duration("min_age", "1h30m").value, minutes(90));
  EXPECT_EQ(read_bytes("min_bytes", "64KiB").value, base::Bytes{65'536});
  EXPECT_EQ(read_number("limit", "1000", 1, 1000).value, 1000U);
  EXPECT_EQ(faults_of(read_rate("--rate", "fast")),
            "`--rate` must be a rate such as \"200/s\" (units /s, /m, /h); found the text \"fast\"");
  EXPECT_EQ(faults_of(read_duration("min_age", "5")),
            "`min_age` must be a duration such as \"5s\" (units us, ms, s, m, h, d); found the text \"5\"");
  EXPECT_EQ(faults_of(read_number("limit", "1001", 1, 1000)), "`limit` must be 1 to 1000; found the number 1001");
  EXPECT_EQ(faults_of(read_number("limit", "many", 1, 1000)),
            "`limit` must be a whole number without quotes, such as 100; found the text \"many\"");
}

}  // namespace
}  // namespace holdfast::config
