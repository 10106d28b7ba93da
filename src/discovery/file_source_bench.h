// discovery/file_source_bench.h: for tests: a FileSource at work, on a runtime that runs until something can be seen.
//
// Thread: the test's, which is the control thread while it waits.
#pragma once

#include <gtest/gtest.h>

#include <boost/asio/io_context.hpp>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "base/temporary_directory.h"
#include "control/ticker.h"
#include "discovery/file_source.h"

namespace holdfast::discovery {

// {"servers": [...]} with these names, in this order; each has an address of its own.
inline std::string json_list(const std::vector<std::string>& names, std::uint32_t weight = 100) {
  std::string text;
  for (const std::string& name : names) {
    text += (text.empty() ? "" : ",\n") + std::string(R"({"name": ")") + name + R"(", "address": ")" + name +
            R"(.local:1883", "weight": )" + std::to_string(weight) + "}";
  }
  return "{\"servers\": [" + text + "]}";
}

// s0 to s(count - 1).
inline std::vector<std::string> names(int count) {
  std::vector<std::string> all;
  for (int i = 0; i < count; ++i) all.push_back("s" + std::to_string(i));
  return all;
}

class FileSourceBench {
 public:
  using Clock = std::chrono::steady_clock;
  using Alarm = SourceStatus::Alarm;
  static constexpr std::chrono::seconds kPatience{
      30};  // far beyond what anything takes; only a failing test waits it out

  // Less patient than users get, but for what the test is about.
  static FileSourceTimes quick() {
    FileSourceTimes times;
    times.poll = std::chrono::milliseconds{20};
    times.settle = std::chrono::milliseconds{20};
    times.shrink_step = std::chrono::milliseconds{20};
    return times;
  }

  explicit FileSourceBench(const base::TemporaryDirectory& directory, std::string file = "list.json",
                           FileSourceTimes with_times = quick())
      : keep(directory / "data" / "pool.json"), times(with_times) {
    settings.path = (directory / file).native();
  }

  void start() {
    source.emplace(
        runtime, "pool", settings, keep, [this](const Endpoints& list) { lists.push_back(list); }, times);
    source->start();
  }

  void follow(FileSource::Copy copy) {
    source.emplace(
        runtime, "pool", settings, keep, [this](const Endpoints& list) { lists.push_back(list); }, times);
    source->follow(copy);
  }

  // Runs until `done`; every millisecond `meanwhile` is called, if any.
  [[nodiscard]] bool run_until(const std::function<bool()>& done, const std::function<void()>& meanwhile = nullptr) {
    const auto deadline = Clock::now() + kPatience;
    bool was_done = false;
    const control::Ticker look(runtime, std::chrono::milliseconds{1}, [&] {
      if (meanwhile) meanwhile();
      was_done = done();
      if (was_done || Clock::now() > deadline) runtime.stop();
    });
    runtime.context().restart();
    runtime.run();
    return was_done;
  }
  // Until so many lists were handed out.
  [[nodiscard]] bool run_until_lists(std::size_t count) {
    return run_until([&] { return lists.size() >= count; });
  }
  [[nodiscard]] bool run_until_alarm(Alarm alarm) {
    return run_until([&] { return source->status().alarm == alarm; });
  }
  // Long enough that whatever is there now has been looked at, read and taken.
  [[nodiscard]] bool run_until_checked() {
    const auto begin = std::chrono::system_clock::now();
    return run_until([&] { return source->status().checked_at > begin + times.poll + 2 * times.settle; });
  }
  [[nodiscard]] bool run_until_kept() {
    return run_until([&] { return std::filesystem::exists(keep); });
  }

  [[nodiscard]] std::vector<std::string> in_use() const {
    std::vector<std::string> all;
    if (lists.empty()) return all;
    for (const config::Server& server : lists.back().servers) all.push_back(server.name);
    return all;
  }

  control::Runtime runtime;
  config::Discovery settings;
  std::filesystem::path keep;
  FileSourceTimes times;
  std::vector<Endpoints> lists;  // what was handed out
  std::optional<FileSource> source;
};

}  // namespace holdfast::discovery
