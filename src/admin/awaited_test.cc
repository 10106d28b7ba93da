#include "admin/awaited.h"

#include <gtest/gtest.h>

#include <boost/asio.hpp>

namespace holdfast::admin {
namespace {

using namespace std::chrono_literals;
namespace asio = boost::asio;
using Answer = std::function<void(int)>;

std::optional<int> wait(std::function<void(asio::io_context&, Answer)> giver, std::chrono::milliseconds patience) {
  asio::io_context context;
  std::function<void(Answer)> ask = [&](Answer answer) { giver(context, std::move(answer)); };
  auto got = asio::co_spawn(context, awaited<int>(std::move(ask), patience), asio::use_future);
  context.run();
  return got.get();
}

TEST(Awaited, TakesAnAnswerAtOnceAndOneThatComesLater) {
  EXPECT_EQ(wait([](asio::io_context&, Answer answer) { answer(1); }, 1h), 1);
  EXPECT_EQ(wait([](asio::io_context& context, Answer answer) { asio::post(context, [answer] { answer(2); }); }, 1h),
            2);
}

TEST(Awaited, GivesUpAndMindsNoLateAnswer) {
  Answer late;
  EXPECT_EQ(wait([&late](asio::io_context&, Answer answer) { late = std::move(answer); }, 1ms), std::nullopt);
  late(3);
}

TEST(Awaited, OfTwoAnswersBeforeItLooksTheLastCounts) {
  EXPECT_EQ(wait([](asio::io_context&, Answer answer) { answer(1), answer(2); }, 1h), 2);
}

TEST(Awaited, EndsWithTheJobThatWaits) {
  asio::io_context context;
  asio::cancellation_signal stop;
  std::exception_ptr error;
  std::function<void(Answer)> ask = [](const Answer&) {};
  asio::co_spawn(context, awaited<int>(std::move(ask), 1h),
                 asio::bind_cancellation_slot(stop.slot(), [&error](std::exception_ptr thrown, std::optional<int>) {
                   error = std::move(thrown);
                 }));
  asio::post(context, [&stop] { stop.emit(asio::cancellation_type::terminal); });
  context.run();
  ASSERT_TRUE(error);
  EXPECT_THROW(std::rethrow_exception(error), boost::system::system_error);
}

}  // namespace
}  // namespace holdfast::admin
