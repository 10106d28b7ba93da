#include "broker/core/message.h"

#include <gtest/gtest.h>

#include <string>
#include <thread>
#include <vector>

namespace holdfast::broker {
namespace {

std::span<const std::byte> bytes_of(std::string_view text) { return std::as_bytes(std::span(text)); }
std::string text_of(std::span<const std::byte> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

MessageRef some_message() {
  return Message::make({.id = {.number = 7, .epoch = 3, .node = 2},
                        .qos = Qos::exactly_once,
                        .retain = true,
                        .publisher = 11,
                        .expires = base::Time(std::chrono::seconds(5)),
                        .topic = "a/b",
                        .properties = bytes_of("props"),
                        .payload = bytes_of("payload")});
}

TEST(Message, HoldsWhatItWasMadeOf) {
  const MessageRef message = some_message();
  EXPECT_EQ(message->id(), (MessageId{7, 3, 2}));
  EXPECT_EQ(message->qos(), Qos::exactly_once);
  EXPECT_TRUE(message->retain());
  EXPECT_EQ(message->publisher(), 11U);
  EXPECT_EQ(message->topic(), "a/b");
  EXPECT_EQ(text_of(message->properties()), "props");
  EXPECT_EQ(text_of(message->payload()), "payload");
  EXPECT_EQ(message->bytes(), 48U + 3 + 5 + 7);
}

TEST(Message, MayBeEmptyButForItsTopic) {
  const MessageRef message = Message::make({.topic = "t"});
  EXPECT_TRUE(message->properties().empty());
  EXPECT_TRUE(message->payload().empty());
  EXPECT_EQ(message->expires(), Message::kNever);
}

TEST(Message, ExpiresAtItsTimeAndNotBefore) {
  const MessageRef message = some_message();
  EXPECT_FALSE(message->is_expired(base::Time(std::chrono::milliseconds(4999))));
  EXPECT_TRUE(message->is_expired(base::Time(std::chrono::seconds(5))));
}

TEST(Message, LivesAsLongAsTheLastReference) {
  const Message::Living before = Message::living();
  MessageRef first = some_message();
  EXPECT_EQ(Message::living().messages, before.messages + 1);
  EXPECT_EQ(Message::living().bytes, before.bytes + first->bytes());
  MessageRef second = first;
  EXPECT_EQ(first, second);
  first = MessageRef();
  EXPECT_FALSE(first);
  EXPECT_EQ(second->topic(), "a/b");
  const MessageRef third = std::move(second);
  EXPECT_EQ(Message::living().messages, before.messages + 1);
  second = third;
  second = some_message();
  EXPECT_EQ(Message::living().messages, before.messages + 2);
  second = {};
  EXPECT_EQ(Message::living().messages, before.messages + 1);
}

TEST(Message, IsCountedOnceWhateverThreadsShareIt) {
  const Message::Living before = Message::living();
  std::vector<MessageRef> messages;
  for (int i = 0; i < 200; ++i) messages.push_back(some_message());
  std::vector<std::thread> threads;
  for (int i = 0; i < 80; ++i) {  // more than have a count of their own
    threads.emplace_back([mine = messages]() mutable {
      while (!mine.empty()) {
        const MessageRef other = some_message();
        mine.pop_back();
      }
    });
  }
  messages.clear();
  for (std::thread& each : threads) each.join();
  EXPECT_EQ(Message::living().messages, before.messages);
  EXPECT_EQ(Message::living().bytes, before.bytes);
}

TEST(MessageDeathTest, HasATopicThatMqttCanSay) {
  EXPECT_DEATH((void)Message::make({.topic = std::string(65'536, 'x')}), "");
}

}  // namespace
}  // namespace holdfast::broker
