// broker/core/message.h: an application message, made once and shared by everybody who has to deliver it.
//
// Thread: a message never changes; it may be read, referred to and let go from any thread.
// Cost:   one heap block of 48 bytes, topic, properties and payload. A reference is 8 bytes; copying one is an atomic
//         addition, letting go of one is an atomic subtraction, except the last, which is only a load. The count of
//         what lives is a line of memory for each thread: two plain additions at birth and two at death.
// Limits: topic 65,535 bytes, properties and payload 268,435,455 each; above is a programming error.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <utility>

#include "base/time.h"
#include "wire/mqtt/reason.h"

namespace holdfast::broker {

using wire::mqtt::Qos;

// Names a message in the whole cluster from its birth: the node and the start of it that took it, and a number there.
struct MessageId {
  std::uint64_t number = 0;
  std::uint32_t epoch = 0;
  std::uint16_t node = 0;

  friend bool operator==(const MessageId&, const MessageId&) = default;
};

class MessageRef;

class Message {
 public:
  // Never: a message without an expiry.
  static constexpr base::Time kNever = base::Time::max();

  struct Parts {
    MessageId id = {};
    Qos qos = Qos::at_most_once;
    bool retain = false;          // as published
    std::uint64_t publisher = 0;  // the serial of its session, for No Local; 0: none
    base::Time expires = kNever;
    std::string_view topic;
    std::span<const std::byte> properties = {};  // see properties()
    std::span<const std::byte> payload = {};
  };
  // What lives in the whole process. Exact when nobody makes or ends messages meanwhile.
  struct Living {
    std::uint64_t messages = 0;
    std::uint64_t bytes = 0;
  };

  Message(const Message&) = delete;
  Message& operator=(const Message&) = delete;

  // Copies everything.
  [[nodiscard]] static MessageRef make(const Parts& parts);
  [[nodiscard]] static Living living() noexcept;

  [[nodiscard]] const MessageId& id() const noexcept { return id_; }
  [[nodiscard]] Qos qos() const noexcept { return qos_; }
  [[nodiscard]] bool retain() const noexcept { return retain_; }
  [[nodiscard]] std::uint64_t publisher() const noexcept { return publisher_; }
  [[nodiscard]] base::Time expires() const noexcept { return expires_; }
  [[nodiscard]] bool is_expired(base::Time now) const noexcept { return now >= expires_; }

  [[nodiscard]] std::string_view topic() const noexcept { return {tail(), topic_bytes_}; }
  // The MQTT 5 properties that go with the message to its subscribers, encoded, without their length: payload format,
  // content type, response topic, correlation data, user properties. No alias, expiry or subscription identifier.
  [[nodiscard]] std::span<const std::byte> properties() const noexcept {
    return std::as_bytes(std::span(tail() + topic_bytes_, properties_bytes_));
  }
  [[nodiscard]] std::span<const std::byte> payload() const noexcept {
    return std::as_bytes(std::span(tail() + topic_bytes_ + properties_bytes_, payload_bytes_));
  }
  // Of the whole block: what queues and ledgers count.
  [[nodiscard]] std::size_t bytes() const noexcept {
    return sizeof(Message) + topic_bytes_ + properties_bytes_ + payload_bytes_;
  }

 private:
  friend class MessageRef;

  explicit Message(const Parts& parts) noexcept;
  ~Message() = default;

  [[nodiscard]] const char* tail() const noexcept { return reinterpret_cast<const char*>(this + 1); }
  void refer() const noexcept { references_.fetch_add(1, std::memory_order_relaxed); }
  void let_go() const noexcept {
    // Who sees 1 is the only one left, and nobody else can make it 2.
    if (references_.load(std::memory_order_acquire) == 1 || references_.fetch_sub(1, std::memory_order_acq_rel) == 1) {
      end();
    }
  }
  void end() const noexcept;

  mutable std::atomic<std::uint32_t> references_{1};
  std::uint32_t properties_bytes_;
  std::uint32_t payload_bytes_;
  std::uint16_t topic_bytes_;
  Qos qos_;
  bool retain_;
  MessageId id_;
  std::uint64_t publisher_;
  base::Time expires_;
};
static_assert(sizeof(Message) == 48);

// One share in a message, or nothing.
class MessageRef {
 public:
  MessageRef() = default;
  MessageRef(const MessageRef& other) noexcept : message_(other.message_) {
    if (message_ != nullptr) message_->refer();
  }
  MessageRef(MessageRef&& other) noexcept : message_(std::exchange(other.message_, nullptr)) {}
  MessageRef& operator=(MessageRef other) noexcept {
    std::swap(message_, other.message_);
    return *this;
  }
  ~MessageRef() {
    if (message_ != nullptr) message_->let_go();
  }

  explicit operator bool() const noexcept { return message_ != nullptr; }
  const Message& operator*() const noexcept { return *message_; }
  const Message* operator->() const noexcept { return message_; }
  friend bool operator==(const MessageRef&, const MessageRef&) = default;  // the same message, not an equal one

 private:
  friend class Message;
  explicit MessageRef(const Message* message) noexcept : message_(message) {}

  const Message* message_ = nullptr;
};
static_assert(sizeof(MessageRef) == 8);

}  // namespace holdfast::broker
