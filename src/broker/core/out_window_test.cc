#include "broker/core/out_window.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <deque>

#include "base/random.h"

namespace holdfast::broker {
namespace {

std::uint16_t add(OutWindow& window) {
  OutItem item({}, Qos::exactly_once, false);
  item.packet_id = window.free_packet_id();
  const std::uint16_t id = item.packet_id;
  window.add(std::move(item));
  return id;
}

//= MQTT5 [MQTT-2.2.1-4] type=test
//= MQTT311 [MQTT-2.3.1-4] type=test
TEST(OutWindow, GivesIdentifiersThatAreNotZeroAndNotInUse) {
  OutWindow window;
  EXPECT_EQ(add(window), 1);
  EXPECT_EQ(add(window), 2);
  for (int i = 3; i <= 65'535; ++i) {
    EXPECT_EQ(add(window), i);
    window.take(window.find(static_cast<std::uint16_t>(i)));
  }
  EXPECT_EQ(add(window), 3);  // 0 is none, 1 and 2 are in use
  window.take(window.find(1));
  EXPECT_EQ(add(window), 4);
  EXPECT_EQ(window.size(), 3U);
}

TEST(OutWindow, FindsWhatIsInItAndNothingElse) {
  base::Random random(3);
  for (const std::uint32_t size_max : {1U, 7U, 40U}) {
    OutWindow window;
    std::deque<std::uint16_t> want;
    for (int step = 0; step < 150'000; ++step) {
      // The first one stays for long at times, so that the identifiers come round to it.
      const std::uint32_t stuck = step / 70'000 % 2 == 1 && size_max > 1 ? 1 : 0;
      if (want.size() <= stuck || (want.size() < size_max && random.below(2) == 0)) {
        want.push_back(add(window));
        EXPECT_NE(want.back(), 0);
        EXPECT_EQ(std::ranges::count(want, want.back()), 1);
      } else {
        const std::uint32_t index = stuck + random.below(static_cast<std::uint32_t>(want.size()) - stuck);
        EXPECT_EQ(window.find(want[index]), index);
        EXPECT_EQ(window.take(index).packet_id, want[index]);
        EXPECT_EQ(window.find(want[index]), OutWindow::kNone);
        want.erase(want.begin() + index);
      }
      EXPECT_EQ(window.sent(), want.size());
      const auto any = static_cast<std::uint16_t>(random.next());
      EXPECT_EQ(window.find(any) != OutWindow::kNone, std::ranges::count(want, any) > 0);
    }
  }
}

TEST(OutWindow, HoldsAllIdentifiersThereAre) {
  OutWindow window;
  for (std::uint32_t i = 0; i < OutWindow::kSizeMax; ++i) add(window);
  window.take(window.find(777));
  EXPECT_EQ(add(window), 777);
  EXPECT_EQ(window.find(777), OutWindow::kSizeMax - 1);
}

TEST(OutWindow, KnowsWhatHasToBeSentAgain) {
  OutWindow window;
  for (int i = 0; i < 4; ++i) add(window);
  EXPECT_TRUE(window.all_sent());
  window.restart();
  window.mark_sent();
  window.mark_sent();
  window.take(0);  // one that was sent again
  EXPECT_EQ(window.sent(), 1U);
  window.take(2);  // one that was not
  EXPECT_EQ(window.sent(), 1U);
  EXPECT_FALSE(window.all_sent());
  window.take_if([](const OutItem& item) { return item.packet_id == 2; }, [](OutItem) {});
  EXPECT_EQ(window.sent(), 0U);
  EXPECT_EQ(window[0].packet_id, 3);
}

}  // namespace
}  // namespace holdfast::broker
