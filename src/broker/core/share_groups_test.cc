#include "broker/core/share_groups.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <set>
#include <vector>

#include "base/hash.h"
#include "broker/core/share_groups_exercise.h"

namespace holdfast::broker {
namespace {

using Kind = ShareGroups::Pick::Kind;

constexpr HashKey kKey{1, 2};
constexpr ShareStrategy kStrategies[] = {ShareStrategy::round_robin, ShareStrategy::random,
                                         ShareStrategy::sticky,      ShareStrategy::hash_client,
                                         ShareStrategy::hash_topic,  ShareStrategy::least_inflight};

TEST(ShareGroups, SayWhatTheirModelSays) {
  exercise_at_random([](Choices& choices) { ShareGroupsExercise(choices).run(); }, 4, 300);
}

// Several workers with one group, as they tell each other of it.
class Workers {
 public:
  Workers(ShareStrategy strategy, const std::vector<std::uint32_t>& members) {
    std::uint32_t subscriber = 0;
    for (std::uint32_t worker = 0; worker < members.size(); ++worker) {
      all_.push_back(std::make_unique<ShareGroups>(
          ShareGroups::Settings{.key = kKey, .strategy = strategy, .self = worker, .seed = worker}));
      for (std::uint32_t i = 0; i < members[worker]; ++i) join(worker, subscriber++);
    }
    tell();
  }
  void join(std::uint32_t worker, std::uint32_t subscriber, Presence presence = Presence::online) {
    all_[worker]->join("g", "a/#",
                       {.subscription = {subscriber, {}}, .key = base::mix(subscriber + 1), .presence = presence});
  }
  void tell() {
    for (std::uint32_t from = 0; from < all_.size(); ++from) {
      const auto group = all_[from]->find("g", "a/#");
      const ShareGroups::Counts counts = group ? all_[from]->counts_here(*group) : ShareGroups::Counts{};
      for (std::uint32_t to = 0; to < all_.size(); ++to) {
        if (to != from) all_[to]->tell("g", "a/#", from, counts);
      }
    }
  }
  // Who gets it at last, as when `worker` has the publisher.
  std::uint32_t deliver(std::uint32_t worker, const ShareGroups::Draw& draw = {}) {
    ShareGroups::Pick pick = all_[worker]->pick(group(worker), draw);
    if (pick.kind == Kind::worker) pick = all_[pick.worker]->pick_here(group(pick.worker), draw);
    EXPECT_EQ(pick.kind, Kind::member);
    return pick.subscription.subscriber;
  }
  [[nodiscard]] ShareGroups::Group group(std::uint32_t worker) const { return *all_[worker]->find("g", "a/#"); }
  ShareGroups& operator[](std::uint32_t worker) { return *all_[worker]; }

