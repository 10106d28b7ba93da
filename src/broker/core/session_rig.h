// broker/core/session_rig.h: for tests: an outlet and a ledger that write down what they are told, as short lines.
//
//   q1 #7 a/b=text dup retain ids=1,2 expiry=5 alias=3    a PUBLISH; without its topic: q1 #7 =text alias=3
//   PUBREL #7 0x92                                        an acknowledgement
//   expired a/b=text                                      a message that was dropped
//   settled 3                                             a copy of that shared group is done with
#pragma once

#include <chrono>
#include <cstdint>
#include <limits>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "broker/core/session.h"

namespace holdfast::broker::session_rig {

using namespace std::chrono_literals;
using wire::mqtt::PacketType;
using wire::mqtt::Reason;
using wire::mqtt::Seconds;
using wire::mqtt::Version;

using Lines = std::vector<std::string>;

inline constexpr Qos kQos0 = Qos::at_most_once;
inline constexpr Qos kQos1 = Qos::at_least_once;
inline constexpr Qos kQos2 = Qos::exactly_once;
inline constexpr base::Time kStart{std::chrono::hours(24)};

inline std::string text_of_message(std::string_view topic, const Message& message) {
  const auto payload = message.payload();
  return std::string(topic) + "=" + std::string(reinterpret_cast<const char*>(payload.data()), payload.size());
}

class WritingOutlet final : public Outlet {
 public:
  bool ready() override { return room > 0; }
  void publish(const OutgoingPublish& publish) override {
    --room;
    const wire::mqtt::PublishHead& head = publish.head;
    std::string line = "q" + std::to_string(static_cast<int>(head.qos));
    if (head.qos != kQos0) line += " #" + std::to_string(head.packet_id);
    line += " " + text_of_message(head.topic, *publish.message);
    if (head.dup) line += " dup";
    if (head.retain) line += " retain";
    std::string before = " ids=";
    for (const std::uint32_t id : head.subscription_ids) line += std::exchange(before, ",") + std::to_string(id);
    if (head.message_expiry) line += " expiry=" + std::to_string(head.message_expiry->count());
    if (head.topic_alias != 0) line += " alias=" + std::to_string(head.topic_alias);
    lines.push_back(std::move(line));
  }
  void ack(PacketType type, std::uint16_t packet_id, Reason reason) override {
    constexpr std::string_view kHex = "0123456789abcdef";
    const auto code = static_cast<std::uint8_t>(reason);
    std::string line = std::string(wire::mqtt::name(type)) + " #" + std::to_string(packet_id);
    if (code != 0) line += std::string(" 0x") + kHex[code >> 4] + kHex[code & 15];
    lines.push_back(std::move(line));
  }

  // As of a connection that has just come.
  void restart(const LinkTerms& agreed) {
    terms = agreed;
    aliases = OutboundAliases();
    room = std::numeric_limits<std::size_t>::max();
    lines.clear();
  }

  std::size_t room = std::numeric_limits<std::size_t>::max();
  Lines lines;
};

class WritingLedger final : public Ledger {
 public:
  void dropped(const Session& /*session*/, const Message& message, DropReason reason) override {
    lines.push_back(std::string(name(reason)) + " " + text_of_message(message.topic(), message));
  }
  void settled(const Session& /*session*/, std::uint32_t share_group) override {
    lines.push_back("settled " + std::to_string(share_group));
  }

  Lines lines;
};

// A session with one connection at a time.
class Rig {
 public:
  explicit Rig(const SessionLimits& limits = {}, const LinkTerms& terms = {}) : session("client", "user", 1, limits) {
    connect(terms);
  }

  void connect(const LinkTerms& terms = {}) {
    outlet.restart(terms);
    online = true;
    session.attach(context());
  }
  void cut() {
    online = false;
    session.detach(now);
  }
  [[nodiscard]] Context context() { return {online ? &outlet : nullptr, ledger, now}; }

  static MessageRef message(Qos qos, std::string_view payload, base::Time expires = Message::kNever,
                            std::string_view topic = "t") {
    return Message::make(
        {.qos = qos, .expires = expires, .topic = topic, .payload = std::as_bytes(std::span(payload))});
  }
  Outcome deliver(Qos qos, std::string_view payload, base::Time expires = Message::kNever) {
    return session.deliver(message(qos, payload, expires), {.qos = qos}, context());
  }
  // What was written since the last call.
  Lines sent() { return std::exchange(outlet.lines, {}); }
  Lines lost() { return std::exchange(ledger.lines, {}); }

  WritingLedger ledger;
  WritingOutlet outlet;
  bool online = false;
  base::Time now = kStart;
  Session session;
};

}  // namespace holdfast::broker::session_rig
