#include "config/schema.h"

#include <gtest/gtest.h>

#include <set>

namespace holdfast::config {
namespace {

// Calls `look` with every key of the schema and its path.
template <typename Look>
void for_each_key(const TableShape& table, const std::string& path, const Look& look) {
  for (const KeyShape& key : table.keys) {
    look(key, join(path, key.name));
    if (key.shape.table != nullptr) for_each_key(*key.shape.table, join(path, key.name), look);
  }
}

TEST(Schema, DescribesEveryKeyOnceAndInWholeSentences) {
  std::set<std::string> paths;
  for_each_key(*schema().shape.table, "", [&](const KeyShape& key, const std::string& path) {
    SCOPED_TRACE(path);
    EXPECT_TRUE(paths.insert(path).second);
    EXPECT_EQ(key.name.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789_"), std::string::npos);
    EXPECT_TRUE(key.effect.ends_with('.'));
    EXPECT_FALSE(key.shape.wanted.empty());
    EXPECT_FALSE(key.reload.words().empty());
    EXPECT_EQ(key.shape.table != nullptr, key.shape.form != Shape::Form::value);
  });
  EXPECT_GT(paths.size(), 25);
}

TEST(Schema, AcceptsItsOwnDefaults) {
  const Value nothing{Members{{"broker", {}, {Members{}}}}};
  Faults faults;
  (void)schema().read(nothing, Reading(faults));
  EXPECT_TRUE(faults.empty());
}

TEST(Schema, ShowsHeadingsAsTheyAreWritten) {
  EXPECT_EQ(heading("", Shape::Form::table), "the file");
  EXPECT_EQ(heading("node", Shape::Form::table), "[node]");
  EXPECT_EQ(heading(join("pool", "server"), Shape::Form::tables), "[[pool.server]]");
}

}  // namespace
}  // namespace holdfast::config
