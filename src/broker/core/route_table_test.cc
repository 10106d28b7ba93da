#include "broker/core/route_table.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "broker/core/route_table_exercise.h"

namespace holdfast::broker {
namespace {

constexpr HashKey kKey{1, 2};

TEST(RouteTable, SaysWhatItsModelSays) {
  exercise_at_random([](Choices& choices) { RouteTableExercise(choices).run(); }, 3, 300);
}

//= MQTT5 [MQTT-4.7.2-1] type=test
//= MQTT311 [MQTT-4.7.2-1] type=test
TEST(RouteTable, NamesTheWorkersOfATopic) {
  RouteTable table(kKey);
  table.add("a/b", 0);
  table.add("a/+", 1);
  table.add("a/#", 2);
  table.add("#", 63);
  table.add("$SYS/#", 4);
  table.add("a/b", 5);
  EXPECT_EQ(table.match("a/b"), 1U << 0 | 1U << 1 | 1U << 2 | 1U << 5 | RouteTable::Mask{1} << 63);
  EXPECT_EQ(table.match("a"), 1U << 2 | RouteTable::Mask{1} << 63);
  EXPECT_EQ(table.match("$SYS/b"), 1U << 4);
  table.remove("a/b", 0);
  EXPECT_EQ(table.match("a/b"), 1U << 1 | 1U << 2 | 1U << 5 | RouteTable::Mask{1} << 63);
  EXPECT_EQ(table.fingerprints(), 5U);
  EXPECT_EQ(table.shapes(), 4U);
}

std::string shaped(std::size_t i) {
  std::string filter = "a";
  for (std::size_t bit = 0; bit < 7; ++bit) filter += (i >> bit & 1) != 0 ? "/+" : "/a";
  return filter;
}

TEST(RouteTable, MoreShapesThanItKeepsWantTooMuchAndNeverTooLittle) {
  RouteTable table(kKey);
  for (std::size_t i = 0; i < 100; ++i) table.add(shaped(i), static_cast<RouteTable::Worker>(i % 60));
  EXPECT_EQ(table.shapes(), RouteTable::kShapesMax);
  EXPECT_EQ(table.wide(), 100 - RouteTable::kShapesMax);
  EXPECT_EQ(table.match("a/a/a/a/a/a/a/a"), (RouteTable::Mask{1} << 60) - 1);
  EXPECT_NE(table.match("x/a/a/a/a/a/a/a"), 0U) << "taken for something that a wide filter wants";
  EXPECT_EQ(table.match("a/a/a/a/a/a/a"), 0U) << "of other levels it is known better";
  EXPECT_EQ(table.match("a/a/a/a/a/a/a/a/a"), 0U);
  for (std::size_t i = 0; i < 100; ++i) table.remove(shaped(i), static_cast<RouteTable::Worker>(i % 60));
  EXPECT_EQ(table.wide(), 0U);
  EXPECT_EQ(table.shapes(), 0U);
  EXPECT_EQ(table.match("a/a/a/a/a/a/a/a"), 0U);
}

TEST(RouteTable, WideFiltersKnowTheServersOwnTopics) {
  RouteTable table(kKey);
  for (std::size_t i = 0; i < RouteTable::kShapesMax; ++i) table.add(shaped(i), 0);
  table.add("+/x/+", 1);
  table.add("+/x/#", 2);
  table.add("$SYS/+/x", 3);
  table.add("#", 4);
  EXPECT_EQ(table.wide(), 4U);
  EXPECT_EQ(table.match("$SYS/b/x"), 1U << 3);
  EXPECT_EQ(table.match("a/b/x"), 1U << 1 | 1U << 2 | 1U << 3 | 1U << 4);
  EXPECT_EQ(table.match("a/b"), 1U << 2 | 1U << 4);
  EXPECT_EQ(table.match("a"), 1U << 4);
  EXPECT_EQ(table.match("a/b/c/d"), 1U << 2 | 1U << 4);
}

TEST(RouteTable, MemoryIsAsTheHeaderSays) {
  RouteTable table(kKey);
  constexpr std::uint32_t kCount = 70'000;
  for (std::uint32_t i = 0; i < kCount; ++i) table.add("device/" + std::to_string(i) + "/+", i % 64);
  EXPECT_GE(table.memory_bytes() / kCount, 21U);
  EXPECT_LE(table.memory_bytes() / kCount, 43U);
}

}  // namespace
}  // namespace holdfast::broker
