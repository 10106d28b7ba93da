// Slots of servers: opened, given back, and used again.
#include "gateway/server_slots.h"

#include <gtest/gtest.h>

#include <set>
#include <vector>

namespace holdfast::gateway {
namespace {

base::Time long_ago() { return base::Clock::now() - ServerSlots::kRest; }

TEST(ServerSlots, EveryServerHasOneOfItsOwn) {
  ServerSlots slots;
  std::set<std::uint16_t> opened;
  for (int i = 0; i < 1000; ++i) opened.insert(*slots.open("p", "s" + std::to_string(i), 2));
  EXPECT_EQ(opened.size(), 1000U);
  EXPECT_EQ(slots[*opened.begin()].sources.count(), 2U);
  for (const std::uint16_t slot : opened) EXPECT_EQ(slots[slot].pool, "p");
}

TEST(ServerSlots, OneThatWasClosedRestsBeforeItIsUsedAgain) {
  ServerSlots slots;
  const std::uint16_t first = *slots.open("p", "a", 1);
  slots.close(first, base::Clock::now());
  EXPECT_NE(*slots.open("p", "b", 1), first);
  const std::uint16_t second = *slots.open("p", "c", 1);
  slots.close(second, long_ago());
  EXPECT_NE(*slots.open("p", "d", 1), second) << "the one that was closed first still rests";
}

TEST(ServerSlots, OneThatIsUsedAgainRemembersNothing) {
  ServerSlots slots;
  const std::uint16_t slot = *slots.open("p", "a", 1);
  ServerSlot& server = slots[slot];
  server.connections_total = server.connect_failures_total = server.early_closes_total = 7;
  server.ports_short_total = server.failures_in_a_row = 7;
  server.sources[0].ports = 7;
  server.sources[0].unusable = true;
  server.load.aside.set(base::Clock::now() + std::chrono::minutes(1));
  const auto rate = policy::AcceptRate::per_second(1.0 / 3600, 1);
  EXPECT_TRUE(server.load.accepts.try_take(base::Clock::now(), rate));
  EXPECT_TRUE(server.closes.try_take(base::Clock::now(), rate));
  slots.close(slot, long_ago());

  ASSERT_EQ(*slots.open("q", "b", 3), slot);
  EXPECT_EQ(server.pool, "q");
  EXPECT_EQ(server.server, "b");
  EXPECT_EQ(server.connections_total + server.connect_failures_total + server.early_closes_total, 0U);
  EXPECT_EQ(server.ports_short_total + server.failures_in_a_row, 0U);
  EXPECT_EQ(server.sources.count(), 3U);
  EXPECT_EQ(server.sources[0].ports, 0U);
  EXPECT_FALSE(server.sources[0].unusable);
  EXPECT_FALSE(server.load.aside.holds(base::Clock::now()));
  EXPECT_TRUE(server.load.accepts.would_take(base::Clock::now(), rate)) << "its predecessor had used its rate up";
  EXPECT_TRUE(server.closes.would_take(base::Clock::now(), rate));
}

TEST(SourceLoads, GrowWithoutMoving) {
  SourceLoads loads;
  std::vector<SourceLoad*> at;
  std::set<SourceLoad*> different;
  for (std::size_t count = 1; count <= SourceLoads::kMax; ++count) {
    loads.grow(count);
    at.push_back(&loads[static_cast<std::uint8_t>(count - 1)]);
    at.back()->ports = static_cast<std::uint32_t>(count);
    different.insert(at.back());
  }
  EXPECT_EQ(different.size(), SourceLoads::kMax);
  for (std::size_t i = 0; i < at.size(); ++i) {
    ASSERT_EQ(&loads[static_cast<std::uint8_t>(i)], at[i]);
    ASSERT_EQ(at[i]->ports, i + 1) << "none lies over another";
  }
  loads.reset(3);
  EXPECT_EQ(loads.count(), 3U);
  EXPECT_EQ(loads[2].ports, 0U);
}

TEST(ServerSlots, OneThatGotALateConnectionIsNotUsedAgainWhileItLasts) {
  ServerSlots slots;
  const std::uint16_t slot = *slots.open("p", "a", 1);
  slots[slot].load.connections = 1;
  slots.close(slot, long_ago());
  EXPECT_NE(*slots.open("p", "b", 1), slot);
}

TEST(ServerSlots, AllInUseIsSaid) {
  ServerSlots slots;
  for (int i = 0; i < kNoServer; ++i) ASSERT_TRUE(slots.open("p", "s", 1));
  EXPECT_FALSE(slots.open("p", "one more", 1));
  slots.close(77, long_ago());
  EXPECT_EQ(slots.open("p", "one more", 1), 77);
}

}  // namespace
}  // namespace holdfast::gateway
