#include "gateway/chooser.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace holdfast::gateway {
namespace {

using namespace std::chrono_literals;
using Answer = Choice::Answer;

constexpr base::Time kNow{std::chrono::hours(1)};

// What a server is like: "up", "down" (no weight), "full", "aside", "rate" (no token left), "tried".
struct Fleet {
  explicit Fleet(const std::vector<std::string>& servers, const std::vector<std::string>& backups = {}) {
    pool->load = &load;
    pool->policy = policy::Kind::first;
    for (const auto& each : servers) add(0, each);
    for (const auto& each : backups) add(1, each);
  }
  void add(std::size_t tier, const std::string& state) {
    const auto index = static_cast<std::uint32_t>(pool->servers.size());
    const std::uint16_t slot = *slots.open("p", std::to_string(index), 1);
    pool->servers.emplace_back().slot = slot;
    policy::Server server;
    server.weight = state == "down" ? 0 : 100;
    server.max_connections = 5;
    server.load = &slots[slot].load;
    if (state == "full") slots[slot].load.connections = 5;
    if (state == "aside") slots[slot].load.aside.set(kNow + 1s);
    if (state == "rate") {
      server.accept_rate = policy::AcceptRate::per_second(1, 1);
      EXPECT_TRUE(slots[slot].load.accepts.try_take(kNow, server.accept_rate));
    }
    if (state == "tried") tried.push_back(slot);
    pool->tiers[tier].members.push_back(index);
    pool->tiers[tier].servers.push_back(server);
  }
  [[nodiscard]] Choice choose() {
    Pools pools;
    pools.pools.push_back(pool);
    Chooser chooser(pools, 0);
    return chooser.choose(0, 0, kNow, tried);
  }

  ServerSlots slots;
  PoolLoad load{1};
  std::shared_ptr<Pool> pool = std::make_shared<Pool>();
  std::vector<std::uint16_t> tried;
};

TEST(Chooser, FollowsTheOrderOfItsHeader) {
  struct Case {
    const char* name;
    std::vector<std::string> servers, backups;
    Answer answer;
    std::uint32_t index = 0;
  };
  const Case cases[] = {
      {"the first that is good", {"down", "full", "aside", "rate", "up", "up"}, {"up"}, Answer::server, 4},
      {"full is waited for, not passed over", {"down", "full"}, {"up"}, Answer::full},
      {"so is a rate", {"rate"}, {"up"}, Answer::full},
      {"full is waited for rather than an unlikely one", {"aside", "full"}, {"up"}, Answer::full},
      {"no other is up", {"down", "down"}, {"up"}, Answer::server, 2},
      {"no other is likely", {"down", "aside"}, {"up"}, Answer::server, 2},
      {"every other has failed it", {"tried", "tried"}, {"up"}, Answer::server, 2},
      {"backups are waited for too", {"down"}, {"full"}, Answer::full},
      {"an unlikely server rather than none", {"down", "aside"}, {"down"}, Answer::server, 1},
      {"an unlikely server before an unlikely backup", {"aside"}, {"aside"}, Answer::server, 0},
      {"an unlikely backup rather than none", {"tried"}, {"aside"}, Answer::server, 1},
      {"all have failed it", {"tried", "down"}, {"tried"}, Answer::tried},
      {"none", {"down", "down"}, {"down"}, Answer::down},
      {"no server at all", {}, {}, Answer::down},
      {"only backups", {}, {"up"}, Answer::server, 0},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.name);
    const Choice choice = Fleet(c.servers, c.backups).choose();
    EXPECT_EQ(choice.answer, c.answer);
    if (c.answer == Answer::server) {
      EXPECT_EQ(choice.index, c.index);
    }
  }
}

TEST(Chooser, AServerThatIsAsideAndFullIsFull) {
  Fleet fleet({"full"});
  fleet.slots[0].load.aside.set(kNow + 1s);
  EXPECT_EQ(fleet.choose().answer, Answer::full);
}

TEST(Chooser, ForgottenTriesCountForNothing) {
  Fleet fleet({"up", "tried"});
  fleet.tried = {kNoServer, kNoServer, fleet.pool->servers[0].slot};
  EXPECT_EQ(fleet.choose().index, 1U);
  fleet.tried = {kNoServer};
  EXPECT_EQ(fleet.choose().index, 0U);
}

TEST(Chooser, APoolThatIsNoMoreHasNobody) {
  Fleet fleet({"up"});
  Pools pools;
  pools.pools.push_back(fleet.pool);
  Chooser chooser(pools, 0);
  EXPECT_EQ(chooser.choose(0, 0, kNow, {}).answer, Answer::server);
  EXPECT_EQ(chooser.choose(1, 0, kNow, {}).answer, Answer::down);
  pools.pools[0] = nullptr;
  chooser.changed(pools);
  EXPECT_EQ(chooser.choose(0, 0, kNow, {}).answer, Answer::down);
  pools.pools[0] = fleet.pool;
  chooser.changed(pools);
  EXPECT_EQ(chooser.choose(0, 0, kNow, {}).answer, Answer::server);
}

}  // namespace
}  // namespace holdfast::gateway
