// The numbers of source addresses over changes of the list.
#include "gateway/source_indexes.h"

#include <gtest/gtest.h>

#include <set>

namespace holdfast::gateway {
namespace {

base::Endpoint address(int number) { return *base::parse_endpoint("127.1.0." + std::to_string(number) + ":0"); }

std::vector<base::Endpoint> addresses(const std::vector<int>& numbers) {
  std::vector<base::Endpoint> all;
  for (const int number : numbers) all.push_back(address(number));
  return all;
}

std::vector<int> indexes(const SourceIndexes& sources) {
  std::vector<int> all;
  for (const auto& source : sources.wanted()) all.push_back(source.index);
  return all;
}

bool never(std::uint8_t) { return false; }
bool always(std::uint8_t) { return true; }

TEST(SourceIndexes, AnAddressKeepsItsNumber) {
  struct Row {
    const char* name;
    std::vector<int> wanted;
    std::set<int> in_use;
    std::vector<int> indexes;
    std::vector<std::uint8_t> changed;
  };
  const Row rows[] = {
      {"the kernel chooses", {}, {}, {0}, {0}},
      {"it still has connections", {1, 2}, {0}, {1, 2}, {1, 2}},
      {"another order", {2, 1}, {0}, {2, 1}, {}},
      {"one goes, with ports in use, one comes", {3, 1}, {0, 2}, {3, 1}, {3}},
      {"the one that went is back", {3, 2, 1}, {0, 2}, {3, 2, 1}, {}},
      {"nobody uses the kernel's choice any more", {4, 3, 2, 1}, {2}, {0, 3, 2, 1}, {0}},
      {"and it comes back", {}, {0, 1}, {2}, {2}},
  };
  SourceIndexes sources;
  for (const Row& row : rows) {
    SCOPED_TRACE(row.name);
    const auto changed = sources.set(addresses(row.wanted), [&](std::uint8_t i) { return row.in_use.contains(i); });
    EXPECT_EQ(indexes(sources), row.indexes);
    EXPECT_EQ(changed, row.changed);
    EXPECT_EQ(sources.waiting(), 0U);
    for (std::size_t i = 0; i < row.wanted.size(); ++i) EXPECT_EQ(sources.wanted()[i].address, address(row.wanted[i]));
  }
}

TEST(SourceIndexes, WhenAllNumbersAreInUseNewAddressesWait) {
  SourceIndexes sources;
  std::vector<int> old;
  for (int i = 0; i < 128; ++i) old.push_back(i);
  (void)sources.set(addresses(old), never);
  EXPECT_EQ(sources.waiting(), 0U);
  (void)sources.set(addresses({200, 5, 201}), always);
  EXPECT_EQ(indexes(sources), (std::vector<int>{5}));
  EXPECT_EQ(sources.waiting(), 2U);
  (void)sources.set(addresses({200, 5, 201}), [](std::uint8_t index) { return index != 77; });
  EXPECT_EQ(indexes(sources), (std::vector<int>{77, 5}));
  (void)sources.set(addresses({200, 5, 201}), never);
  EXPECT_EQ(sources.waiting(), 0U);
  EXPECT_EQ(sources.count(), SourceLoads::kMax);
}

}  // namespace
}  // namespace holdfast::gateway
