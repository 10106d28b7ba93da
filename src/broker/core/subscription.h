// broker/core/subscription.h: what a subscription is to the trees: who, and how.
#pragma once

#include <cstdint>

#include "wire/mqtt/packets.h"

namespace holdfast::broker {

using wire::mqtt::Qos;
using wire::mqtt::RetainHandling;

//= MQTT5 3.8.3.1
struct SubscriptionOptions {
  Qos qos = Qos::at_most_once;
  bool no_local = false;
  bool retain_as_published = false;
  RetainHandling retain_handling = RetainHandling::send;
  std::uint32_t identifier = 0;  // 0: none, MQTT5 3.8.2.1.2; at most 268,435,455

  friend bool operator==(const SubscriptionOptions&, const SubscriptionOptions&) = default;
};

// Who subscribes is opaque to the trees: the index of a session, or with kGroupBit the id of a share group.
inline constexpr std::uint32_t kGroupBit = 1U << 29;
inline constexpr std::uint32_t kSubscriberMax = (1U << 30) - 1;
inline constexpr std::uint32_t kIdentifierMax = (1U << 28) - 1;

struct Subscription {
  std::uint32_t subscriber = 0;
  SubscriptionOptions options;

  friend bool operator==(const Subscription&, const Subscription&) = default;
};

// A Subscription in 8 bytes. More than kSubscriberMax or kIdentifierMax is a programming error.
class PackedSubscription {
 public:
  PackedSubscription() = default;
  explicit PackedSubscription(const Subscription& from) noexcept
      : bits_(std::uint64_t{from.subscriber} | std::uint64_t{from.options.identifier} << 30 |
              std::uint64_t{static_cast<std::uint8_t>(from.options.qos)} << 58 |
              std::uint64_t{from.options.no_local} << 60 | std::uint64_t{from.options.retain_as_published} << 61 |
              std::uint64_t{static_cast<std::uint8_t>(from.options.retain_handling)} << 62) {}

  [[nodiscard]] std::uint32_t subscriber() const noexcept { return static_cast<std::uint32_t>(bits_ & kSubscriberMax); }
  [[nodiscard]] Subscription unpacked() const noexcept {
    return {subscriber(),
            {.qos = static_cast<Qos>(bits_ >> 58 & 3),
             .no_local = (bits_ >> 60 & 1) != 0,
             .retain_as_published = (bits_ >> 61 & 1) != 0,
             .retain_handling = static_cast<RetainHandling>(bits_ >> 62),
             .identifier = static_cast<std::uint32_t>(bits_ >> 30 & kIdentifierMax)}};
  }

 private:
  std::uint64_t bits_ = 0;
};

}  // namespace holdfast::broker
