#include "broker/core/topic_tree.h"

#include <gtest/gtest.h>
#include <malloc.h>

#include <algorithm>
#include <chrono>
#include <string>
#include <vector>

#include "base/hash.h"
#include "base/random.h"
#include "base/thread_cpu_time.h"
#include "broker/core/topic_tree_exercise.h"

namespace holdfast::broker {
namespace {

constexpr HashKey kKey{1, 2};

std::vector<std::uint32_t> subscribers(const TopicTree& tree, std::string_view topic) {
  std::vector<std::uint32_t> found;
  tree.match(topic, [&](std::string_view, const Subscription& each) { found.push_back(each.subscriber); });
  std::ranges::sort(found);
  return found;
}

TEST(TopicTree, SaysWhatItsModelSays) {
  exercise_at_random([](Choices& choices) { TopicTreeExercise(choices).run(); }, 1, 300);
}

TEST(Subscription, SurvivesPacking) {
  base::Random random(1);
  for (int i = 0; i < 1'000; ++i) {
    const Subscription all{random.below(kSubscriberMax) + 1,
                           {.qos = static_cast<Qos>(random.below(3)),
                            .no_local = random.below(2) == 1,
                            .retain_as_published = random.below(2) == 1,
                            .retain_handling = static_cast<RetainHandling>(random.below(3)),
                            .identifier = random.below(kIdentifierMax) + 1}};
    EXPECT_EQ(PackedSubscription(all).unpacked(), all);
    EXPECT_EQ(PackedSubscription(all).subscriber(), all.subscriber);
  }
}

//= MQTT5 [MQTT-4.7.2-1] type=test
//= MQTT311 [MQTT-4.7.2-1] type=test
TEST(TopicTree, WildcardsDoNotMatchTheServersOwnTopicsAtTheFirstLevel) {
  TopicTree tree(kKey);
  const char* const filters[] = {"#", "+/a", "+/#", "$SYS/#", "$SYS/+", "$SYS/a", "+/+"};
  for (std::uint32_t i = 0; i < std::size(filters); ++i) tree.add(filters[i], i, {});
  EXPECT_EQ(subscribers(tree, "$SYS/a"), (std::vector<std::uint32_t>{3, 4, 5}));
  EXPECT_EQ(subscribers(tree, "x/a"), (std::vector<std::uint32_t>{0, 1, 2, 6}));
  EXPECT_EQ(subscribers(tree, "x/$SYS"), (std::vector<std::uint32_t>{0, 2, 6}));
}

//= MQTT5 [MQTT-3.8.4-3] type=test
//= MQTT5 [MQTT-3.10.4-1] type=test
//= MQTT311 [MQTT-3.8.4-3] type=test
//= MQTT311 [MQTT-3.10.4-1] type=test
TEST(TopicTree, TheSameFilterAgainReplacesTheSubscription) {
  for (const char* filter : {"a/b", "a/+", "a/#"}) {
    SCOPED_TRACE(filter);
    TopicTree tree(kKey);
    EXPECT_EQ(tree.add(filter, 7, {.qos = Qos::at_most_once}), Added::first_of_filter);
    EXPECT_EQ(tree.add(filter, 8, {}), Added::new_subscriber);
    EXPECT_EQ(tree.add(filter, 7, {.qos = Qos::exactly_once, .identifier = 3}), Added::replaced);
    EXPECT_EQ(tree.subscriptions(), 2U);
    int found = 0;
    tree.match("a/b", [&](std::string_view, const Subscription& each) {
      if (each.subscriber != 7) return;
      ++found;
      EXPECT_EQ(each.options, (SubscriptionOptions{.qos = Qos::exactly_once, .identifier = 3}));
    });
    EXPECT_EQ(found, 1);
    EXPECT_EQ(tree.remove(filter, 9), Removed::none);
    EXPECT_EQ(tree.remove(filter, 7), Removed::one);
    EXPECT_EQ(tree.remove(filter, 8), Removed::last_of_filter);
    EXPECT_EQ(tree.remove(filter, 8), Removed::none);
  }
}

TEST(TopicTree, GroupsAreSubscribersLikeOthers) {
  TopicTree tree(kKey);
  tree.add("a", 3, {});
  tree.add("a", kGroupBit | 3, {});
  EXPECT_EQ(subscribers(tree, "a"), (std::vector<std::uint32_t>{3, kGroupBit | 3}));
  EXPECT_EQ(tree.remove("a", kGroupBit | 3), Removed::one);
  EXPECT_EQ(subscribers(tree, "a"), (std::vector<std::uint32_t>{3}));
}

TEST(TopicTree, TheDeepestNamesWork) {
  TopicTree tree(kKey);
  std::string plus = "+";
  std::string topic = "a";
  for (std::size_t i = 1; i < kLevelsMax; ++i) {
    plus += "/+";
    topic += "/a";
  }
  tree.add(plus, 1, {});
  tree.add(topic, 2, {});
  tree.add(topic.substr(0, topic.size() - 1) + "#", 3, {});
  EXPECT_EQ(subscribers(tree, topic), (std::vector<std::uint32_t>{1, 2, 3}));
  EXPECT_TRUE(subscribers(tree, topic + "/a").empty()) << "beyond the limit nothing matches";
  EXPECT_EQ(tree.remove(plus + "/+", 1), Removed::none);
}

TEST(TopicTree, AWalkInStepsOfOneMeetsEverybody) {
  TopicTree tree(kKey);
  for (std::uint32_t i = 0; i < 100; ++i) tree.add(i % 2 == 0 ? "crowd" : "of/" + std::to_string(i), i, {});
  std::vector<std::uint32_t> met;
  for (TopicTree::Cursor at; !at.is_done;) {
    at = tree.for_each(at, 1, [&](std::string_view, const Subscription& each) { met.push_back(each.subscriber); });
  }
  std::ranges::sort(met);
  ASSERT_EQ(met.size(), 100U);
  for (std::uint32_t i = 0; i < 100; ++i) EXPECT_EQ(met[i], i);
}

TEST(TopicTree, LeavingACrowdDoesNotLookAtAllOfIt) {
  constexpr std::uint32_t kCrowd = 100'000;
  TopicTree tree(kKey);
  for (std::uint32_t i = 0; i < kCrowd; ++i) tree.add("news", i, {});
  // Linear this would be 5,000,000,000 looks.
  for (std::uint32_t i = 0; i < kCrowd; ++i) {
    ASSERT_EQ(tree.remove("news", (i * 7) % kCrowd), i + 1 == kCrowd ? Removed::last_of_filter : Removed::one);
  }
  EXPECT_EQ(tree.subscriptions(), 0U);
}

// --- memory ---

std::string name_of(std::uint32_t i) {
  std::string digits = std::to_string(i);
  return std::string(8 - digits.size(), '0') + digits;
}

// What the allocator has given out, with its own overhead; 0 where a sanitizer has its own.
std::size_t allocated() { return mallinfo2().uordblks + mallinfo2().hblkhd; }

struct MemoryCase {
  const char* name;
  std::string before, after;  // of the filter, around what is its own
  std::size_t bytes_min, bytes_max;
};
TEST(TopicTree, MemoryIsAsTheHeaderSays) {
  const MemoryCase cases[] = {
      {"exact", "device/", "/state", 43, 54},
      {"one beginning of its own", "device/", "/#", 32 + 27, 33 + 54},
      {"two", "device/", "/+", 32 + 2 * 27, 33 + 2 * 54},
  };
  for (const MemoryCase& c : cases) {
    for (const std::uint32_t count : {49'000U, 70'000U, 99'000U}) {
      SCOPED_TRACE(std::string(c.name) + " " + std::to_string(count));
      const std::size_t before = allocated();
      TopicTree tree(kKey);
      std::size_t text = 0;
      for (std::uint32_t i = 0; i < count; ++i) {
        const std::string filter = c.before + name_of(i) + c.after;
        tree.add(filter, i, {});
        text += filter.size();
      }
      const std::size_t bytes = (tree.memory_bytes() - text) / count;
      EXPECT_GE(bytes, c.bytes_min);
      EXPECT_LE(bytes, c.bytes_max);
      if (before == 0) continue;
      // The allocator rounds each text up: at most 8 bytes of its own and 15 of rounding.
      EXPECT_LE((allocated() - before) / count, bytes + text / count + 24);
      for (std::uint32_t i = 0; i < count; ++i) tree.remove(c.before + name_of(i) + c.after, i);
      EXPECT_LE(allocated() - before, count * 33) << "places are kept for reuse, nothing else is";
    }
  }
}

TEST(TopicTree, FurtherSubscribersCostAsTheHeaderSays) {
  const std::size_t before = allocated();
  TopicTree tree(kKey);
  constexpr std::uint32_t kCount = 100'000;
  for (std::uint32_t i = 0; i < kCount; ++i) tree.add("news", i, {});
  EXPECT_LE((tree.memory_bytes() - sizeof tree) / kCount, 16U + 21U);
  if (before != 0) {
    EXPECT_LE((allocated() - before) / kCount, 16U + 21U);
  }
  TopicTree pairs(kKey);
  for (std::uint32_t i = 0; i < kCount; ++i) pairs.add(name_of(i / 2), i, {});
  EXPECT_LE(pairs.memory_bytes() / kCount, (54U + 8 + 8 + 4 * 8) / 2 + 1);
}

// The figure to reach is 2 us; a build with sanitizers, or a busy machine, is given more.
TEST(TopicTree, AMatchAmong100000FiltersWithWildcardsIsFast) {
  constexpr std::uint32_t kCount = 100'000;
  TopicTree tree(kKey);
  const auto region = [](std::uint32_t i) { return std::to_string(base::mix(i) % 1'000); };
  std::vector<std::string> topics;
  for (std::uint32_t i = 0; i < kCount; ++i) {
    const std::string filters[] = {"fleet/" + region(i) + "/+/" + std::to_string(i) + "/state",
                                   "fleet/+/device/" + std::to_string(i) + "/#",
                                   "+/" + region(i) + "/device/" + std::to_string(i) + "/+"};
    tree.add(filters[i % 3], i, {});
    if (i % 10 == 0) topics.push_back("fleet/" + region(i) + "/device/" + std::to_string(i) + "/state");
  }
  const auto start = base::thread_cpu_time();
  std::size_t found = 0;
  for (const std::string& topic : topics) tree.match(topic, [&](std::string_view, const Subscription&) { ++found; });
  const auto each = (base::thread_cpu_time() - start) / topics.size();
  EXPECT_EQ(found, topics.size());
  EXPECT_LE(each, std::chrono::microseconds(20));
  RecordProperty("nanoseconds", std::to_string(std::chrono::nanoseconds(each).count()));
}

}  // namespace
}  // namespace holdfast::broker
