#include "config/kind.h"

#include <gtest/gtest.h>

#include "config/endpoint_kinds.h"
#include "config/system_kinds.h"

namespace holdfast::config {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::seconds;

// What `kind` makes of a value; nothing when it was refused, and then there must be a fault.
template <typename T>
std::optional<T> read(const Kind<T>& kind, Value value) {
  Faults faults;
  auto result = kind.read(value, Reading(faults).key("key"));
  EXPECT_NE(result.has_value(), !faults.empty());
  return result;
}

template <typename T>
std::optional<T> read_text(const Kind<T>& kind, std::string text) {
  return read(kind, Value{std::move(text)});
}

std::string fault_of(const auto& kind, Value value) {
  Faults faults;
  (void)kind.read(value, Reading(faults).key("key"));
  return faults.empty() ? "" : faults.in_file_order("f").front().text;
}

TEST(Kinds, KeepToTheirRangesEndsIncluded) {
  const auto number = count(2, 4);
  for (const std::int64_t good : {2, 3, 4}) EXPECT_EQ(read(number, Value{good}), static_cast<std::uint32_t>(good));
  for (const std::int64_t bad : {-1, 1, 5}) EXPECT_FALSE(read(number, Value{bad}));

  const auto time = duration(milliseconds(10), seconds(5));
  for (const char* good : {"10ms", "5s", "4s999ms"}) EXPECT_TRUE(read_text(time, good)) << good;
  for (const char* bad : {"0s", "9ms", "5s1us", "5", "", "x"}) EXPECT_FALSE(read_text(time, bad)) << bad;
  EXPECT_EQ(read_text(duration_or_zero(seconds(1), hours(1)), "0s"), Duration{0});
  EXPECT_FALSE(read_text(duration_or_zero(seconds(1), hours(1)), "1ms"));

  const auto size = bytes({1024}, {1 << 20});
  EXPECT_EQ(read_text(size, "64KiB"), base::Bytes{65'536});
  for (const char* bad : {"1023", "2MiB", "64K", "-1", ""}) EXPECT_FALSE(read_text(size, bad)) << bad;

  const auto often = rate({1}, {1000});
  EXPECT_EQ(read_text(often, "200/s"), base::Rate{200});
  for (const char* bad : {"1/m", "1001/s", "200", "200/d"}) EXPECT_FALSE(read_text(often, bad)) << bad;

  const auto words = text(3);
  for (const char* good : {"a", "a b", "\xc3\xa9"}) EXPECT_EQ(read_text(words, good), good);
  for (const char* bad : {"", "abcd", "a\n", "\x7f"}) EXPECT_FALSE(read_text(words, bad)) << bad;

  EXPECT_TRUE(read_text(name(), std::string(64, 'a')));
  EXPECT_TRUE(read_text(name(), "A.z_0-9"));
  for (const char* bad : {"", "a b", "a/b", "\xc3\xa9", "a:1"}) EXPECT_FALSE(read_text(name(), bad)) << bad;
  EXPECT_FALSE(read_text(name(), std::string(65, 'a')));
}

TEST(Kinds, RefuseOtherTypes) {
  const Value values[] = {Value{std::string("text")},
                          Value{std::int64_t{5}},
                          Value{0.5},
                          Value{true},
                          Value{Moment{}},
                          Value{List{}},
                          Value{Members{}}};
  int accepted = 0;
  for (const Value& value : values) {
    accepted += read(boolean(), value).has_value() + read(count(0, 9), value).has_value();
    accepted += read(duration(seconds(0), hours(1)), value).has_value();
    accepted += read(bytes({0}, {9}), value).has_value() + read(rate({0}, {9}), value).has_value();
    accepted += read(text(9), value).has_value() + read(name(), value).has_value();
    accepted += read(choice<int>({{"a", 1}}), value).has_value() + read(list_of(name(), {0, 1}), value).has_value();
    accepted += read(bind_address(), value).has_value() + read(server_address(), value).has_value();
    accepted += read(file_mode(), value).has_value() + read(account("user"), value).has_value();
  }
  EXPECT_EQ(accepted, 6) << "a boolean, a number, a text, a name, an account, an empty list";
}

TEST(Kinds, ArePutTogether) {
  const auto two_names = list_of(name(), {1, 2});
  EXPECT_EQ(read(two_names, Value{List{{std::string("a")}, {std::string("b")}}}), (std::vector<std::string>{"a", "b"}));
  EXPECT_FALSE(read(two_names, Value{List{}}));
  EXPECT_FALSE(read(two_names, Value{List(3, Value{std::string("a")})}));
  EXPECT_EQ(two_names.shape.type, "list of names");

  EXPECT_EQ(read_text(or_empty(name()), ""), "");
  EXPECT_EQ(read_text(or_empty(name()), "a"), "a");
  EXPECT_FALSE(read_text(or_empty(name()), "a b"));

  const auto maybe = optional_of(count(1, 9));
  const auto none = read_text(maybe, "");
  ASSERT_TRUE(none.has_value());
  EXPECT_FALSE(none->has_value());
  EXPECT_EQ(read(maybe, Value{std::int64_t{3}}), std::optional<std::uint32_t>(3));
  EXPECT_FALSE(read(maybe, Value{std::int64_t{10}}));

  EXPECT_EQ(read_text(choice<int>({{"a", 1}, {"b", 2}}), "b"), 2);
}

TEST(Kinds, SayWhatWouldBeRight) {
  EXPECT_EQ(fault_of(count(1, 9), Value{std::int64_t{10}}), "`key` must be 1 to 9; found the number 10");
  EXPECT_EQ(fault_of(bytes({1}, {1024}), Value{std::int64_t{10}}),
            "`key` must be a size such as \"64KiB\" (units B, KiB, MiB, GiB, kB, MB, GB); found the number 10");
  EXPECT_EQ(fault_of(rate({1}, {60}), Value{std::string("61/s")}),
            "`key` must be 1/s to 60/s; found the text \"61/s\"");
  EXPECT_EQ(fault_of(list_of(count(1, 9), {1, 2}), Value{List{Value{0.5}}}),
            "each item of `key` must be a whole number without quotes, such as 9; found the number 0.5");
}

TEST(EndpointKinds, AllowWhatTheirPurposeAllows) {
  struct Case {
    const char* text;
    bool bind;
    bool loopback;
    bool server;
  };
  const Case cases[] = {
      {"0.0.0.0:1883", true, false, true},  {"127.0.0.1:9100", true, true, true},
      {"127.255.0.9:0", true, true, false}, {"128.0.0.1:80", true, false, true},
      {"[::1]:80", true, true, true},       {"[0:0:0::0:1]:80", true, true, true},
      {"[::2]:80", true, false, true},      {"[::ffff:127.0.0.1]:80", true, false, true},
      {"[::]:0", true, false, false},       {"localhost:80", false, false, true},
      {"b1.local:0", false, false, false},  {"unix:/run/a", true, true, true},
      {"unix:/a\nb", false, false, false},  {"10.0.0.1", false, false, false},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.text);
    EXPECT_EQ(read_text(bind_address(), c.text).has_value(), c.bind);
    const auto endpoint = base::parse_endpoint(c.text);
    EXPECT_EQ(c.bind && is_loopback(*endpoint), c.loopback);
    EXPECT_EQ(read_text(server_address(), c.text).has_value(), c.server);
  }
}

TEST(SystemKinds, TakeWhatTheSystemTakes) {
  for (const char* good : {"holdfast", "_apt", "www-data", "a.b", "1000"})
    EXPECT_TRUE(read_text(account("user"), good));
  for (const char* bad : {"", "-a", "a b", "a:b", "a/b", "root\n"})
    EXPECT_FALSE(read_text(account("user"), bad)) << bad;
  EXPECT_FALSE(read_text(account("user"), std::string(33, 'a')));

  EXPECT_EQ(read_text(file_mode(), "0660"), 0660U);
  EXPECT_EQ(read_text(file_mode(), "600"), 0600U);
  for (const char* bad : {"", "6", "0440", "1777", "0680", "0660 ", "-660", "0x1ff"}) {
    EXPECT_FALSE(read_text(file_mode(), bad)) << bad;
  }
}

TEST(SamePlace, IgnoresHowAnAddressIsWritten) {
  const auto place = [](const char* text) { return same_place(*base::parse_endpoint(text)); };
  EXPECT_EQ(place("[::1]:80"), place("[0:0::0:1]:80"));
  EXPECT_NE(place("[::1]:80"), place("[::1]:81"));
  EXPECT_NE(place("117.110.105.120:80"), place("unix:80"));  // these bytes spell "unix"
}

}  // namespace
}  // namespace holdfast::config
