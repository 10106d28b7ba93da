#include <gtest/gtest.h>
#include <sys/stat.h>

#include <algorithm>

#include "base/log.h"
#include "discovery/file_source_bench.h"
#include "discovery/last_good.h"

namespace holdfast::discovery {
namespace {

using Alarm = SourceStatus::Alarm;
using Names = std::vector<std::string>;

void remove(const base::TemporaryDirectory& directory) { std::filesystem::remove_all(directory / "list.json"); }

struct Trouble {
  const char* name;
  void (*make)(const base::TemporaryDirectory&);
  Alarm alarm;
  std::string_view error;  // how it begins, behind the name of the file when it begins with ':'
};

const Trouble kTroubles[] = {
    {"removed", remove, Alarm::unreadable, "cannot be read (stat: No such file or directory)"},
    {"a directory",
     [](const base::TemporaryDirectory& d) {
       remove(d);
       std::filesystem::create_directory(d / "list.json");
     },
     Alarm::unreadable, "cannot be read (it is a directory)"},
    {"a FIFO that nobody writes to",
     [](const base::TemporaryDirectory& d) {
       remove(d);
       ASSERT_EQ(::mkfifo((d / "list.json").c_str(), 0600), 0);
     },
     Alarm::unreadable, "cannot be read (it is no regular file)"},
    {"a device without end",
     [](const base::TemporaryDirectory& d) {
       remove(d);
       std::filesystem::create_symlink("/dev/zero", d / "list.json");
     },
     Alarm::unreadable, "cannot be read (it is no regular file)"},
    {"a link to itself",
     [](const base::TemporaryDirectory& d) {
       remove(d);
       std::filesystem::create_symlink("list.json", d / "list.json");
     },
     Alarm::unreadable, "cannot be read (stat: Too many levels of symbolic links)"},
    {"too large",
     [](const base::TemporaryDirectory& d) {
       d.write("large", "");
       std::filesystem::resize_file(d / "large", (std::uintmax_t{16} << 20) + 1);
       std::filesystem::rename(d / "large", d / "list.json");
     },
     Alarm::unreadable, "cannot be read (it is too large; at most 16MiB are read)"},
    {"garbage", [](const base::TemporaryDirectory& d) { d.replace("list.json", "\x01\xFF garbage"); },
     Alarm::unreadable, ":1:1: not valid JSON, syntax error"},
    {"cut",
     [](const base::TemporaryDirectory& d) {
       d.replace("list.json", json_list({"a", "b", "c"}).substr(0, 70));
     },
     Alarm::unreadable, ":1:70: not valid JSON, incomplete JSON"},
    {"two servers of one name",
     [](const base::TemporaryDirectory& d) {
       d.replace("list.json", json_list({"a", "b", "a"}));
     },
     Alarm::unreadable, ":3:10: the name \"a\" is taken by the [[servers]] at line 1; names must differ"},
    {"empty", [](const base::TemporaryDirectory& d) { d.write("list.json", ""); }, Alarm::empty, "the file is empty"},
    {"blank", [](const base::TemporaryDirectory& d) { d.write("list.json", " \n"); }, Alarm::empty,
     "the file is empty"},
    {"no servers", [](const base::TemporaryDirectory& d) { d.replace("list.json", json_list({})); }, Alarm::empty,
     "the list has no servers"},
    {"no key", [](const base::TemporaryDirectory& d) { d.replace("list.json", "{}"); }, Alarm::empty,
     "the list has no servers"},
};

std::string full_error(const Trouble& trouble, const FileSourceBench& bench) {
  return (trouble.error.starts_with(':') ? bench.settings.path : "") + std::string(trouble.error);
}

TEST(FileSource, TroubleLeavesTheLastGoodList) {
  for (const Trouble& trouble : kTroubles) {
    SCOPED_TRACE(trouble.name);
    const base::TemporaryDirectory directory;
    directory.write("list.json", json_list({"a", "b"}));
    FileSourceBench bench(directory);
    bench.start();
    trouble.make(directory);
    ASSERT_TRUE(bench.run_until_alarm(trouble.alarm));
    SourceStatus status = bench.source->status();
    EXPECT_EQ(status.error, full_error(trouble, bench));
    EXPECT_EQ(status.version, bench.lists[0].version);
    EXPECT_EQ(bench.lists.size(), 1U);

    int looks = 0;  // it lasts, and is one error
    ASSERT_TRUE(bench.run_until([&] { return ++looks > 100; }));
    EXPECT_EQ(bench.source->status().errors_total, 1U);

    remove(directory);
    directory.replace("list.json", json_list({"b", "c"}));
    ASSERT_TRUE(bench.run_until_lists(2));
    status = bench.source->status();
    EXPECT_EQ(bench.in_use(), (Names{"b", "c"}));
    EXPECT_EQ(status.error, "");
    EXPECT_EQ(status.alarm, Alarm::none);
  }
}

TEST(FileSource, LogsEachListAndEachErrorOnce) {
  const base::TemporaryDirectory directory;
  directory.write("list.json", json_list({"a", "b"}));
  testing::internal::CaptureStderr();
  base::start_log({});
  FileSourceBench bench(directory);
  bench.start();
  directory.replace("list.json", json_list({}));
  EXPECT_TRUE(bench.run_until_alarm(Alarm::empty));
  int looks = 0;
  EXPECT_TRUE(bench.run_until([&] { return ++looks > 100; }));
  directory.replace("list.json", json_list({"b", "c", "d"}, 7));
  EXPECT_TRUE(bench.run_until_lists(2));
  base::stop_log();
  const std::string log = testing::internal::GetCapturedStderr();
  const std::string lines[] = {
      " info    list of servers applied pool=pool source=\"file " + bench.settings.path +
          "\" version=" + bench.lists[0].version + " servers=2 added=2 removed=0 changed=0\n",
      " error   the source of servers is refused, the last good list stays pool=pool source=\"file " +
          bench.settings.path + "\" error=\"the list has no servers\" version=" + bench.lists[0].version +
          " servers=2\n",
      " info    the source of servers is good pool=pool source=\"file " + bench.settings.path + "\"\n",
      " info    list of servers applied pool=pool source=\"file " + bench.settings.path +
          "\" version=" + bench.lists[1].version + " servers=3 added=2 removed=1 changed=1\n",
  };
  for (const std::string& line : lines) EXPECT_NE(log.find(line), std::string::npos) << line << "is not in\n" << log;
  EXPECT_EQ(std::ranges::count(log, '\n'), 4) << log;
}

TEST(FileSource, ThatTheFileIsBackAsItWasEndsTheTrouble) {
  const base::TemporaryDirectory directory;
  directory.write("list.json", json_list({"a"}));
  FileSourceBench bench(directory);
  bench.start();
  std::filesystem::rename(directory / "list.json", directory / "away.json");
  ASSERT_TRUE(bench.run_until_alarm(Alarm::unreadable));
  std::filesystem::rename(directory / "away.json", directory / "list.json");
  ASSERT_TRUE(bench.run_until_alarm(Alarm::none));
  EXPECT_EQ(bench.source->status().error, "");
  EXPECT_EQ(bench.lists.size(), 1U);
}

TEST(FileSource, StartsInTroubleAndRecovers) {
  for (const Trouble& trouble : kTroubles) {
    SCOPED_TRACE(trouble.name);
    const base::TemporaryDirectory directory;
    trouble.make(directory);
    FileSourceBench bench(directory);
    bench.start();
    const SourceStatus status = bench.source->status();
    EXPECT_TRUE(bench.lists.empty());
    EXPECT_EQ(status.alarm, trouble.alarm);
    EXPECT_EQ(status.error, full_error(trouble, bench));
    EXPECT_EQ(status.version, "");
    EXPECT_FALSE(status.from_disk_copy);
    remove(directory);
    directory.replace("list.json", json_list({"a"}));
    ASSERT_TRUE(bench.run_until_lists(1));
    EXPECT_EQ(bench.in_use(), Names{"a"});
  }
}

TEST(FileSource, WaitsForADirectoryThatIsNotThereYet) {
  const base::TemporaryDirectory directory;
  FileSourceBench bench(directory, "later/list.json");
  bench.start();
  EXPECT_EQ(bench.source->status().alarm, Alarm::unreadable);
  std::filesystem::create_directory(directory / "later");
  directory.write("later/list.json", json_list({"a"}));
  ASSERT_TRUE(bench.run_until_lists(1));
}

// Little patience stands for a file system that hangs: the fresh file has yet to settle when it is over.
TEST(FileSource, AFileSystemThatDoesNotAnswerHoldsUpNobody) {
  const base::TemporaryDirectory directory;
  directory.write("list.json", json_list({"a"}));
  FileSourceTimes times = FileSourceBench::quick();
  times.settle = std::chrono::milliseconds{1000};
  times.patience = std::chrono::milliseconds{20};
  FileSourceBench bench(directory, "list.json", times);
  bench.start();
  EXPECT_TRUE(bench.lists.empty());
  EXPECT_EQ(bench.source->status().alarm, Alarm::unreadable);
  EXPECT_EQ(bench.source->status().error, "the file system does not answer within 20ms");
}

TEST(FileSource, AnotherExtensionIsRefused) {
  const base::TemporaryDirectory directory;
  directory.write("list.yaml", json_list({"a"}));
  FileSourceBench bench(directory, "list.yaml");
  bench.start();
  EXPECT_EQ(bench.source->status().error, "its name ends neither in .json nor in .toml");
}

TEST(FileSource, ARestartWithoutTheFileUsesTheCopy) {
  const base::TemporaryDirectory directory;
  std::string version;
  std::chrono::system_clock::time_point applied_at;
  {
    directory.write("list.json", json_list({"a", "b"}, 7));
    FileSourceBench bench(directory);
    bench.start();
    ASSERT_TRUE(bench.run_until_kept());
    version = bench.source->status().version;
    applied_at = bench.source->status().applied_at;
  }
  remove(directory);
  FileSourceBench bench(directory);
  bench.start();
  ASSERT_EQ(bench.lists.size(), 1U);
  EXPECT_EQ(bench.in_use(), (Names{"a", "b"}));
  EXPECT_EQ(bench.lists[0].servers[0].weight, 7U);
  SourceStatus status = bench.source->status();
  EXPECT_TRUE(status.from_disk_copy);
  EXPECT_EQ(status.version, version);
  EXPECT_EQ(status.applied_at, std::chrono::floor<std::chrono::seconds>(applied_at));
  EXPECT_EQ(status.checked_at, std::chrono::system_clock::time_point{});
  EXPECT_EQ(status.alarm, Alarm::unreadable);

  directory.write("list.json", json_list({"a", "b"}, 7));
  ASSERT_TRUE(bench.run_until_alarm(Alarm::none));
  EXPECT_FALSE(bench.source->status().from_disk_copy);
  EXPECT_EQ(bench.lists.size(), 1U) << "the same list: nobody needs to know";
}

TEST(FileSource, ABrokenCopyIsNoList) {
  for (const char* copy : {"", "{", "{\"servers\": []}", "{\"servers\": [{\"name\": \"a\"}]}"}) {
    const base::TemporaryDirectory directory;
    std::filesystem::create_directory(directory / "data");
    directory.write("data/pool.json", copy);
    FileSourceBench bench(directory);
    bench.start();
    EXPECT_TRUE(bench.lists.empty());
    EXPECT_FALSE(bench.source->status().from_disk_copy);
    directory.write("list.json", json_list({"a"}));
    ASSERT_TRUE(bench.run_until_lists(1));
    ASSERT_TRUE(bench.run_until([&] { return read_last_good(bench.keep).last_good.has_value(); }));
  }
}

TEST(FileSource, ACopyThatCannotBeKeptDisturbsNobody) {
  const base::TemporaryDirectory directory;
  directory.write("file", "");
  directory.write("list.json", json_list({"a"}));
  FileSourceTimes times = FileSourceBench::quick();
  times.reread = std::chrono::milliseconds{50};
  FileSourceBench bench(directory, "list.json", times);
  bench.keep = directory / "file" / "pool.json";
  bench.start();
  ASSERT_TRUE(bench.run_until_checked());
  directory.replace("list.json", json_list({"a", "b"}));
  ASSERT_TRUE(bench.run_until_lists(2));
  EXPECT_EQ(bench.source->status().error, "");
  EXPECT_EQ(bench.source->status().alarm, Alarm::none);
  std::filesystem::remove(directory / "file");  // there is room again
  ASSERT_TRUE(bench.run_until_kept());
  EXPECT_EQ(read_last_good(bench.keep).last_good->list.servers.size(), 2U);
}

}  // namespace
}  // namespace holdfast::discovery
