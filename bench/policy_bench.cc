// What a choice costs, by policy and number of servers. The loads lie apart in memory and in random order, as those of
// a gateway do after a while, and each choice is counted, so that the next one sees other loads.
//
//   build/policy_bench --benchmark_repetitions=9 --benchmark_report_aggregates_only=true
#include <benchmark/benchmark.h>

#include <algorithm>
#include <memory>
#include <vector>

#include "base/hash.h"
#include "base/random.h"
#include "policy/maglev.h"
#include "policy/policy.h"

namespace holdfast::policy {
namespace {

enum class Weights { equal, mixed };

class Pool {
 public:
  Pool(std::size_t count, Weights weights, double load_bound) : load_bound_(load_bound) {
    base::Random random(1);
    std::vector<MaglevTable::Entry> entries;
    for (std::size_t i = 0; i < count; ++i) slots_.push_back(std::make_unique<Slot>());
    for (std::size_t i = count; i > 1; --i)
      std::swap(slots_[i - 1], slots_[random.below(static_cast<std::uint32_t>(i))]);
    for (const auto& slot : slots_) {
      const std::uint32_t weight = weights == Weights::equal ? 100 : 1 + random.below(1'000);
      slot->load.connections = 10 * weight + random.below(weight);
      total_ += slot->load.connections;
      servers_.push_back({.weight = weight, .max_connections = 1'000'000'000, .load = &slot->load});
      entries.push_back({random.next(), weight});
    }
    table_ = MaglevTable::build(entries);
  }

  [[nodiscard]] View view() const {
    return {.servers = servers_, .table = table_.get(), .connections = &total_, .load_bound = load_bound_};
  }
  // One thread: without the price of an atomic addition, which is the connection's and not the choice's.
  void connect(std::uint32_t index) {
    const auto add = [](std::atomic<std::uint32_t>& count) {
      count.store(count.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
    };
    add(servers_[index].load->connections);
    add(total_);
  }
  void set_some_aside(base::Time until) {
    for (std::size_t i = 0; i < servers_.size(); i += 16) servers_[i].load->aside.set(until);
  }

 private:
  struct Slot {  // names and counters of a server lie beside its load
    ServerLoad load;
    std::byte others[192];
  };

  std::vector<std::unique_ptr<Slot>> slots_;
  std::vector<Server> servers_;
  std::shared_ptr<const MaglevTable> table_;
  std::atomic<std::uint32_t> total_{0};
  double load_bound_;
};

void choose(benchmark::State& state, Kind kind, Pool& pool) {
  const auto policy = make_policy(kind, 0);
  const View view = pool.view();
  policy->changed(view);
  std::uint64_t key = 0;
  for (auto step : state) {
    const auto chosen = policy->choose(view, {.key = base::mix(++key), .now = base::Time(std::chrono::hours(1))});
    if (chosen) pool.connect(*chosen);
  }
}

void equal(benchmark::State& state, Kind kind) {
  Pool pool(static_cast<std::size_t>(state.range(0)), Weights::equal, 0);
  choose(state, kind, pool);
}
void mixed(benchmark::State& state, Kind kind) {
  Pool pool(static_cast<std::size_t>(state.range(0)), Weights::mixed, 0);
  choose(state, kind, pool);
}
void one_of_16_aside(benchmark::State& state, Kind kind) {
  Pool pool(static_cast<std::size_t>(state.range(0)), Weights::equal, 0);
  pool.set_some_aside(base::Time(std::chrono::hours(1) + std::chrono::seconds(1)));
  choose(state, kind, pool);
}
void bounded(benchmark::State& state) {
  Pool pool(static_cast<std::size_t>(state.range(0)), Weights::equal, 1.25);
  choose(state, Kind::hash, pool);
}

#define POLICY(kind)                                                                 \
  BENCHMARK_CAPTURE(equal, kind, Kind::kind)->Arg(3)->Arg(16)->Arg(256)->Arg(1'000); \
  BENCHMARK_CAPTURE(mixed, kind, Kind::kind)->Arg(3)->Arg(16)->Arg(256)->Arg(1'000); \
  BENCHMARK_CAPTURE(one_of_16_aside, kind, Kind::kind)->Arg(16)->Arg(256)->Arg(1'000)
POLICY(round_robin);
POLICY(least_connections);
POLICY(random);
POLICY(random_two);
POLICY(first);
POLICY(hash);
BENCHMARK(bounded)->Arg(3)->Arg(16)->Arg(256)->Arg(1'000);

void changed(benchmark::State& state, Kind kind) {
  Pool pool(static_cast<std::size_t>(state.range(0)), Weights::mixed, 0);
  const auto policy = make_policy(kind, 0);
  for (auto step : state) policy->changed(pool.view());
}
BENCHMARK_CAPTURE(changed, round_robin, Kind::round_robin)->Arg(1'000)->Arg(65'534)->Unit(benchmark::kMicrosecond);
BENCHMARK_CAPTURE(changed, random_two, Kind::random_two)->Arg(1'000)->Arg(65'534)->Unit(benchmark::kMicrosecond);
BENCHMARK_CAPTURE(changed, hash, Kind::hash)->Arg(1'000)->Arg(65'534)->Unit(benchmark::kMicrosecond);

void build_table(benchmark::State& state) {
  std::vector<MaglevTable::Entry> entries;
  for (std::int64_t i = 0; i < state.range(0); ++i) entries.push_back({base::mix(static_cast<std::uint64_t>(i)), 100});
  for (auto step : state) benchmark::DoNotOptimize(MaglevTable::build(entries));
}
BENCHMARK(build_table)->Arg(10)->Arg(1'000)->Arg(65'534)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace holdfast::policy

BENCHMARK_MAIN();
