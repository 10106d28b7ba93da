// broker/core/topic_aliases.h: the short numbers that stand for topics on one connection, in both directions.
//
// Source: MQTT5 3.3.2.3.4. Belongs to a connection, never to a session: [MQTT-3.3.2-7] ends them together.
// Thread: the worker's. Memory: 16 bytes each while unused, and they own nothing.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

#include "wire/mqtt/reason.h"

namespace holdfast::broker {

// What the client has named.
//
// Cost: a look-up is O(log n); a new name moves the entries above it. Limits: `maximum`, the Topic Alias Maximum that
// CONNACK announced; each name costs 16 bytes and its topic (a heap block), so at most maximum x 65,551 bytes. The
// shard gives it no more of a topic than topic_length_max and one byte.
class InboundAliases {
 public:
  InboundAliases() = default;
  explicit InboundAliases(std::uint16_t maximum) noexcept : maximum_(maximum) {}

  // What to make of a PUBLISH with `topic` and `alias`, where 0 is none: `topic` becomes the one that is meant, and
  // lives as long as what it came from or until the alias is given another topic.
  // The fault is topic_alias_invalid beyond the maximum, protocol_error for one that names nothing.
  [[nodiscard]] const wire::mqtt::Fault* resolve(std::uint16_t alias, std::string_view& topic);

  [[nodiscard]] std::uint16_t maximum() const noexcept { return maximum_; }
  [[nodiscard]] std::size_t size() const noexcept { return entries_ ? entries_->size() : 0; }
  [[nodiscard]] std::size_t memory_bytes() const noexcept;

 private:
  struct Entry {
    std::unique_ptr<char[]> topic;
    std::uint16_t topic_bytes;
    std::uint16_t alias;

    [[nodiscard]] std::string_view text() const noexcept { return {topic.get(), topic_bytes}; }
  };

  void put(std::uint16_t alias, std::string_view topic);
  [[nodiscard]] const Entry* find(std::uint16_t alias) const noexcept;

  std::unique_ptr<std::vector<Entry>> entries_;  // by alias
  std::uint16_t maximum_ = 0;
};
static_assert(sizeof(InboundAliases) == 16);

// What we name for the client.
//
// A topic gets a number when it comes the second time, so one that never comes again costs nothing on the wire. Each
// topic has one place it can have (by its hash), which holds on to a topic that comes often and gives one up that
// others crowd out. Topics that are short gain nothing, and very long ones would cost memory: both are always written
// out. Cost: O(1). Limits: `maximum`, the smaller of the client's Topic Alias Maximum and ours; each place costs 16
// bytes and the topic that it names, at most maximum x (16 + kTopicBytesMax).
class OutboundAliases {
 public:
  static constexpr std::size_t kTopicBytesMin = 8;
  static constexpr std::size_t kTopicBytesMax = 512;

  struct Choice {
    std::uint16_t alias = 0;  // 0: none
    bool is_known = false;    // the client knows it: leave the topic away
  };

  OutboundAliases() = default;
  explicit OutboundAliases(std::uint16_t maximum) noexcept : maximum_(maximum) {}

  // How to write `topic` in the PUBLISH that is written now. A choice that is not written must be taken back.
  [[nodiscard]] Choice choose(std::string_view topic);
  // Forgets the name that choose() has just given, because the packet was too large with it.
  void take_back(std::uint16_t alias) noexcept;

  [[nodiscard]] std::uint16_t maximum() const noexcept { return maximum_; }
  [[nodiscard]] std::size_t memory_bytes() const noexcept;

 private:
  static constexpr std::uint8_t kCreditMax = 8;

  struct Place {
    std::unique_ptr<char[]> topic;  // null: seen, and not yet named
    std::uint32_t hash = 0;         // of the topic it is about
    std::uint16_t topic_bytes = 0;
    std::uint8_t credit = 0;  // how many others must come before it is given up; 0: empty
  };
  static_assert(sizeof(Place) == 16);

  std::unique_ptr<Place[]> places_;  // maximum_ of them; place i names alias i + 1
  std::uint16_t maximum_ = 0;
};
static_assert(sizeof(OutboundAliases) == 16);

}  // namespace holdfast::broker
