// What the trees of the broker's core cost: matching by the number of subscriptions and their kind, changing, scanning.
// Topics are drawn from many, so that a match finds its part of the tree out of the processor's caches as often as it
// would.
//
//   build/broker_trees_bench --benchmark_repetitions=9 --benchmark_report_aggregates_only=true
#include <benchmark/benchmark.h>

#include <string>
#include <vector>

#include "base/random.h"
#include "broker/core/message.h"
#include "broker/core/retained_tree.h"
#include "broker/core/route_table.h"
#include "broker/core/share_groups.h"
#include "broker/core/topic_tree.h"

namespace holdfast::broker {
namespace {

constexpr HashKey kKey{0x0123456789abcdef, 0xfedcba9876543210};
constexpr std::uint32_t kRegions = 1'000;

enum class Kind { exact, one_shape, many_shapes };

struct Place {
  std::uint32_t region;
  std::uint32_t device;
};
Place place(std::uint32_t i) { return {static_cast<std::uint32_t>(base::mix(i) % kRegions), i}; }

std::string topic(const Place& at) {
  return "fleet/" + std::to_string(at.region) + "/device/" + std::to_string(at.device) + "/state";
}

std::string filter(Kind kind, std::uint32_t i) {
  const Place at = place(i);
  const std::string region = std::to_string(at.region);
  const std::string device = std::to_string(at.device);
  if (kind == Kind::exact) return topic(at);
  if (kind == Kind::one_shape) return "fleet/" + region + "/+/" + device + "/state";
  switch (i % 8) {
    case 0: return "fleet/" + region + "/device/" + device + "/#";
    case 1: return "fleet/" + region + "/device/" + device + "/+";
    case 2: return "fleet/" + region + "/+/" + device + "/state";
    case 3: return "fleet/" + region + "/+/" + device + "/#";
    case 4: return "fleet/+/device/" + device + "/state";
    case 5: return "fleet/+/+/" + device + "/#";
    case 6: return "+/" + region + "/device/" + device + "/state";
    default: return "+/+/device/" + device + "/+";
  }
}

std::vector<std::string> topics(std::uint32_t count) {
  base::Random random(1);
  std::vector<std::string> all;
  for (int i = 0; i < 65'536; ++i) all.push_back(topic(place(random.below(count))));
  return all;
}

void match(benchmark::State& state, Kind kind) {
  const auto count = static_cast<std::uint32_t>(state.range(0));
  TopicTree tree(kKey);
  std::size_t text = 0;
  for (std::uint32_t i = 0; i < count; ++i) {
    const std::string each = filter(kind, i);
    tree.add(each, i, {});
    text += each.size();
  }
  const std::vector<std::string> names = topics(count);
  std::size_t next = 0;
  std::size_t found = 0;
  for (auto step : state) tree.match(names[next++ % names.size()], [&](const Subscription&) { ++found; });
  state.counters["found"] = static_cast<double>(found) / static_cast<double>(state.iterations());
  state.counters["bytes"] = static_cast<double>(tree.memory_bytes() - text) / count;
  state.counters["text"] = static_cast<double>(text) / count;
}
BENCHMARK_CAPTURE(match, exact, Kind::exact)->Arg(100)->Arg(100'000)->Arg(1'000'000);
BENCHMARK_CAPTURE(match, one_shape, Kind::one_shape)->Arg(100)->Arg(100'000)->Arg(1'000'000);
BENCHMARK_CAPTURE(match, many_shapes, Kind::many_shapes)->Arg(100)->Arg(100'000)->Arg(1'000'000);

void match_fan_out(benchmark::State& state) {
  TopicTree tree(kKey);
  for (std::uint32_t i = 0; i < static_cast<std::uint32_t>(state.range(0)); ++i) tree.add("news/today", i, {});
  std::uint64_t sum = 0;
  for (auto step : state) tree.match("news/today", [&](const Subscription& each) { sum += each.subscriber; });
  benchmark::DoNotOptimize(sum);
}
BENCHMARK(match_fan_out)->Arg(1)->Arg(500)->Arg(100'000);

void subscribe_and_leave(benchmark::State& state, Kind kind) {
  const auto count = static_cast<std::uint32_t>(state.range(0));
  TopicTree tree(kKey);
  std::vector<std::string> filters;
  for (std::uint32_t i = 0; i < count; ++i) tree.add(filters.emplace_back(filter(kind, i)), i, {});
  base::Random random(1);
  for (auto step : state) {
    const std::uint32_t i = random.below(count);
    tree.remove(filters[i], i);
    tree.add(filters[i], i, {});
  }
}
BENCHMARK_CAPTURE(subscribe_and_leave, exact, Kind::exact)->Arg(100'000);
BENCHMARK_CAPTURE(subscribe_and_leave, many_shapes, Kind::many_shapes)->Arg(100'000);

void leave_a_crowd(benchmark::State& state) {
  const auto count = static_cast<std::uint32_t>(state.range(0));
  TopicTree tree(kKey);
  for (std::uint32_t i = 0; i < count; ++i) tree.add("news/today", i, {});
  base::Random random(1);
  for (auto step : state) {
    const std::uint32_t i = random.below(count);
    tree.remove("news/today", i);
    tree.add("news/today", i, {});
  }
}
BENCHMARK(leave_a_crowd)->Arg(10)->Arg(100'000);

void match_routes(benchmark::State& state, Kind kind) {
  const auto count = static_cast<std::uint32_t>(state.range(0));
  RouteTable table(kKey);
  for (std::uint32_t i = 0; i < count; ++i) table.add(filter(kind, i), i % 16);
  const std::vector<std::string> names = topics(count);
  std::size_t next = 0;
  for (auto step : state) benchmark::DoNotOptimize(table.match(names[next++ % names.size()]));
  state.counters["bytes"] = static_cast<double>(table.memory_bytes()) / count;
}
BENCHMARK_CAPTURE(match_routes, exact, Kind::exact)->Arg(100)->Arg(100'000)->Arg(1'000'000);
BENCHMARK_CAPTURE(match_routes, many_shapes, Kind::many_shapes)->Arg(100)->Arg(100'000)->Arg(1'000'000);

class Retained {
 public:
  explicit Retained(std::uint32_t count) : count_(count), tree_(kKey) {
    for (std::uint32_t i = 0; i < count; ++i) put(i);
  }
  void put(std::uint32_t i) {
    const std::byte payload[16]{};
    tree_.put(Message::make({.id = {}, .retain = true, .topic = topic(place(i)), .payload = payload}), {++clock_, 0},
              {});
  }
  RetainedTree& tree() { return tree_; }
  [[nodiscard]] double memory() const { return static_cast<double>(tree_.memory_bytes()) / count_; }

 private:
  std::uint32_t count_;
  RetainedTree tree_;
  std::uint64_t clock_ = 0;
};

void retain(benchmark::State& state) {
  const auto count = static_cast<std::uint32_t>(state.range(0));
  Retained retained(count);
  base::Random random(1);
  for (auto step : state) retained.put(random.below(count));
  state.counters["bytes"] = retained.memory();
}
BENCHMARK(retain)->Arg(100'000)->Arg(1'000'000);

void look_up(benchmark::State& state) {
  const auto count = static_cast<std::uint32_t>(state.range(0));
  Retained retained(count);
  const std::vector<std::string> names = topics(count);
  std::size_t next = 0;
  for (auto step : state) benchmark::DoNotOptimize(retained.tree().find(names[next++ % names.size()], {}));
}
BENCHMARK(look_up)->Arg(100'000)->Arg(1'000'000);

// All of one region, or one in each, in steps of 64.
void scan(benchmark::State& state, const char* filter) {
  Retained retained(static_cast<std::uint32_t>(state.range(0)));
  std::size_t found = 0;
  std::size_t steps = 0;
  for (auto step : state) {
    for (RetainedTree::Cursor at; !at.is_done;) {
      steps += retained.tree().scan(filter, at, 64, {}, [&](const MessageRef&) { ++found; });
    }
  }
  const auto runs = static_cast<double>(state.iterations());
  state.counters["found"] = static_cast<double>(found) / runs;
  state.counters["steps"] = static_cast<double>(steps) / runs;
}
BENCHMARK_CAPTURE(scan, region, "fleet/77/#")->Arg(100'000)->Arg(1'000'000)->Unit(benchmark::kMicrosecond);
BENCHMARK_CAPTURE(scan, states, "fleet/77/device/+/state")->Arg(1'000'000)->Unit(benchmark::kMicrosecond);
BENCHMARK_CAPTURE(scan, device, "fleet/+/device/4711/state")->Arg(1'000'000)->Unit(benchmark::kMicrosecond);

void pick(benchmark::State& state, ShareStrategy strategy) {
  ShareGroups groups({.key = kKey, .strategy = strategy, .self = 0, .seed = 1});
  ShareGroups::Group group = 0;
  for (std::uint32_t i = 0; i < static_cast<std::uint32_t>(state.range(0)); ++i) {
    group = groups.join("g", "a/#", {.subscription = {i, {}}, .key = i}).group;
  }
  for (ShareGroups::Worker worker = 1; worker < 4; ++worker) {
    groups.tell("g", "a/#", worker, {.online = static_cast<std::uint32_t>(state.range(0))});
  }
  ShareGroups::Draw draw;
  for (auto step : state) {
    draw.client_hash = base::mix(draw.client_hash + 1);
    benchmark::DoNotOptimize(groups.pick(group, draw));
  }
}
BENCHMARK_CAPTURE(pick, round_robin, ShareStrategy::round_robin)->Arg(4)->Arg(500);
BENCHMARK_CAPTURE(pick, random, ShareStrategy::random)->Arg(4)->Arg(500);
BENCHMARK_CAPTURE(pick, sticky, ShareStrategy::sticky)->Arg(4)->Arg(500);
BENCHMARK_CAPTURE(pick, hash_client, ShareStrategy::hash_client)->Arg(4)->Arg(500);
BENCHMARK_CAPTURE(pick, least_inflight, ShareStrategy::least_inflight)->Arg(4)->Arg(500);

}  // namespace
}  // namespace holdfast::broker

BENCHMARK_MAIN();
