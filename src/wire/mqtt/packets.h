// wire/mqtt/packets.h: the packets of MQTT 3.1, 3.1.1 and 5.0 as values.
//
// One struct serves all versions: what a version has not is empty in it. Reason codes are those of MQTT 5; the return
// codes of older CONNACKs are translated.
// Thread: values; texts, bytes and lists point into the body they were read from, and live as long as that.
// Cost:   nothing allocates. A Publish has 256 bytes, a Connect 552: keep one and read into it again and again.
#pragma once

#include <cstddef>
#include <cstdint>
#include <iterator>
#include <optional>
#include <span>
#include <string_view>
#include <variant>

#include "wire/mqtt/properties.h"
#include "wire/mqtt/reason.h"

namespace holdfast::wire::mqtt {

inline constexpr std::size_t kHeaderBytesMax = 5;
inline constexpr std::uint32_t kBodyBytesMax = 268'435'455;  // MQTT5 2.1.4
inline constexpr std::size_t kTextBytesMax = 65'535;         // MQTT5 1.5.4

// The fixed header: MQTT5 2.1, MQTT311 2.2.
struct Header {
  PacketType type{};
  std::uint8_t flags = 0;  // the lower four bits of the first byte
  std::uint8_t header_bytes = 0;
  std::uint32_t body_bytes = 0;

  [[nodiscard]] std::size_t packet_bytes() const noexcept { return std::size_t{header_bytes} + body_bytes; }
};

struct Will {
  std::string_view topic;
  std::span<const std::byte> payload;
  Qos qos = Qos::at_most_once;
  bool retain = false;
  Properties properties;
};

struct Connect {
  Version version = Version::v5;
  bool clean_start = true;  // before MQTT 5: clean session
  Seconds keep_alive{0};    // 0: none
  std::string_view client_id;
  std::optional<std::string_view> user_name;
  std::optional<std::span<const std::byte>> password;
  std::optional<Will> will;
  Properties properties;
};

struct Connack {
  bool session_present = false;
  Reason reason = Reason::success;
  Properties properties;
};

struct Publish {
  Qos qos = Qos::at_most_once;
  bool retain = false;
  bool dup = false;
  std::uint16_t packet_id = 0;  // 0 with QoS 0
  std::string_view topic;       // empty only beside a topic alias
  std::span<const std::byte> payload;
  Properties properties;
};

// PUBACK, PUBREC, PUBREL, PUBCOMP.
struct Ack {
  PacketType type = PacketType::puback;
  std::uint16_t packet_id = 0;
  Reason reason = Reason::success;
  Properties properties;
};

enum class RetainHandling : std::uint8_t { send = 0, send_if_new = 1, do_not_send = 2 };

struct FilterOptions {
  Qos qos = Qos::at_most_once;
  bool no_local = false;
  bool retain_as_published = false;
  RetainHandling retain_handling = RetainHandling::send;

  friend bool operator==(const FilterOptions&, const FilterOptions&) = default;
};

struct Filter {
  std::string_view filter;
  FilterOptions options;  // not of UNSUBSCRIBE
};

// What SUBSCRIBE and UNSUBSCRIBE list: a range of Filter over encoded, valid bytes.
class FilterList {
 public:
  enum class Kind : std::uint8_t { with_options, without_options };

  class Iterator {
   public:
    using value_type = Filter;
    using difference_type = std::ptrdiff_t;

    Iterator() = default;
    Iterator(std::span<const std::byte> rest, Kind kind) noexcept : rest_(rest), kind_(kind) {}
    [[nodiscard]] Filter operator*() const noexcept;
    Iterator& operator++() noexcept;
    Iterator operator++(int) noexcept;
    [[nodiscard]] bool operator==(std::default_sentinel_t) const noexcept { return rest_.empty(); }
    [[nodiscard]] bool operator==(const Iterator& other) const noexcept { return rest_.data() == other.rest_.data(); }

   private:
    std::span<const std::byte> rest_;
    Kind kind_ = Kind::with_options;
  };

  FilterList() = default;
  // `encoded` by append_filter() (encode.h), or checked by the decoder.
  FilterList(std::span<const std::byte> encoded, Kind kind) noexcept : bytes_(encoded), kind_(kind) {}

  [[nodiscard]] Iterator begin() const noexcept { return {bytes_, kind_}; }
  [[nodiscard]] static std::default_sentinel_t end() noexcept { return {}; }
  [[nodiscard]] bool empty() const noexcept { return bytes_.empty(); }
  [[nodiscard]] std::size_t count() const noexcept;  // a walk
  [[nodiscard]] std::span<const std::byte> bytes() const noexcept { return bytes_; }

 private:
  std::span<const std::byte> bytes_;
  Kind kind_ = Kind::with_options;
};

struct Subscribe {
  std::uint16_t packet_id = 0;
  FilterList filters;  // UTF-8 and not empty; the syntax of wildcards and of $share is not looked at
  Properties properties;
};

struct Unsubscribe {
  std::uint16_t packet_id = 0;
  FilterList filters;
  Properties properties;
};

// `codes` has one Reason, a byte, for each filter: std::as_bytes() of a span of Reason is one of these.
struct Suback {
  std::uint16_t packet_id = 0;
  std::span<const std::byte> codes;
  Properties properties;

  [[nodiscard]] Reason code(std::size_t index) const noexcept { return static_cast<Reason>(codes[index]); }
};

// Before MQTT 5 without codes.
struct Unsuback {
  std::uint16_t packet_id = 0;
  std::span<const std::byte> codes;
  Properties properties;

  [[nodiscard]] Reason code(std::size_t index) const noexcept { return static_cast<Reason>(codes[index]); }
};

// PINGREQ, PINGRESP.
struct Ping {
  PacketType type = PacketType::pingreq;
};

struct Disconnect {
  Reason reason = Reason::normal_disconnection;
  Properties properties;
};

struct Auth {
  Reason reason = Reason::success;
  Properties properties;
};

using Packet =
    std::variant<Connect, Connack, Publish, Ack, Subscribe, Suback, Unsubscribe, Unsuback, Ping, Disconnect, Auth>;

}  // namespace holdfast::wire::mqtt
