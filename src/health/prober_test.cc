#include "health/prober.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <map>
#include <memory>
#include <numeric>
#include <set>

#include "control/ticker.h"
#include "health/test_server.h"

namespace holdfast::health {
namespace {

using config::HealthType;
using std::chrono::milliseconds;
using Clock = std::chrono::steady_clock;

constexpr milliseconds kNever{3'600'000};

std::shared_ptr<config::Health> shared(config::Health settings) {
  return std::make_shared<config::Health>(std::move(settings));
}

// Stops the runtime once `reached` holds; it is looked at every millisecond.
class Until {
 public:
  Until(control::Runtime& runtime, std::function<bool()> reached)
      : ticker_(runtime, milliseconds{1}, [&runtime, reached = std::move(reached)] {
          if (reached()) runtime.stop();
        }) {}

 private:
  control::Ticker ticker_;
};

TEST(Prober, SeesAServerThatFlaps) {
  int lines = 0;
  const ScriptedServer server([&](Conversation& c) { c.send(++lines % 2 == 1 ? "up\n" : "down\n"); });
  control::Runtime runtime;
  std::vector<bool> seen;
  Prober prober(runtime, shared(settings_of(HealthType::agent)), [&](std::uint32_t target, const Outcome& outcome) {
    EXPECT_EQ(target, 7U);
    seen.push_back(outcome.passed);
    if (seen.size() == 6) runtime.stop();
    return milliseconds{1};
  });
  prober.watch(7, {server.endpoint(), ""}, milliseconds{0});
  runtime.run();
  EXPECT_EQ(seen, (std::vector{true, false, true, false, true, false}));
  EXPECT_EQ(prober.probes_total(), 6U);
  EXPECT_EQ(prober.failures_total(), 3U);
  const auto& buckets = prober.durations().buckets;
  EXPECT_EQ(std::accumulate(buckets.begin(), buckets.end(), std::uint64_t{0}), 6U);
  EXPECT_GT(prober.durations().seconds_sum, 0);
}

TEST(Prober, IntervalsCountFromTheBeginningOfAProbe) {
  const Port silent;  // each probe takes as long as it may
  control::Runtime runtime;
  config::Health settings = settings_of(HealthType::agent);
  settings.timeout = milliseconds{200};
  std::vector<Clock::time_point> begun;
  Prober prober(runtime, shared(settings), [&](std::uint32_t, const Outcome& outcome) {
    begun.push_back(Clock::now() - outcome.took);
    if (begun.size() == 6) runtime.stop();
    return milliseconds{begun.size() == 2 ? 10 : 300};
  });
  prober.watch(0, {silent.endpoint(), ""}, milliseconds{5});
  runtime.run();
  EXPECT_GE(begun[2] - begun[1], milliseconds{200});  // never two at once
  std::vector<Clock::duration> intervals;
  for (const std::size_t i : {1U, 3U, 4U, 5U}) intervals.push_back(begun[i] - begun[i - 1]);
  const auto shortest = std::ranges::min(intervals);
  EXPECT_GE(shortest, milliseconds{299});
  EXPECT_LT(shortest, milliseconds{500});  // from the end it were that; a machine that stands still makes some longer
}

TEST(Prober, AThousandTargetsAreSpreadEvenly) {
  constexpr std::uint32_t kTargets = 1'000;
  constexpr milliseconds kInterval{1'600};
  const Port refusing(Port::State::refusing);
  control::Runtime runtime;
  const auto begin = Clock::now();
  std::map<std::int64_t, int> slots;  // of 16 ms
  std::uint32_t results = 0;
  Prober prober(runtime, shared(settings_of(HealthType::tcp)), [&](std::uint32_t, const Outcome& outcome) {
    ++slots[(Clock::now() - outcome.took - begin) / milliseconds{16}];
    if (++results == kTargets) runtime.stop();
    return kNever;
  });
  for (std::uint32_t i = 0; i < kTargets; ++i) prober.watch(i, {refusing.endpoint(), ""}, spread(i, kInterval));
  EXPECT_EQ(prober.targets(), kTargets);
  runtime.run();
  EXPECT_EQ(prober.failures_total(), kTargets);
  const int most = std::ranges::max_element(slots, {}, [](const auto& slot) { return slot.second; })->second;
  EXPECT_LE(most, 50);  // 10 in the mean; a busy machine may be 50 ms late
}

TEST(Prober, WhatALateControlThreadMissedDoesNotBunchUp) {
  constexpr std::uint32_t kTargets = 1'000;
  constexpr milliseconds kInterval{1'000};
  const Port refusing(Port::State::refusing);
  control::Runtime runtime;
  std::vector<Clock::time_point> begun;
  Prober prober(runtime, shared(settings_of(HealthType::tcp)), [&](std::uint32_t, const Outcome& outcome) {
    begun.push_back(Clock::now() - outcome.took);
    while (begun.size() == 1 && Clock::now() < begun.front() + milliseconds{600}) {  // busy
    }
    if (begun.size() == kTargets) runtime.stop();
    return kNever;
  });
  for (std::uint32_t i = 0; i < kTargets; ++i) prober.watch(i, {refusing.endpoint(), ""}, spread(i, kInterval));
  runtime.run();
  std::ranges::sort(begun);
  for (std::size_t first = 0, last = 0; last < begun.size(); ++last) {
    while (begun[last] - begun[first] > milliseconds{16}) ++first;
    ASSERT_LE(last - first, 150U);  // 16 in the mean; 600 would have been due
  }
  EXPECT_GE(begun.back() - begun.front(), milliseconds{1'300});
}

TEST(Prober, ProbesUnderWayAreBoundedAndTheRestWaitsInLine) {
  constexpr std::uint32_t kTargets = 700;
  const Port silent;
  config::Health settings = settings_of(HealthType::agent);
  settings.timeout = milliseconds{50};
  control::Runtime runtime;
  std::size_t most_in_flight = 0;
  std::size_t most_waiting = 0;
  std::set<std::uint32_t> reported;
  std::optional<Prober> prober;
  prober.emplace(runtime, shared(settings), [&](std::uint32_t target, const Outcome&) {
    most_in_flight = std::max(most_in_flight, prober->in_flight());
    most_waiting = std::max(most_waiting, prober->waiting());
    reported.insert(target);
    return kNever;
  });
  for (std::uint32_t i = 0; i < kTargets; ++i) prober->watch(i, {silent.endpoint(), ""}, milliseconds{0});
  for (std::uint32_t i = 690; i < kTargets; ++i) prober->forget(i);
  const Until until(runtime, [&] { return reported.size() == 690 && prober->in_flight() == 0; });
  runtime.run();
  EXPECT_EQ(most_in_flight, Prober::kInFlightMax);
  EXPECT_GE(most_waiting, 690 - 2 * Prober::kInFlightMax);
  EXPECT_EQ(prober->waiting(), 0U);
}

// A server that holds its clients, says on the control thread when one comes, and counts those that have gone.
struct Holder {
  Holder(control::Runtime& runtime, std::function<void()> on_client)
      : server([this, &runtime, on_client = std::move(on_client)](Conversation& c) {
          runtime.post(on_client);
          (void)c.read_all();
          ++gone;
        }) {}
  std::atomic<int> gone{0};
  ScriptedServer server;
};

TEST(Prober, ForgetEndsTheProbeUnderWay) {
  control::Runtime runtime;
  std::optional<Prober> prober;
  const Holder holder(runtime, [&] {
    EXPECT_EQ(prober->in_flight(), 1U);
    prober->forget(3);
    prober->forget(3);
    EXPECT_EQ(prober->targets(), 0U);
  });
  prober.emplace(runtime, shared(settings_of(HealthType::http)), [](std::uint32_t, const Outcome&) {
    ADD_FAILURE() << "it was forgotten";
    return kNever;
  });
  prober->watch(3, {holder.server.endpoint(), ""}, milliseconds{0});
  const Until until(runtime, [&] { return holder.gone == 1 && prober->in_flight() == 0; });
  runtime.run();
  EXPECT_EQ(prober->probes_total(), 0U);
}

TEST(Prober, ANumberMayBeUsedAgainAtOnce) {
  control::Runtime runtime;
  const ScriptedServer server([](Conversation& c) { c.send("up\n"); });
  std::optional<Prober> prober;
  const Holder holder(runtime, [&] {
    prober->forget(3);
    prober->watch(3, {server.endpoint(), ""}, milliseconds{0});
  });
  prober.emplace(runtime, shared(settings_of(HealthType::agent)), [&](std::uint32_t, const Outcome& outcome) {
    EXPECT_EQ(outcome.reason, "agent says up");
    return kNever;
  });
  prober->watch(3, {holder.server.endpoint(), ""}, milliseconds{0});
  const Until until(runtime, [&] { return prober->probes_total() == 1 && prober->in_flight() == 0; });
  runtime.run();
}

TEST(Prober, DestroyingItEndsEverything) {
  control::Runtime runtime;
  std::optional<Prober> prober;
  std::vector<std::unique_ptr<Holder>> holders;
  int clients = 0;
  for (int i = 0; i < 4; ++i) {
    holders.push_back(std::make_unique<Holder>(runtime, [&] {
      if (++clients == 4) prober.reset();
    }));
  }
  prober.emplace(runtime, shared(settings_of(HealthType::agent)), [](std::uint32_t, const Outcome&) {
    ADD_FAILURE() << "it was destroyed";
    return kNever;
  });
  for (std::uint32_t i = 0; i < 4; ++i) prober->watch(i, {holders[i]->server.endpoint(), ""}, milliseconds{0});
  prober->watch(4, {holders[0]->server.endpoint(), ""}, kNever);
  const Until until(runtime, [&] { return std::ranges::all_of(holders, [](const auto& h) { return h->gone == 1; }); });
  runtime.run();
  EXPECT_FALSE(prober.has_value());
}

TEST(Prober, MayOutliveTheRunOfItsRuntime) {
  control::Runtime runtime;
  const Port silent;
  Prober prober(runtime, shared(settings_of(HealthType::agent)), [](std::uint32_t, const Outcome&) { return kNever; });
  for (std::uint32_t i = 0; i < 600; ++i) prober.watch(i, {silent.endpoint(), ""}, milliseconds{0});
  const Until until(runtime, [&] { return prober.in_flight() == Prober::kInFlightMax; });
  runtime.run();
  EXPECT_GT(prober.waiting(), 0U);
}

TEST(Prober, CallbacksMayForgetAndDestroy) {
  control::Runtime runtime;
  const Port server;
  std::optional<Prober> prober;
  int results = 0;
  prober.emplace(runtime, shared(settings_of(HealthType::tcp)), [&](std::uint32_t target, const Outcome&) {
    if (++results == 1) {
      prober->forget(target);
      prober->watch(target, {server.endpoint(), ""}, milliseconds{1});
    } else {
      prober.reset();
    }
    return milliseconds{1};
  });
  prober->watch(1, {server.endpoint(), ""}, milliseconds{0});
  const Until until(runtime, [&] { return !prober.has_value(); });
  runtime.run();
  EXPECT_EQ(results, 2);
}

TEST(Prober, AChangedAddressIsAskedFromTheNextProbeOn) {
  const ScriptedServer before([](Conversation& c) { c.send("up # before\n"); });
  const ScriptedServer after([](Conversation& c) { c.send("up # after\n"); });
  control::Runtime runtime;
  std::vector<std::string> reasons;
  std::optional<Prober> prober;
  prober.emplace(runtime, shared(settings_of(HealthType::agent)), [&](std::uint32_t target, const Outcome& outcome) {
    reasons.push_back(outcome.agent->reason);
    if (reasons.size() == 2) prober->change(target, {after.endpoint(), ""});
    if (reasons.size() == 4) runtime.stop();
    return milliseconds{1};
  });
  prober->watch(1, {before.endpoint(), ""}, milliseconds{0});
  prober->change(2, {before.endpoint(), ""});  // not watched
  runtime.run();
  EXPECT_EQ(reasons, (std::vector<std::string>{"before", "before", "after", "after"}));
}

TEST(Prober, AsksTheAgentBesideTheCheckAtTimesOfItsOwn) {
  const Port server;
  const ScriptedServer agent([](Conversation& c) { c.send("50%\n"); });
  config::Health settings = settings_of(HealthType::tcp);
  settings.agent_port = agent.endpoint().port;
  settings.interval = milliseconds{10};
  settings.jitter = 0.5;
  control::Runtime runtime;
  int checks = 0;
  int agents = 0;
  Prober prober(
      runtime, shared(settings),
      [&](std::uint32_t, const Outcome& outcome) {
        EXPECT_EQ(outcome.reason, "connected");
        ++checks;
        return kNever;
      },
      [&](std::uint32_t target, const Outcome& outcome) {
        EXPECT_EQ(target, 1U);
        EXPECT_EQ(outcome.agent->weight_percent, 50U);
        if (++agents == 5) runtime.stop();
      });
  prober.watch(1, {server.endpoint(), ""}, milliseconds{0});
  runtime.run();
  EXPECT_EQ(checks, 1);
  EXPECT_EQ(prober.probes_total(), 1U);
}

TEST(Spread, AnyRunOfNumbersLiesEvenly) {
  for (const std::uint32_t first : {0U, 1U, 17U, 1'000'000U, ~0U - 50}) {
    for (const std::uint32_t count : {1U, 2U, 3U, 10U, 100U, 1'000U}) {
      std::vector<milliseconds> times;
      for (std::uint32_t i = 0; i < count; ++i) times.push_back(spread(first + i, milliseconds{100'000}));
      std::ranges::sort(times);
      const milliseconds mean = milliseconds{100'000} / count;
      EXPECT_GE(times.front().count(), 0);
      EXPECT_LT(times.back(), milliseconds{100'000});
      for (std::size_t i = 1; i < times.size(); ++i) EXPECT_LE(times[i] - times[i - 1], 2 * mean + milliseconds{1});
    }
  }
}

TEST(Spread, JitterKeepsToItsShare) {
  base::Random random(1);
  milliseconds least = milliseconds::max();
  milliseconds most = milliseconds::min();
  for (int i = 0; i < 10'000; ++i) {
    const milliseconds time = jittered(milliseconds{1'000}, 0.1, random);
    least = std::min(least, time);
    most = std::max(most, time);
  }
  EXPECT_GE(least, milliseconds{900});
  EXPECT_LT(least, milliseconds{905});
  EXPECT_LE(most, milliseconds{1'100});
  EXPECT_GT(most, milliseconds{1'095});
  EXPECT_EQ(jittered(milliseconds{1'000}, 0, random), milliseconds{1'000});
}

TEST(Prober, OtherSettingsActWithoutWaitingForTheOldInterval) {
  const Port refusing(Port::State::refusing);
  const Port listening;
  control::Runtime runtime;
  config::Health settings = settings_of(HealthType::tcp);
  settings.interval = kNever;
  std::vector<bool> passed;
  Prober prober(runtime, shared(settings), [&](std::uint32_t, const Outcome& outcome) {
    passed.push_back(outcome.passed);
    runtime.stop();
    return kNever;
  });
  prober.watch(0, {refusing.endpoint(), ""}, milliseconds{0});
  runtime.run();
  settings.interval = milliseconds{50};
  settings.port = listening.endpoint().port;
  prober.set_settings(shared(settings));
  runtime.context().restart();
  runtime.run();
  EXPECT_EQ(passed, (std::vector{false, true}));
  EXPECT_EQ(prober.probes_total(), 2U) << "what was counted stays";
}

TEST(Prober, TheAgentBesideTheCheckComesAndGoesWithItsPort) {
  const ScriptedServer agent([](Conversation& c) { c.send("50%\n"); });
  const Port listening;
  control::Runtime runtime;
  config::Health settings = settings_of(HealthType::tcp);
  settings.interval = milliseconds{20};
  int checks = 0;
  int answers = 0;
  Prober prober(
      runtime, shared(settings),
      [&](std::uint32_t, const Outcome&) {
        ++checks;
        return milliseconds{20};
      },
      [&](std::uint32_t, const Outcome&) { ++answers; });
  const auto run_until = [&](const std::function<bool()>& reached) {
    const Until until(runtime, reached);
    runtime.context().restart();
    runtime.run();
  };
  prober.watch(0, {listening.endpoint(), ""}, milliseconds{0});
  run_until([&] { return checks >= 3; });
  EXPECT_EQ(answers, 0);
  settings.agent_port = agent.endpoint().port;
  prober.set_settings(shared(settings));
  run_until([&] { return answers >= 2; });
  settings.agent_port = 0;
  prober.set_settings(shared(settings));
  const int before = answers;
  checks = 0;
  run_until([&] { return checks >= 5; });
  EXPECT_EQ(answers, before);
}

}  // namespace
}  // namespace holdfast::health
