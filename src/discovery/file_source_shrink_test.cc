#include <gtest/gtest.h>

#include <algorithm>

#include "discovery/file_source_bench.h"
#include "discovery/last_good.h"

namespace holdfast::discovery {
namespace {

using namespace std::chrono_literals;
using Alarm = SourceStatus::Alarm;
using Names = std::vector<std::string>;

std::vector<std::size_t> sizes(const FileSourceBench& bench) {
  std::vector<std::size_t> all;
  for (const Endpoints& list : bench.lists) all.push_back(list.servers.size());
  return all;
}

TEST(FileSourceShrink, IsStepByStepWithAnAlarm) {
  const base::TemporaryDirectory directory;
  directory.write("list.json", json_list(names(16)));
  FileSourceBench bench(directory);
  bench.start();
  directory.replace("list.json", json_list({"s0", "new"}));
  ASSERT_TRUE(bench.run_until_lists(3));
  SourceStatus status = bench.source->status();
  EXPECT_EQ(status.alarm, Alarm::shrink);
  EXPECT_EQ(status.error, "more than half of 16 servers went at once; 11 of those in use are still to be removed");
  EXPECT_EQ(status.version, bench.lists.back().version);
  ASSERT_TRUE(bench.run_until_alarm(Alarm::none));
  EXPECT_EQ(sizes(bench), (std::vector<std::size_t>{16, 17, 13, 10, 8, 6, 5, 4, 3, 2}));
  EXPECT_EQ(bench.in_use(), (Names{"s0", "new"}));
  status = bench.source->status();
  EXPECT_EQ(status.error, "");
  EXPECT_EQ(status.errors_total, 0U);
  ASSERT_TRUE(bench.run_until([&] {
    const auto copy = read_last_good(bench.keep);
    return copy.last_good && copy.last_good->list.servers == bench.lists.back().servers;
  }));
}

TEST(FileSourceShrink, IsAtOnceWhenItIsAllowed) {
  const base::TemporaryDirectory directory;
  directory.write("list.json", json_list(names(16)));
  FileSourceBench bench(directory);
  bench.settings.allow_shrink = true;
  bench.start();
  directory.replace("list.json", json_list({"s0"}));
  ASSERT_TRUE(bench.run_until_lists(2));
  EXPECT_EQ(sizes(bench), (std::vector<std::size_t>{16, 1}));
  EXPECT_EQ(bench.source->status().alarm, Alarm::none);
}

TEST(FileSourceShrink, EndsWhenTheSourceIsBack) {
  const base::TemporaryDirectory directory;
  directory.write("list.json", json_list(names(16)));
  FileSourceTimes times = FileSourceBench::quick();
  times.shrink_step = 1h;
  FileSourceBench bench(directory, "list.json", times);
  bench.start();
  directory.replace("list.json", json_list({"s0"}));
  ASSERT_TRUE(bench.run_until_alarm(Alarm::shrink));
  directory.replace("list.json", json_list(names(16)));
  ASSERT_TRUE(bench.run_until_alarm(Alarm::none));
  EXPECT_EQ(bench.in_use(), names(16));
  for (const Endpoints& list : bench.lists) EXPECT_EQ(list.servers.size(), 16U) << "nobody was ever without one";
}

TEST(FileSourceShrink, WaitsWhileTheSourceIsUnreadable) {
  const base::TemporaryDirectory directory;
  directory.write("list.json", json_list(names(64)));
  FileSourceTimes times = FileSourceBench::quick();
  times.shrink_step = 100ms;
  FileSourceBench bench(directory, "list.json", times);
  bench.start();
  directory.replace("list.json", json_list({"s0"}));
  ASSERT_TRUE(bench.run_until_alarm(Alarm::shrink));
  directory.replace("list.json", "{");
  ASSERT_TRUE(bench.run_until_alarm(Alarm::unreadable));
  EXPECT_NE(bench.source->status().error.find("; moreover, more than half of 64 servers went at once"),
            std::string::npos);
  const std::size_t before = bench.lists.size();
  const auto begin = FileSourceBench::Clock::now();
  ASSERT_TRUE(bench.run_until([&] { return FileSourceBench::Clock::now() > begin + 3 * times.shrink_step; }));
  EXPECT_EQ(bench.lists.size(), before);
  directory.replace("list.json", json_list({"s0"}));
  ASSERT_TRUE(bench.run_until_lists(before + 1));
}

TEST(FileSourceShrink, TheFirstListIsBelieved) {
  const base::TemporaryDirectory directory;
  {
    directory.write("list.json", json_list(names(16)));
    FileSourceBench bench(directory);
    bench.start();
    ASSERT_TRUE(bench.run_until_kept());
  }
  directory.replace("list.json", json_list({"s0"}));
  FileSourceBench bench(directory);
  bench.start();
  EXPECT_EQ(bench.in_use(), Names{"s0"});
  EXPECT_EQ(bench.source->status().alarm, Alarm::none);
}

}  // namespace
}  // namespace holdfast::discovery
