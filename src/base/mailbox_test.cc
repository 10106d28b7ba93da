#include "base/mailbox.h"

#include <gtest/gtest.h>

#include <memory>
#include <thread>
#include <vector>

namespace holdfast::base {
namespace {

struct CountingWaker final : Waker {
  std::atomic<int> wakes{0};
  void wake() noexcept override { ++wakes; }
};

TEST(Mailbox, WakesOncePerBurst) {
  CountingWaker waker;
  Mailbox<int> box(8, waker);
  EXPECT_TRUE(box.post(1));
  EXPECT_TRUE(box.post(2));
  EXPECT_EQ(waker.wakes, 1);
  std::vector<int> got;
  EXPECT_EQ(box.take([&](int value) { got.push_back(value); }), 2U);
  EXPECT_EQ(got, (std::vector{1, 2}));
  EXPECT_TRUE(box.post(3));
  EXPECT_EQ(waker.wakes, 2);
}

TEST(Mailbox, FullRefusesAndCounts) {
  CountingWaker waker;
  Mailbox<std::unique_ptr<int>> box(2, waker);
  EXPECT_TRUE(box.post(std::make_unique<int>(1)));
  EXPECT_TRUE(box.post(std::make_unique<int>(2)));
  EXPECT_FALSE(box.post(std::make_unique<int>(3)));
  EXPECT_EQ(box.dropped(), 1U);
  EXPECT_EQ(box.depth(), 2U);
  EXPECT_EQ(box.take([](auto) {}), 2U);
  EXPECT_TRUE(box.post(std::make_unique<int>(4))) << "there is room again";
}

TEST(Mailbox, WhatALimitLeavesIsAnnouncedAgain) {
  CountingWaker waker;
  Mailbox<int> box(8, waker);
  for (int i = 0; i < 5; ++i) ASSERT_TRUE(box.post(i));
  EXPECT_EQ(box.take([](int) {}, 2), 2U);
  EXPECT_EQ(waker.wakes, 2);
  EXPECT_EQ(box.take([](int) {}), 3U);
}

TEST(Mailbox, ManyWritersLoseNothingAndEachKeepsItsOrder) {
  constexpr int kWriters = 4;
  constexpr int kEach = 20'000;
  struct Letter {
    int writer = 0;
    int number = 0;
  };
  EventFd wake;
  Mailbox<Letter> box(1024, wake);
  std::vector<std::jthread> writers;
  for (int w = 0; w < kWriters; ++w) {
    writers.emplace_back([&box, w] {
      for (int i = 0; i < kEach; ++i) {
        while (!box.post({w, i})) std::this_thread::yield();
      }
    });
  }
  std::vector<int> next(kWriters, 0);
  for (int total = 0; total < kWriters * kEach;) {
    total += static_cast<int>(
        box.take([&](Letter letter) { ASSERT_EQ(letter.number, next[static_cast<std::size_t>(letter.writer)]++); }));
    if (total < kWriters * kEach) std::this_thread::yield();
  }
}

}  // namespace
}  // namespace holdfast::base
