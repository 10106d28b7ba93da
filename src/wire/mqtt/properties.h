// wire/mqtt/properties.h: the properties of MQTT 5 packets, of all of them in one struct.
//
// Source: MQTT5 2.2.2. Thread: values; texts and bytes point into the packet they were read from.
// Cost: nothing allocates; user properties and the subscription identifiers of PUBLISH stay encoded and are walked.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <span>
#include <string_view>

#include "wire/mqtt/reason.h"

namespace holdfast::wire::mqtt {

using Seconds = std::chrono::duration<std::uint32_t>;

// Of a session expiry: it never ends (MQTT5 3.1.2.11.2).
inline constexpr Seconds kNever{0xffff'ffff};

// The number is the identifier on the wire.
enum class Property : std::uint8_t {
  payload_format = 0x01,
  message_expiry = 0x02,
  content_type = 0x03,
  response_topic = 0x08,
  correlation_data = 0x09,
  subscription_id = 0x0b,
  session_expiry = 0x11,
  assigned_client_id = 0x12,
  server_keep_alive = 0x13,
  auth_method = 0x15,
  auth_data = 0x16,
  request_problem_information = 0x17,
  will_delay = 0x18,
  request_response_information = 0x19,
  response_information = 0x1a,
  server_reference = 0x1c,
  reason_string = 0x1f,
  receive_maximum = 0x21,
  topic_alias_maximum = 0x22,
  topic_alias = 0x23,
  maximum_qos = 0x24,
  retain_available = 0x25,
  user_property = 0x26,
  maximum_packet_size = 0x27,
  wildcard_subscription_available = 0x28,
  subscription_id_available = 0x29,
  shared_subscription_available = 0x2a,
};

[[nodiscard]] constexpr std::uint64_t bit(Property property) noexcept {
  return std::uint64_t{1} << static_cast<unsigned>(property);
}

// Those that a broker hands on with the message (MQTT5 3.3.2.3: "unaltered").
inline constexpr std::uint64_t kForwarded = bit(Property::payload_format) | bit(Property::content_type) |
                                            bit(Property::response_topic) | bit(Property::correlation_data) |
                                            bit(Property::user_property);

struct UserProperty {
  std::string_view name;
  std::string_view value;
};

// A range over encoded, valid properties that shows those of one kind: T is UserProperty, or std::uint32_t for
// subscription identifiers.
template <typename T>
class PropertyRange {
 public:
  class Iterator {
   public:
    using value_type = T;
    using difference_type = std::ptrdiff_t;

    Iterator() = default;
    explicit Iterator(std::span<const std::byte> rest) noexcept : rest_(rest) { advance(); }
    [[nodiscard]] const T& operator*() const noexcept { return value_; }
    [[nodiscard]] const T* operator->() const noexcept { return &value_; }
    Iterator& operator++() noexcept { return advance(), *this; }
    Iterator operator++(int) noexcept {
      Iterator before = *this;
      advance();
      return before;
    }
    [[nodiscard]] bool operator==(std::default_sentinel_t) const noexcept { return at_end_; }
    [[nodiscard]] bool operator==(const Iterator& other) const noexcept {
      return rest_.data() == other.rest_.data() && at_end_ == other.at_end_;
    }

   private:
    void advance() noexcept;

    std::span<const std::byte> rest_;
    T value_{};
    bool at_end_ = true;
  };

  PropertyRange() = default;
  explicit PropertyRange(std::span<const std::byte> block) noexcept : block_(block) {}
  [[nodiscard]] Iterator begin() const noexcept { return Iterator(block_); }
  [[nodiscard]] static std::default_sentinel_t end() noexcept { return {}; }

 private:
  std::span<const std::byte> block_;
};

using UserProperties = PropertyRange<UserProperty>;
using SubscriptionIds = PropertyRange<std::uint32_t>;

// A value that is not present is the one the standard means by its absence, where it has one. The encoder writes what
// is present, so to send a property use set().
struct Properties {
  std::uint64_t present = 0;
  // The properties as they came, without their length: where user_properties() and subscription_ids() look.
  std::span<const std::byte> block;

  std::string_view content_type;
  std::string_view response_topic;
  std::span<const std::byte> correlation_data;
  std::string_view assigned_client_id;
  std::string_view auth_method;
  std::span<const std::byte> auth_data;
  std::string_view response_information;
  std::string_view server_reference;
  std::string_view reason_string;

  Seconds message_expiry{0};
  Seconds session_expiry{0};  // kNever
  Seconds will_delay{0};
  Seconds server_keep_alive{0};
  std::uint32_t subscription_id = 0;      // of PUBLISH the first of subscription_id_count
  std::uint32_t maximum_packet_size = 0;  // 0: no limit
  std::uint16_t subscription_id_count = 0;
  std::uint16_t receive_maximum = 65'535;
  std::uint16_t topic_alias_maximum = 0;
  std::uint16_t topic_alias = 0;
  std::uint8_t payload_format = 0;  // 1: the payload is UTF-8
  bool block_has_all = false;       // `block` says everything that is present: so it is when it came so
  Qos maximum_qos = Qos::exactly_once;
  bool request_problem_information = true;
  bool request_response_information = false;
  bool retain_available = true;
  bool wildcard_subscription_available = true;
  bool subscription_id_available = true;
  bool shared_subscription_available = true;

  [[nodiscard]] bool has(Property property) const noexcept { return (present & bit(property)) != 0; }
  [[nodiscard]] UserProperties user_properties() const noexcept { return UserProperties(block); }
  [[nodiscard]] SubscriptionIds subscription_ids() const noexcept { return SubscriptionIds(block); }

  // A property of the wrong kind for the value is a programming error and ends the process.
  void set(Property property, std::uint32_t value) noexcept;  // numbers, seconds, yes and no (1 and 0)
  void set(Property property, std::string_view value) noexcept;
  void set(Property property, std::span<const std::byte> value) noexcept;
  // `encoded` by append_user_property() (encode.h); takes the place of `block`.
  void set_user_properties(std::span<const std::byte> encoded) noexcept;
};

}  // namespace holdfast::wire::mqtt
