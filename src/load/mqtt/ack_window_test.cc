#include "load/mqtt/ack_window.h"

#include <gtest/gtest.h>

namespace holdfast::load {
namespace {

using wire::mqtt::PacketType;
using wire::mqtt::Qos;
using wire::mqtt::Reason;
using Verdict = AckWindow::Verdict;

TEST(AckWindow, SlidesBehindTheOldestThatWaits) {
  AckWindow window(3);
  EXPECT_EQ(window.room(), 3U);
  EXPECT_EQ(window.add(Qos::at_least_once), 1);
  EXPECT_EQ(window.add(Qos::at_least_once), 2);
  EXPECT_EQ(window.add(Qos::at_least_once), 3);
  EXPECT_EQ(window.room(), 0U);
  EXPECT_EQ(window.on_ack(PacketType::puback, 2, Reason::success), Verdict::done);
  EXPECT_EQ(window.waiting(), 2U);
  EXPECT_EQ(window.room(), 0U) << "the first still waits";
  EXPECT_EQ(window.on_ack(PacketType::puback, 1, Reason::success), Verdict::done);
  EXPECT_EQ(window.room(), 2U);
  EXPECT_EQ(window.waiting(), 1U);
}

TEST(AckWindow, WantsBothStepsOfQos2) {
  struct Step {
    const char* name;
    PacketType type;
    std::uint16_t id;
    Reason reason;
    Verdict want;
  };
  const Step steps[] = {
      {"of QoS 1", PacketType::puback, 1, Reason::success, Verdict::unknown},
      {"too early", PacketType::pubcomp, 1, Reason::success, Verdict::unknown},
      {"received", PacketType::pubrec, 1, Reason::success, Verdict::release},
      {"twice", PacketType::pubrec, 1, Reason::success, Verdict::unknown},
      {"complete", PacketType::pubcomp, 1, Reason::success, Verdict::done},
      {"complete twice", PacketType::pubcomp, 1, Reason::success, Verdict::unknown},
      {"refused at once", PacketType::pubrec, 2, Reason::quota_exceeded, Verdict::done},
      {"never sent", PacketType::pubrec, 3, Reason::success, Verdict::unknown},
      {"no identifier", PacketType::pubrec, 0, Reason::success, Verdict::unknown},
  };
  AckWindow window(4);
  (void)window.add(Qos::exactly_once);
  (void)window.add(Qos::exactly_once);
  for (const Step& step : steps) {
    SCOPED_TRACE(step.name);
    EXPECT_EQ(window.on_ack(step.type, step.id, step.reason), step.want);
  }
  EXPECT_EQ(window.waiting(), 0U);
}

TEST(AckWindow, UsesIdentifiersAgainOnlyWhenTheyAreFree) {
  AckWindow window(10);
  for (std::uint32_t number = 0; number < 200'000; ++number) {
    const std::uint16_t id = window.add(Qos::at_least_once);
    ASSERT_EQ(id, number % 65'535 + 1);
    if (number < 5) continue;
    const auto older = static_cast<std::uint16_t>((number - 5) % 65'535 + 1);
    ASSERT_EQ(window.on_ack(PacketType::puback, older, Reason::success), Verdict::done);
    ASSERT_EQ(window.waiting(), 5U);
  }
}

}  // namespace
}  // namespace holdfast::load
