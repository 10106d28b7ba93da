#include "discovery/last_good.h"

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include <csignal>
#include <fstream>

#include "base/temporary_directory.h"
#include "discovery/server_list.h"

namespace holdfast::discovery {
namespace {

using std::chrono::seconds;
using std::chrono::system_clock;

LastGood example() {
  const auto read = read_server_list(R"({"version": "v 1", "servers": [
    {"name": "a", "address": "a.local:1", "weight": 0, "max_connections": 5, "max_accept_rate": "7/h", "backup": true},
    {"address": "[::1]:1883"}, {"address": "unix:/run/\u00e4"}]})",
                                     Format::json, "example");
  return {"file /etc/brokers.json", *read.list, system_clock::time_point(seconds(1'800'000'000))};
}

void expect_same(const LastGoodCopy& copy, const LastGood& want) {
  ASSERT_TRUE(copy.last_good.has_value()) << copy.error;
  EXPECT_EQ(copy.error, "");
  EXPECT_EQ(copy.last_good->source, want.source);
  EXPECT_EQ(copy.last_good->list.version, want.list.version);
  EXPECT_EQ(copy.last_good->list.servers, want.list.servers);
  EXPECT_EQ(copy.last_good->applied_at, want.applied_at);
}

TEST(LastGood, ComesBackAsItWas) {
  const base::TemporaryDirectory directory;
  const auto path = directory / "data" / "discovery" / "pool.json";
  ASSERT_TRUE(keep(path, example()));
  expect_same(read_last_good(path), example());
  struct stat found {};
  ASSERT_EQ(::stat(path.c_str(), &found), 0);
  EXPECT_EQ(found.st_mode & 0777U, 0600U);
}

TEST(LastGood, IsReplacedAsAWhole) {
  const base::TemporaryDirectory directory;
  const auto path = directory / "pool.json";
  ASSERT_TRUE(keep(path, example()));
  directory.write("pool.json.new", "left behind");
  LastGood next = example();
  next.list.servers.pop_back();
  next.list.version = "2";
  ASSERT_TRUE(keep(path, next));
  expect_same(read_last_good(path), next);
  EXPECT_FALSE(std::filesystem::exists(directory / "pool.json.new"));
}

TEST(LastGood, ThatThereIsNoneIsNoError) {
  const base::TemporaryDirectory directory;
  const auto copy = read_last_good(directory / "pool.json");
  EXPECT_FALSE(copy.last_good.has_value());
  EXPECT_EQ(copy.error, "");
}

TEST(LastGood, ABrokenOneSaysWhy) {
  const base::TemporaryDirectory directory;
  const std::string whole = to_text(example());
  for (std::size_t cut = 0; cut + 2 < whole.size(); ++cut) {
    const auto copy = parse_last_good(whole.substr(0, cut), "f");
    EXPECT_FALSE(copy.last_good.has_value()) << cut;
    EXPECT_NE(copy.error, "") << cut;
  }
  EXPECT_EQ(parse_last_good("{\"servers\": []}", "f").error, "the list has no servers");
  EXPECT_EQ(parse_last_good("[]", "f").error.substr(0, 6), "f:1:1:");
  EXPECT_EQ(read_last_good(directory.path()).error, "cannot be read (it is a directory)");
}

TEST(LastGood, StrangeTimesAreNone) {
  for (const char* time : {"-1", "9223372036854775807", "\"yesterday\"", "1e300"}) {
    const auto copy =
        parse_last_good("{\"applied_at\": " + std::string(time) + ", \"servers\": [{\"address\": \"a:1\"}]}", "f");
    ASSERT_TRUE(copy.last_good.has_value()) << copy.error;
    EXPECT_EQ(copy.last_good->applied_at, system_clock::time_point{});
  }
}

// As a full disk does it: some of the bytes are written, and then no more.
class FileSizeLimit {
 public:
  explicit FileSizeLimit(rlim_t bytes) : handler_(std::signal(SIGXFSZ, SIG_IGN)) {
    ::getrlimit(RLIMIT_FSIZE, &before_);
    const rlimit limit{bytes, before_.rlim_max};
    ::setrlimit(RLIMIT_FSIZE, &limit);
  }
  ~FileSizeLimit() {
    ::setrlimit(RLIMIT_FSIZE, &before_);
    std::signal(SIGXFSZ, handler_);
  }
  FileSizeLimit(const FileSizeLimit&) = delete;
  FileSizeLimit& operator=(const FileSizeLimit&) = delete;

 private:
  void (*handler_)(int);
  rlimit before_{};
};

TEST(LastGood, AFullDiskLeavesTheOldOne) {
  const base::TemporaryDirectory directory;
  const auto path = directory / "pool.json";
  ASSERT_TRUE(keep(path, example()));
  {
    const FileSizeLimit full(64);
    LastGood next = example();
    next.list.version = "2";
    const auto kept = keep(path, next);
    ASSERT_FALSE(kept);
    EXPECT_EQ(kept.error().text(), "write: File too large");
  }
  expect_same(read_last_good(path), example());
  EXPECT_FALSE(std::filesystem::exists(directory / "pool.json.new"));
}

TEST(LastGood, CannotBeKeptBelowAFile) {
  const base::TemporaryDirectory directory;
  directory.write("file", "");
  const auto kept = keep(directory / "file" / "discovery" / "pool.json", example());
  ASSERT_FALSE(kept);
  EXPECT_EQ(kept.error().text(), "mkdir: Not a directory");
}

}  // namespace
}  // namespace holdfast::discovery
