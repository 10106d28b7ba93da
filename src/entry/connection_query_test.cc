#include "entry/connection_query.h"

#include <gtest/gtest.h>

namespace holdfast::entry {
namespace {

using Ids = std::vector<std::uint64_t>;

ConnectionInfo info(std::uint64_t id, double age = 0, std::uint64_t bytes = 0) {
  ConnectionInfo made;
  made.id = id;
  made.age_seconds = age;
  made.idle_seconds = age;
  made.bytes_from_client = bytes;
  return made;
}

Ids ids(const ConnectionPage& page) {
  Ids found;
  for (const ConnectionInfo& each : page.connections) found.push_back(each.id);
  return found;
}

ConnectionQuery query(ConnectionSort sort, std::uint32_t limit) {
  ConnectionQuery made;
  made.sort = sort;
  made.limit = limit;
  return made;
}

ConnectionPage page(std::vector<ConnectionInfo> connections, std::optional<std::uint64_t> next = {}) {
  ConnectionPage made;
  made.matched = connections.size() + (next ? 1 : 0);
  made.connections = std::move(connections);
  made.next = next;
  return made;
}

TEST(MergedPages, AreInTheOrderOfTheQuery) {
  const auto merge = [](ConnectionSort sort) {
    return ids(merged(page({info(9, 30, 5), info(1, 10, 1)}), page({info(4, 20, 7), info(7, 10, 1)}), query(sort, 9)));
  };
  EXPECT_EQ(merge(ConnectionSort::age), (Ids{9, 4, 1, 7}));
  EXPECT_EQ(merge(ConnectionSort::idle), (Ids{9, 4, 1, 7}));
  const auto by_bytes = merged(page({info(9, 0, 5), info(1, 0, 1)}), page({info(4, 0, 7), info(7, 0, 1)}),
                               query(ConnectionSort::bytes, 3));
  EXPECT_EQ(ids(by_bytes), (Ids{4, 9, 1}));
  EXPECT_FALSE(by_bytes.next) << "there is one page of this order";
  EXPECT_EQ(by_bytes.matched, 4U);
}

TEST(MergedPages, ById) {
  const ConnectionQuery by_id = query(ConnectionSort::id, 3);
  const ConnectionPage whole = merged(page({info(1), info(5)}), page({info(3)}), by_id);
  EXPECT_EQ(ids(whole), (Ids{1, 3, 5}));
  EXPECT_FALSE(whole.next);
  const ConnectionPage cut = merged(page({info(1), info(5)}), page({info(3), info(9)}), by_id);
  EXPECT_EQ(ids(cut), (Ids{1, 3, 5}));
  EXPECT_EQ(cut.next, 5U);
  const ConnectionPage more = merged(page({info(1), info(2), info(3)}, 3), page({}), by_id);
  EXPECT_EQ(more.next, 3U);
  EXPECT_EQ(more.matched, 4U);
}

TEST(MergedPages, AreBusyWhenOneIs) {
  ConnectionPage busy;
  busy.busy = true;
  EXPECT_TRUE(merged(busy, page({info(1)}), query(ConnectionSort::id, 3)).busy);
  EXPECT_TRUE(merged(page({info(1)}), busy, query(ConnectionSort::id, 3)).busy);
}

}  // namespace
}  // namespace holdfast::entry
