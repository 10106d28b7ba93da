#include "broker/core/message.h"

#include <cstdlib>
#include <cstring>
#include <new>

#include "wire/mqtt/packets.h"

namespace holdfast::broker {

namespace {

// What one thread has made less what it has ended; only the sum over all lanes means something.
struct alignas(64) Lane {
  std::atomic<std::int64_t> messages{0};
  std::atomic<std::int64_t> bytes{0};
};

// Each of the first threads has a lane of its own for ever; those after them share the last one.
constexpr std::size_t kLanes = 64;
constexpr std::size_t kSharedLane = kLanes - 1;
constinit Lane lanes[kLanes];
constinit std::atomic<std::size_t> lanes_taken{0};

std::size_t take_lane() noexcept {
  const std::size_t lane = lanes_taken.fetch_add(1, std::memory_order_relaxed);
  return lane < kSharedLane ? lane : kSharedLane;
}

void add(std::atomic<std::int64_t>& number, std::int64_t amount, bool shared) noexcept {
  if (shared) {
    number.fetch_add(amount, std::memory_order_relaxed);
  } else {
    number.store(number.load(std::memory_order_relaxed) + amount, std::memory_order_relaxed);
  }
}

void count(std::int64_t messages, std::int64_t bytes) noexcept {
  thread_local const std::size_t mine = take_lane();
  add(lanes[mine].messages, messages, mine == kSharedLane);
  add(lanes[mine].bytes, bytes, mine == kSharedLane);
}

char* append(char* to, const void* from, std::size_t bytes) noexcept {
  if (bytes > 0) std::memcpy(to, from, bytes);
  return to + bytes;
}

}  // namespace

Message::Message(const Parts& parts) noexcept
    : properties_bytes_(static_cast<std::uint32_t>(parts.properties.size())),
      payload_bytes_(static_cast<std::uint32_t>(parts.payload.size())),
      topic_bytes_(static_cast<std::uint16_t>(parts.topic.size())),
      qos_(parts.qos),
      retain_(parts.retain),
      id_(parts.id),
      publisher_(parts.publisher),
      expires_(parts.expires) {
  char* to = reinterpret_cast<char*>(this + 1);
  to = append(to, parts.topic.data(), parts.topic.size());
  to = append(to, parts.properties.data(), parts.properties.size());
  append(to, parts.payload.data(), parts.payload.size());
}

MessageRef Message::make(const Parts& parts) {
  if (parts.topic.size() > wire::mqtt::kTextBytesMax || parts.properties.size() > wire::mqtt::kBodyBytesMax ||
      parts.payload.size() > wire::mqtt::kBodyBytesMax) {
    std::abort();
  }
  const std::size_t bytes = sizeof(Message) + parts.topic.size() + parts.properties.size() + parts.payload.size();
  const auto* message = ::new (::operator new(bytes)) Message(parts);
  count(1, static_cast<std::int64_t>(bytes));
  return MessageRef(message);
}

void Message::end() const noexcept {
  count(-1, -static_cast<std::int64_t>(bytes()));
  this->~Message();
  ::operator delete(const_cast<Message*>(this));
}

Message::Living Message::living() noexcept {
  std::int64_t messages = 0;
  std::int64_t bytes = 0;
  for (const Lane& lane : lanes) {
    messages += lane.messages.load(std::memory_order_relaxed);
    bytes += lane.bytes.load(std::memory_order_relaxed);
  }
  return {static_cast<std::uint64_t>(messages), static_cast<std::uint64_t>(bytes)};
}

}  // namespace holdfast::broker
