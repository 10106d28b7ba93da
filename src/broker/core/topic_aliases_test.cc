#include "broker/core/topic_aliases.h"

#include <gtest/gtest.h>

#include <map>
#include <string>

#include "base/random.h"

namespace holdfast::broker {
namespace {

using wire::mqtt::Reason;

//= MQTT5 [MQTT-3.3.2-9] type=test
//= MQTT5 [MQTT-3.3.2-12] type=test
TEST(InboundAliases, FollowTheirTable) {
  struct Case {
    const char* name;
    std::uint16_t alias;
    const char* topic;
    const char* want;  // the topic that is meant, or the fault's reason
  };
  const Case cases[] = {
      {"no alias", 0, "a", "a"},
      {"not named yet", 3, "", "protocol_error"},
      {"is named", 3, "three", "three"},
      {"is known", 3, "", "three"},
      {"a smaller one", 1, "one", "one"},
      {"the largest", 5, "five", "five"},
      {"above the largest", 6, "six", "invalid"},
      {"far above", 65'535, "", "invalid"},
      {"is still known", 3, "", "three"},
      {"is named the same again", 3, "three", "three"},
      {"is given another topic", 3, "other", "other"},
      {"which is known then", 3, "", "other"},
      {"others are as they were", 1, "", "one"},
  };
  InboundAliases aliases(5);
  for (const Case& c : cases) {
    SCOPED_TRACE(c.name);
    std::string_view topic = c.topic;
    const wire::mqtt::Fault* fault = aliases.resolve(c.alias, topic);
    if (fault == nullptr) {
      EXPECT_EQ(topic, c.want);
    } else {
      EXPECT_STREQ(fault->reason == Reason::topic_alias_invalid ? "invalid" : "protocol_error", c.want);
    }
  }
  EXPECT_EQ(aliases.size(), 3U);
}

TEST(InboundAliases, OwnNothingUntilOneIsNamedAndAreBounded) {
  InboundAliases none;
  std::string_view topic = "a";
  EXPECT_NE(none.resolve(1, topic), nullptr);
  InboundAliases aliases(100);
  EXPECT_EQ(aliases.memory_bytes(), 0U);
  base::Random random(1);
  for (int i = 0; i < 10'000; ++i) {
    const std::string name(1 + random.below(100), 'x');
    topic = name;
    EXPECT_EQ(aliases.resolve(static_cast<std::uint16_t>(1 + random.below(100)), topic), nullptr);
  }
  EXPECT_LE(aliases.memory_bytes(), 24 + 128 * 16 + 100 * 100U);
}

TEST(OutboundAliases, NameATopicWhenItComesTheSecondTime) {
  OutboundAliases aliases(16);
  const auto say = [&](std::string_view topic) {
    const OutboundAliases::Choice choice = aliases.choose(topic);
    return choice.alias == 0 ? "plain" : choice.is_known ? "known" : "named";
  };
  EXPECT_STREQ(say("sensors/1"), "plain");
  EXPECT_STREQ(say("sensors/1"), "named");
  EXPECT_STREQ(say("sensors/1"), "known");
  EXPECT_STREQ(say("sensors/1"), "known");
}

TEST(OutboundAliases, LeaveShortAndVeryLongTopicsAndClientsThatTakeNoneAlone) {
  const std::string longest(OutboundAliases::kTopicBytesMax, 'x');
  struct Case {
    const char* name;
    std::uint16_t maximum;
    std::string topic;
    bool want;
  };
  const Case cases[] = {
      {"just long enough", 1, "12345678", true},
      {"too short", 1, "1234567", false},
      {"the longest", 1, longest, true},
      {"too long", 1, longest + "x", false},
      {"the client takes none", 0, "12345678", false},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.name);
    OutboundAliases aliases(c.maximum);
    EXPECT_EQ(aliases.memory_bytes(), 0U);
    for (int i = 0; i < 2; ++i) (void)aliases.choose(c.topic);
    EXPECT_EQ(aliases.choose(c.topic).is_known, c.want);
    EXPECT_EQ(aliases.memory_bytes() > 0, c.want);
  }
}

TEST(OutboundAliases, AChoiceThatIsTakenBackIsForgotten) {
  OutboundAliases aliases(1);
  (void)aliases.choose("12345678");
  const OutboundAliases::Choice named = aliases.choose("12345678");
  EXPECT_EQ(named.alias, 1);
  aliases.take_back(named.alias);
  EXPECT_EQ(aliases.choose("12345678").alias, 0);
}

// What the client makes of it: an alias alone must mean the topic it was last named with.
//= MQTT5 [MQTT-3.3.2-8] type=test
//= MQTT5 [MQTT-3.3.2-11] type=test
TEST(OutboundAliases, AlwaysMeanTheTopicThatTheClientKnows) {
  constexpr std::uint16_t kMaximum = 8;
  base::Random random(5);
  OutboundAliases aliases(kMaximum);
  std::map<std::uint16_t, std::string> client;
  int known = 0;
  for (int i = 0; i < 50'000; ++i) {
    const std::uint32_t topic_number = random.below(4) != 0 ? random.below(4) : random.below(1000);
    const std::string topic = "topics/number/" + std::to_string(topic_number);
    const OutboundAliases::Choice choice = aliases.choose(topic);
    EXPECT_LE(choice.alias, kMaximum);
    if (choice.is_known) {
      ++known;
      EXPECT_EQ(client[choice.alias], topic);
    } else if (choice.alias != 0 && random.below(8) == 0) {
      aliases.take_back(choice.alias);
    } else if (choice.alias != 0) {
      client[choice.alias] = topic;
    }
  }
  EXPECT_GT(known, 10'000);  // topics that come often keep their names
  EXPECT_LE(aliases.memory_bytes(), kMaximum * (16 + 20U));
}

}  // namespace
}  // namespace holdfast::broker