 private:
  std::vector<std::unique_ptr<ShareGroups>> all_;
};

TEST(ShareGroups, RoundRobinIsEvenOverWorkers) {
  Workers workers(ShareStrategy::round_robin, {3, 1, 5, 0});
  for (std::uint32_t from = 0; from < 4; ++from) {
    std::map<std::uint32_t, int> got;
    for (int i = 0; i < 9 * 100; ++i) ++got[workers.deliver(from)];
    ASSERT_EQ(got.size(), 9U);
    for (const auto& [subscriber, count] : got) EXPECT_EQ(count, 100) << subscriber << " from " << from;
  }
}

TEST(ShareGroups, LeastInFlightIsEvenOverWorkersThatAreAllIdle) {
  Workers workers(ShareStrategy::least_inflight, {3, 1, 5, 0});
  std::map<std::uint32_t, int> got;
  for (int i = 0; i < 9 * 1'000; ++i) {
    ++got[workers.deliver(0)];
    if (i % 9 == 8) workers.tell();
  }
  ASSERT_EQ(got.size(), 9U);
  for (const auto& [subscriber, count] : got) EXPECT_NEAR(count, 1'000, 350) << subscriber;
}

TEST(ShareGroups, LeastInFlightTakesWhoHasLeast) {
  Workers workers(ShareStrategy::least_inflight, {3});
  workers[0].set_in_flight(0, 0, 5);
  workers[0].set_in_flight(0, 1, 2);
  workers[0].set_in_flight(0, 2, 3);
  for (int i = 0; i < 3; ++i) EXPECT_EQ(workers.deliver(0), 1U);
  const std::uint32_t tried[] = {1};
  EXPECT_EQ(workers.deliver(0, {.tried = {.members = tried}}), 2U);
  workers[0].set_in_flight(0, 2, 1);
  EXPECT_EQ(workers.deliver(0), 2U);
}

TEST(ShareGroups, LeastInFlightPassesOverABusyWorker) {
  Workers workers(ShareStrategy::least_inflight, {1, 1});
  workers[1].set_in_flight(workers.group(1), 1, 100);
  workers.tell();
  for (int i = 0; i < 10; ++i) EXPECT_EQ(workers.deliver(0), 0U);
  workers[0].set_in_flight(workers.group(0), 0, 200);
  for (int i = 0; i < 10; ++i) EXPECT_EQ(workers.deliver(0), 1U);
}

TEST(ShareGroups, RandomReachesEverybodyAboutAsOften) {
  Workers workers(ShareStrategy::random, {3, 1, 4});
  std::map<std::uint32_t, int> got;
  for (int i = 0; i < 8'000; ++i) ++got[workers.deliver(2)];
  ASSERT_EQ(got.size(), 8U);
  for (const auto& [subscriber, count] : got) EXPECT_NEAR(count, 1'000, 150) << subscriber;
}

TEST(ShareGroups, StickyStaysUntilItsMemberGoes) {
  Workers workers(ShareStrategy::sticky, {4, 4});
  const std::uint32_t first = workers.deliver(0);
  for (int i = 0; i < 100; ++i) EXPECT_EQ(workers.deliver(0), first);
  const std::uint32_t at = first < 4 ? 0 : 1;
  workers[at].set_presence(workers.group(at), first, Presence::offline);
  workers.tell();
  const std::uint32_t second = workers.deliver(0);
  EXPECT_NE(second, first);
  for (int i = 0; i < 100; ++i) EXPECT_EQ(workers.deliver(0), second);
}

TEST(ShareGroups, HashesAgreeOnAllWorkersAndFewKeysMove) {
  for (const ShareStrategy strategy : {ShareStrategy::hash_client, ShareStrategy::hash_topic}) {
    Workers workers(strategy, {3, 1, 4});
    const auto draw = [&](std::uint64_t key) {
      const std::uint64_t hash = base::mix(key);
      return strategy == ShareStrategy::hash_client
                 ? ShareGroups::Draw{.client_hash = hash, .topic_hash = key, .tried = {}}
                 : ShareGroups::Draw{.client_hash = key, .topic_hash = hash, .tried = {}};
    };
    constexpr std::uint64_t kKeys = 8'000;
    std::map<std::uint32_t, int> got;
    std::vector<std::uint32_t> before;
    for (std::uint64_t key = 0; key < kKeys; ++key) {
      before.push_back(workers.deliver(0, draw(key)));
      ++got[before.back()];
      ASSERT_EQ(workers.deliver(1, draw(key)), before.back());
      ASSERT_EQ(workers.deliver(2, draw(key)), before.back());
    }
    for (const auto& [subscriber, count] : got) EXPECT_NEAR(count, 1'000, 150) << subscriber;

    workers.join(1, 100);
    workers.tell();
    int moved = 0;
    for (std::uint64_t key = 0; key < kKeys; ++key) moved += workers.deliver(0, draw(key)) != before[key] ? 1 : 0;
    // A ninth of all has to; between the members of the worker that grew half of its share moves too.
    EXPECT_LT(moved, static_cast<int>(kKeys) / 4);
    EXPECT_GT(moved, static_cast<int>(kKeys) / 12);
  }
}

TEST(ShareGroups, WhoIsOfflineIsPassedOverWhileAnybodyIsOnline) {
  for (const ShareStrategy strategy : kStrategies) {
    SCOPED_TRACE(static_cast<int>(strategy));
    Workers workers(strategy, {3, 3});
    for (const std::uint32_t subscriber : {0U, 1U, 2U})
      workers[0].set_presence(workers.group(0), subscriber, Presence::offline);
    for (const std::uint32_t subscriber : {3U, 4U})
      workers[1].set_presence(workers.group(1), subscriber, Presence::offline);
    workers.tell();
    for (std::uint64_t i = 0; i < 50; ++i) {
      const ShareGroups::Draw draw{.client_hash = base::mix(i), .topic_hash = base::mix(i), .tried = {}};
      EXPECT_EQ(workers.deliver(0, draw), 5U);
      EXPECT_EQ(workers.deliver(1, draw), 5U);
    }
    workers[1].set_presence(workers.group(1), 5, Presence::offline);
    workers.tell();
    std::set<std::uint32_t> got;
    for (std::uint64_t i = 0; i < 200; ++i)
      got.insert(workers.deliver(0, {.client_hash = base::mix(i), .topic_hash = base::mix(i), .tried = {}}));
    EXPECT_EQ(got.size(), strategy == ShareStrategy::sticky ? 1U : 6U) << "all are offline: any of them keeps it";
    workers[0].set_presence(workers.group(0), 1, Presence::online);
    workers.tell();
    EXPECT_EQ(workers.deliver(0), 1U);
    EXPECT_EQ(workers.deliver(1), 1U);
  }
}

TEST(ShareGroups, WhoWasTriedIsNotPickedAgain) {
  for (const ShareStrategy strategy : kStrategies) {
    SCOPED_TRACE(static_cast<int>(strategy));
    Workers workers(strategy, {3, 2});
    workers.join(0, 50, Presence::offline);
    std::vector<std::uint32_t> tried;
    for (int i = 0; i < 3; ++i) {
      const auto pick = workers[0].pick_here(workers.group(0), {.tried = {.members = tried}});
      ASSERT_EQ(pick.kind, Kind::member);
      EXPECT_TRUE(std::ranges::find(tried, pick.subscription.subscriber) == tried.end());
      EXPECT_LT(pick.subscription.subscriber, 3U) << "those online come first";
      tried.push_back(pick.subscription.subscriber);
    }
    const auto elsewhere = workers[0].pick(workers.group(0), {.tried = {.members = tried}});
    EXPECT_EQ(elsewhere.kind, Kind::worker);
    EXPECT_EQ(elsewhere.worker, 1U);
    const auto offline = workers[0].pick(workers.group(0), {.tried = {.members = tried, .workers = 1U << 1}});
    EXPECT_EQ(offline.kind, Kind::member);
    EXPECT_EQ(offline.subscription.subscriber, 50U) << "better kept than lost";
    tried.push_back(50);
    EXPECT_EQ(workers[0].pick(workers.group(0), {.tried = {.members = tried, .workers = 1U << 1}}).kind, Kind::nobody);
  }
}

TEST(ShareGroups, WhoHasLeftIsNeverPicked) {
  for (const ShareStrategy strategy : kStrategies) {
    Workers workers(strategy, {3});
    EXPECT_EQ(workers[0].leave(0, 1), ShareGroups::Left::left);
    EXPECT_EQ(workers[0].leave(0, 1), ShareGroups::Left::not_there);
    for (std::uint64_t i = 0; i < 100; ++i) {
      EXPECT_NE(workers.deliver(0, {.client_hash = base::mix(i), .topic_hash = base::mix(i), .tried = {}}), 1U);
    }
    EXPECT_EQ(workers[0].leave(0, 0), ShareGroups::Left::left);
    EXPECT_EQ(workers[0].leave(0, 2), ShareGroups::Left::gone);
    EXPECT_EQ(workers[0].size(), 0U);
    EXPECT_EQ(workers[0].members(), 0U);
  }
}

TEST(ShareGroups, AGroupIsANameAndAFilter) {
  ShareGroups groups({.key = kKey});
  const auto first = groups.join("g", "a", {.subscription = {1, {}}});
  const auto second = groups.join("g", "b", {.subscription = {1, {}}});
  const auto third = groups.join("h", "a", {.subscription = {1, {}}});
  EXPECT_TRUE(first.is_new && second.is_new && third.is_new);
  EXPECT_EQ((std::set{first.group, second.group, third.group}).size(), 3U);
  EXPECT_EQ(groups.find("g", "b"), second.group);
  EXPECT_FALSE(groups.find("h", "b"));
  EXPECT_EQ(groups.name(third.group), "h");
  EXPECT_EQ(groups.filter(third.group), "a");
  const auto again = groups.join("g", "a", {.subscription = {1, {.qos = Qos::exactly_once}}});
  EXPECT_FALSE(again.is_new || again.is_new_member);
  EXPECT_EQ(groups.pick(first.group, {}).subscription.options.qos, Qos::exactly_once);
}

TEST(ShareGroups, AGroupLivesWhileAnybodyAnywhereIsInIt) {
  ShareGroups groups({.key = kKey});
  EXPECT_FALSE(groups.tell("g", "a", 3, {}).group) << "nobody's group is not made";
  const auto told = groups.tell("g", "a", 3, {.online = 1});
  EXPECT_TRUE(told.is_new);
  EXPECT_FALSE(groups.join("g", "a", {.subscription = {1, {}}}).is_new);
  EXPECT_EQ(groups.leave(*told.group, 1), ShareGroups::Left::left);
  EXPECT_EQ(groups.pick(*told.group, {}).worker, 3U);
  EXPECT_TRUE(groups.tell("g", "a", 3, {}).is_gone);
  EXPECT_EQ(groups.size(), 0U);
}

TEST(ShareGroups, MemoryIsAsTheHeaderSays) {
  ShareGroups groups({.key = kKey});
  constexpr std::uint32_t kCount = 100'000;
  for (std::uint32_t i = 0; i < kCount; ++i) groups.join("g", "a", {.subscription = {i, {}}});
  EXPECT_LE(groups.memory_bytes() / kCount, 54U);
  ShareGroups many({.key = kKey});
  for (std::uint32_t i = 0; i < 10'000; ++i) many.join("g" + std::to_string(i), "a/b", {.subscription = {i, {}}});
  EXPECT_LE(many.memory_bytes() / 10'000, 260U);
}

}  // namespace
}  // namespace holdfast::broker
