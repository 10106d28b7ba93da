#include "broker/core/retained_tree.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "broker/core/retained_tree_exercise.h"
#include "broker/core/retained_walk.h"

namespace holdfast::broker {
namespace {

using Put = RetainedTree::Put;
using std::chrono::seconds;

constexpr HashKey kKey{1, 2};
const base::Time kNow{std::chrono::hours(1)};

MessageRef message(std::string_view topic, std::string_view payload, base::Time expires = Message::kNever) {
  return Message::make(
      {.id = {}, .retain = true, .expires = expires, .topic = topic, .payload = std::as_bytes(std::span(payload))});
}

std::string payload_of(const MessageRef& message) {
  if (!message) return "nothing";
  return {reinterpret_cast<const char*>(message->payload().data()), message->payload().size()};
}

std::vector<std::string> all_of(RetainedTree& tree, std::string_view filter, base::Time now = kNow) {
  std::vector<std::string> found;
  for (RetainedTree::Cursor at; !at.is_done;) {
    tree.scan(filter, at, 1, now, [&](const MessageRef& each) { found.emplace_back(each->topic()); });
  }
  return found;
}

TEST(RetainedTree, SaysWhatItsModelSays) {
  exercise_at_random([](Choices& choices) { RetainedTreeExercise(choices).run(); }, 2, 100);
}

//= MQTT5 [MQTT-3.3.1-5] type=test
//= MQTT5 [MQTT-3.3.1-6] type=test
//= MQTT5 [MQTT-3.3.1-7] type=test
//= MQTT311 [MQTT-3.3.1-5] type=test
//= MQTT311 [MQTT-3.3.1-10] type=test
//= MQTT311 [MQTT-3.3.1-11] type=test
TEST(RetainedTree, KeepsTheLastAndAnEmptyOneRemovesIt) {
  RetainedTree tree(kKey);
  EXPECT_EQ(tree.put(message("a", "1"), {1}, kNow), Put::stored);
  EXPECT_EQ(tree.put(message("a", "2"), {2}, kNow), Put::replaced);
  EXPECT_EQ(payload_of(tree.find("a", kNow)), "2");
  EXPECT_EQ(tree.put(message("a", ""), {3}, kNow), Put::removed);
  EXPECT_EQ(payload_of(tree.find("a", kNow)), "nothing");
  EXPECT_EQ(tree.put(message("a", ""), {4}, kNow), Put::nothing);
  EXPECT_EQ(tree.size(), 0U);
  EXPECT_EQ(tree.bytes(), 0U);
  EXPECT_EQ(tree.put(message("a", "5"), {5}, kNow), Put::stored);
  EXPECT_EQ(payload_of(tree.find("a", kNow)), "5");
}

struct VersionCase {
  const char* name;
  Version first, second;
  Put put;
};
const VersionCase kVersions[] = {
    {"newer", {5, 1}, {6, 0}, Put::replaced},
    {"older", {5, 1}, {4, 9}, Put::older},
    {"the same again", {5, 1}, {5, 1}, Put::older},
    {"of a higher node at the same time", {5, 1}, {5, 2}, Put::replaced},
    {"of a lower node at the same time", {5, 1}, {5, 0}, Put::older},
};
TEST(RetainedTree, TheNewestVersionWinsWhicheverComesFirst) {
  for (const VersionCase& c : kVersions) {
    SCOPED_TRACE(c.name);
    RetainedTree tree(kKey);
    tree.put(message("a", "first"), c.first, kNow);
    EXPECT_EQ(tree.put(message("a", "second"), c.second, kNow), c.put);
    EXPECT_EQ(payload_of(tree.find("a", kNow)), c.put == Put::older ? "first" : "second");

    RetainedTree other(kKey);
    other.put(message("a", "second"), c.second, kNow);
    other.put(message("a", "first"), c.first, kNow);
    EXPECT_EQ(payload_of(other.find("a", kNow)), c.first > c.second ? "first" : "second");
  }
}

TEST(RetainedTree, AnOldWriteDoesNotBringBackWhatWasRemovedForAWhile) {
  RetainedTree tree(kKey, {.removed_kept = seconds(30)});
  tree.put(message("a", "1"), {1}, kNow);
  tree.put(message("a", ""), {5}, kNow);
  EXPECT_EQ(tree.removed(), 1U);
  EXPECT_EQ(tree.put(message("a", "4"), {4}, kNow + seconds(29)), Put::older);
  EXPECT_EQ(tree.put(message("b", ""), {5}, kNow + seconds(29)), Put::nothing) << "never there, and still removed";
  EXPECT_EQ(tree.put(message("b", "4"), {4}, kNow + seconds(29)), Put::older);
  tree.expire(1'000, kNow + seconds(30));
  EXPECT_EQ(tree.removed(), 1U);
  EXPECT_EQ(tree.put(message("a", "4"), {4}, kNow + seconds(30)), Put::stored) << "forgotten by now";
}

TEST(RetainedTree, WhatIsKeptOfRemovedTopicsIsBounded) {
  RetainedTree tree(kKey, {.removed_max = 10});
  for (int i = 0; i < 100; ++i) tree.put(message("a/" + std::to_string(i), ""), {1}, kNow);
  EXPECT_EQ(tree.removed(), 10U);
  EXPECT_EQ(tree.put(message("a/99", "x"), {1}, kNow), Put::older);
  EXPECT_EQ(tree.put(message("a/89", "x"), {1}, kNow), Put::stored) << "the oldest are forgotten first";

  RetainedTree without(kKey, {.removed_max = 0});
  without.put(message("a", "1"), {5}, kNow);
  EXPECT_EQ(without.put(message("a", ""), {6}, kNow), Put::removed);
  EXPECT_EQ(without.removed(), 0U);

  RetainedTree small(kKey, {.bytes_max = 1'000});
  for (int i = 0; i < 100; ++i) small.put(message("a/" + std::to_string(i) + std::string(200, 'x'), ""), {1}, kNow);
  EXPECT_LE(small.removed(), 4U) << "their names count";
}

TEST(RetainedTree, ATopicThatComesAndGoesIsKeptOnce) {
  RetainedTree tree(kKey, {.removed_max = 10});
  std::uint64_t clock = 0;
  for (int i = 0; i < 1'000; ++i) {
    tree.put(message("a", "x"), {++clock}, kNow);
    tree.put(message("a", ""), {++clock}, kNow);
  }
  EXPECT_EQ(tree.removed(), 1U);
  EXPECT_EQ(tree.put(message("a", "x"), {clock}, kNow), Put::older);
}

TEST(RetainedTree, LimitsRefuseAndChangeNothing) {
  const std::size_t one = message("a/0", "payload")->bytes();
  RetainedTree tree(kKey, {.messages_max = 2, .bytes_max = 3 * one});
  EXPECT_EQ(tree.put(message("a/0", "payload"), {1}, kNow), Put::stored);
  EXPECT_EQ(tree.put(message("a/1", "payload"), {1}, kNow), Put::stored);
  EXPECT_EQ(tree.put(message("a/2", "payload"), {1}, kNow), Put::too_many);
  EXPECT_EQ(tree.put(message("a/1", "another"), {2}, kNow), Put::replaced);
  EXPECT_EQ(tree.put(message("a/1", "longer payload" + std::string(one, 'x')), {3}, kNow), Put::too_large);
  EXPECT_EQ(payload_of(tree.find("a/1", kNow)), "another");
  EXPECT_EQ(tree.bytes(), 2 * one);
  EXPECT_EQ(tree.put(message("a/0", ""), {2}, kNow), Put::removed);
  EXPECT_EQ(tree.put(message("a/2", "payload"), {1}, kNow), Put::stored);

  tree.set_limits({.messages_max = 1, .bytes_max = 1});
  EXPECT_EQ(tree.size(), 2U) << "what is there stays";
  EXPECT_EQ(tree.put(message("a/2", "smaller"), {2}, kNow), Put::replaced);
  EXPECT_EQ(tree.put(message("a/2", "larger than it was"), {3}, kNow), Put::too_large);
}

//= MQTT5 [MQTT-3.3.2-5] type=test
TEST(RetainedTree, WhatHasExpiredIsNotFoundAndIsRemoved) {
  RetainedTree tree(kKey);
  for (const char* topic : {"a", "b", "c/d", "c/e"}) tree.put(message(topic, "x", kNow + seconds(10)), {1}, kNow);
  tree.put(message("c/f", "x"), {1}, kNow);
  EXPECT_TRUE(tree.find("a", kNow + seconds(9)));
  EXPECT_FALSE(tree.find("a", kNow + seconds(10)));
  EXPECT_EQ(tree.size(), 4U);
  EXPECT_EQ(all_of(tree, "c/+", kNow + seconds(10)), std::vector<std::string>{"c/f"});
  EXPECT_EQ(tree.size(), 2U);
  EXPECT_EQ(tree.expire(1'000, kNow + seconds(10)), 1U);
  EXPECT_EQ(tree.size(), 1U);
  EXPECT_EQ(tree.put(message("a", "older"), {0}, kNow + seconds(10)), Put::stored) << "expiry leaves no trace";
}

TEST(RetainedTree, ExpiryGoesRoundInSmallSteps) {
  RetainedTree tree(kKey);
  for (int i = 0; i < 1'000; ++i) tree.put(message(std::to_string(i), "x", kNow + seconds(i)), {1}, kNow);
  for (int i = 0; i < 40; ++i) tree.expire(64, kNow + seconds(499));
  EXPECT_EQ(tree.size(), 500U);
  for (int i = 0; i < 40; ++i) tree.expire(64, kNow + seconds(999));
  EXPECT_EQ(tree.size(), 0U);
  EXPECT_EQ(tree.bytes(), 0U);
}

struct ScanCase {
  std::string_view filter;
  std::vector<std::string> found;
};
//= MQTT5 [MQTT-4.7.1-1] type=test
//= MQTT5 [MQTT-4.7.2-1] type=test
//= MQTT311 [MQTT-4.7.2-1] type=test
TEST(RetainedTree, ScansFollowTheTable) {
  RetainedTree tree(kKey);
  for (const char* topic :
       {"a", "a/b", "a/b/c", "a/", "/", "/a", "a0", "a!b", "b/b", "b/c/d", "$SYS/b", "$", "a/$x/c"}) {
    tree.put(message(topic, "x"), {1}, kNow);
  }
  const ScanCase cases[] = {
      {"a", {"a"}},
      {"a/b", {"a/b"}},
      {"x", {}},
      {"a/#", {"a", "a/", "a/$x/c", "a/b", "a/b/c"}},
      {"a/b/#", {"a/b", "a/b/c"}},
      {"a/+", {"a/", "a/b"}},
      {"+", {"a", "a!b", "a0"}},
      {"+/+", {"/", "/a", "a/", "a/b", "b/b"}},
      {"+/b", {"a/b", "b/b"}},
      {"+/b/#", {"a/b", "a/b/c", "b/b"}},
      {"+/+/c", {"a/$x/c", "a/b/c"}},
      {"/+", {"/", "/a"}},
      {"#", {"/", "/a", "a", "a/", "a/$x/c", "a/b", "a/b/c", "a!b", "a0", "b/b", "b/c/d"}},
      {"+/#", {"/", "/a", "a", "a/", "a/$x/c", "a/b", "a/b/c", "a!b", "a0", "b/b", "b/c/d"}},
      {"$SYS/#", {"$SYS/b"}},
      {"$SYS/+", {"$SYS/b"}},
      {"z/#", {}},
  };
  for (const ScanCase& c : cases) {
    SCOPED_TRACE(c.filter);
    EXPECT_EQ(all_of(tree, c.filter), c.found);
  }
}

TEST(RetainedTree, AScanWalksOnlyWhatCanMatch) {
  RetainedTree tree(kKey);
  for (int region = 0; region < 20; ++region) {
    for (int device = 0; device < 100; ++device) {
      for (const char* what : {"config", "log", "state"}) {
        const std::string topic = "fleet/" + std::to_string(region) + "/" + std::to_string(device) + "/" + what;
        tree.put(message(topic, "x"), {1}, kNow);
      }
    }
  }
  const auto steps = [&](std::string_view filter, std::size_t found_wanted) {
    RetainedTree::Cursor at;
    std::size_t found = 0;
    const std::size_t taken = tree.scan(filter, at, 100'000, kNow, [&](const MessageRef&) { ++found; });
    EXPECT_TRUE(at.is_done);
    EXPECT_EQ(found, found_wanted);
    return taken;
  };
  EXPECT_EQ(steps("fleet/7/8/state", 1), 1U);
  EXPECT_LE(steps("fleet/7/#", 300), 301U);
  EXPECT_LE(steps("fleet/7/+/log", 100), 2 * 100U + 1);
  EXPECT_LE(steps("fleet/+/8/#", 60), 60U + 2 * 20U + 1);
  EXPECT_LE(steps("fleet/+/8/log", 20), 3 * 20U);
  EXPECT_LE(steps("other/+/8/log", 0), 1U);
  EXPECT_LE(steps("+/+/+/+/+", 0), 2 * 20U * 100U * 3U) << "each topic may be the beginning of one";
}

TEST(RetainedTree, AScanSurvivesChangesByItsOwnVisitor) {
  RetainedTree tree(kKey);
  for (int i = 0; i < 1'000; ++i) tree.put(message("a/" + std::to_string(i), "x"), {1}, kNow);
  RetainedTree::Cursor at;
  int met = 0;
  while (!at.is_done) {
    tree.scan("a/#", at, 16, kNow, [&](const MessageRef& each) {
      ++met;
      tree.put(message(each->topic(), ""), {2}, kNow);
      tree.put(message("a", "new"), {static_cast<std::uint64_t>(met) + 1}, kNow);
    });
  }
  EXPECT_EQ(met, 1'000);
  EXPECT_EQ(tree.size(), 1U);
}

TEST(RetainedTree, MemoryIsAsTheHeaderSays) {
  for (const std::size_t count : {49'000UL, 70'000UL, 99'000UL}) {
    RetainedTree tree(kKey);
    for (std::size_t i = 0; i < count; ++i) {
      tree.put(message("device/" + std::to_string(i * 7919 % count) + "/state", "x"), {1}, kNow);
    }
    EXPECT_EQ(tree.size(), count);
    EXPECT_GE(tree.memory_bytes() / count, 46U);
    EXPECT_LE(tree.memory_bytes() / count, 62U);
  }
}

TEST(TopicOrder, IsLevelByLevel) {
  const std::vector<std::string_view> sorted{"",    "/",     "/a", "a",  "a/", "a/b",     "a/b/c",
                                             "a/c", "a\x01", "a!", "a0", "b",  "\xc3\xa4"};
  for (std::size_t i = 0; i < sorted.size(); ++i) {
    for (std::size_t j = 0; j < sorted.size(); ++j) {
      SCOPED_TRACE(std::string(sorted[i]) + " " + std::string(sorted[j]));
      const int order = compare_topics(sorted[i], sorted[j]);
      EXPECT_EQ(order < 0, i < j);
      EXPECT_EQ(order == 0, i == j);
    }
  }
}

}  // namespace
}  // namespace holdfast::broker
