// broker/core/hooks.h: the seam for whoever wants to know what happens in a shard. Presence is built in (presence.h);
// webhooks and scripts stand behind the same interface and carry what they are told to control by their mailboxes.
//
// Thread:  made while the node starts, one for each shard, by ShardSettings::hooks; told on the shard's worker.
// Cost:    what nobody wants costs the test of a bit, and nothing is built for it. What is wanted: one virtual call for
//          each hook that wants it, in the order of ShardSettings::hooks; no allocation here.
// Limits:  a hook may not block, nor call the shard, but for its Announcer as that says. Whoever carries events further
//          bounds what waits, and counts what it lets go: nothing here waits for it.
// Errors:  none. A hook cannot refuse or change what it is told: that is for the access rules and rewrite rules.
// Lifetime: views are valid during the call only.
//
// EMQ 2.x tells the same as eleven actions:
//
//   client_connected     Connected       client_subscribe      Subscribed     session_created      SessionBegun
//   client_disconnected  Gone            session_subscribed    Subscribed     session_terminated   SessionEnded
//   message_publish      Published       client_unsubscribe    Unsubscribed   message_delivered    Delivered
//                                        session_unsubscribed  Unsubscribed   message_acked        Acknowledged
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string_view>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include "base/peer_address.h"
#include "broker/core/end_reason.h"
#include "broker/core/message.h"
#include "broker/core/outlet.h"
#include "broker/core/subscription.h"
#include "wire/mqtt/packets.h"

namespace holdfast::broker {

// What a shard tells.
//
// Of one client in this order: SessionBegun, where it had none; what its session has for it and gets at once;
// Connected; what it does; Gone; what becomes of what it leaves; SessionEnded. Its will comes after Gone, and after
// SessionEnded where it had to wait. A CONNECT that is refused is not told.
namespace told {

struct Who {
  std::string_view client_id;
  std::string_view user;  // vouched for; empty: nobody in particular
};

struct MessageView {
  MessageId id;
  std::string_view topic;  // of the node: what rewrite rules have made of it, with the mountpoint before it
  Qos qos = Qos::at_most_once;
  bool retain = false;
  std::span<const std::byte> properties;  // as Message::properties()
  std::span<const std::byte> payload;
};

[[nodiscard]] inline MessageView view_of(const Message& message) noexcept {
  return {.id = message.id(),
          .topic = message.topic(),
          .qos = message.qos(),
          .retain = message.retain(),
          .properties = message.properties(),
          .payload = message.payload()};
}

// CONNACK has been sent, and what follows from it is done.
struct Connected {
  Who who;
  base::PeerAddress address;
  wire::mqtt::Version version = wire::mqtt::Version::v5;
  wire::mqtt::Seconds keep_alive{0};  // as agreed; 0: none
  wire::mqtt::Seconds session_expiry{0};
  bool session_present = false;
};

// The connection has ended, or will when what was sent is delivered. The session is still there, and so is the will.
struct Gone {
  Who who;
  base::PeerAddress address;
  EndReason reason = EndReason::none;
};

struct SessionBegun {
  Who who;
  wire::mqtt::Seconds expiry{0};
};

// Its subscriptions have ended with it; they are not told one by one.
struct SessionEnded {
  enum class Why : std::uint8_t {
    expired,
    with_connection,  // it was to last no longer
    replaced,         // the client id begins another one
  };

  Who who;
  Why why = Why::expired;
};

// A subscription is there: asked for by the client, or made for it. SUBACK may have to wait for other shards still. Not
// told: one that is refused, and those that a session comes back with.
struct Subscribed {
  Who who;
  std::string_view filter;      // as the session has it, with $share/GROUP/ or $exclusive/
  std::string_view mountpoint;  // that stands before its topics
  SubscriptionOptions options;
  bool is_new = false;  // else its options are new
};

// At the client's word, and only of what was there.
struct Unsubscribed {
  Who who;
  std::string_view filter;
  std::string_view mountpoint;
};

// Accepted from a client, or its will that is published now. Told before any copy of it is.
struct Published {
  Who from;
  MessageView message;
  std::chrono::seconds delay{0};  // of $delayed; told when it is accepted, and not again when it goes out
};

// A copy is handed to the connection of a client, for the first time. QoS and retain flag are those of the copy.
struct Delivered {
  Who to;
  MessageView message;
};

// The client has said that it has the copy: PUBACK, or PUBREC of QoS 2, with success.
struct Acknowledged {
  Who by;
  MessageView message;
};

// A copy will not, or not any more, reach the client. QoS and retain flag are those of the message.
struct Dropped {
  Who to;
  MessageView message;
  DropReason reason{};
};

}  // namespace told

using HookEvent = std::variant<told::Connected, told::Gone, told::SessionBegun, told::SessionEnded, told::Subscribed,
                               told::Unsubscribed, told::Published, told::Delivered, told::Acknowledged, told::Dropped>;

// In the order of HookEvent.
enum class HookKind : std::uint8_t {
  connected,
  gone,
  session_begun,
  session_ended,
  subscribed,
  unsubscribed,
  published,
  delivered,
  acknowledged,
  dropped,
};
static_assert(std::variant_size_v<HookEvent> == static_cast<std::size_t>(HookKind::dropped) + 1);

// A set of kinds.
class HookKinds {
 public:
  constexpr HookKinds() = default;
  template <typename... Kinds>
  constexpr explicit HookKinds(HookKind first, Kinds... rest) : bits_((bit(first) | ... | bit(rest))) {}

  [[nodiscard]] static constexpr HookKinds all() {
    HookKinds kinds;
    kinds.bits_ = (1U << std::variant_size_v<HookEvent>)-1;
    return kinds;
  }
  [[nodiscard]] constexpr bool has(HookKind kind) const noexcept { return (bits_ & bit(kind)) != 0; }
  constexpr void add(HookKinds others) noexcept { bits_ |= others.bits_; }

 private:
  [[nodiscard]] static constexpr std::uint32_t bit(HookKind kind) noexcept { return 1U << static_cast<unsigned>(kind); }

  std::uint32_t bits_ = 0;
};

class Hooks {
 public:
  Hooks() = default;
  Hooks(const Hooks&) = delete;
  Hooks& operator=(const Hooks&) = delete;
  virtual ~Hooks() = default;

  // Asked once, at the start.
  [[nodiscard]] virtual HookKinds wants() const = 0;
  // Only of kinds that it wants.
  virtual void tell(const HookEvent& event) = 0;
};

// How a hook says something in the name of the broker. Only while it is told of Connected or Gone, when the shard is
// between two messages; at any other time it is a programming error.
class Announcer {
 public:
  // Whether there is anybody to hear it.
  [[nodiscard]] virtual bool is_wanted(std::string_view topic) = 0;
  // Gives it an id of its own.
  virtual void announce(const Message::Parts& parts) = 0;

 protected:
  ~Announcer() = default;
};

// Makes a hook for one shard, whose Announcer outlives it.
using HooksMaker = std::function<std::unique_ptr<Hooks>(Announcer& announcer)>;

// All hooks of one shard.
class HookList {
 public:
  HookList(const std::vector<HooksMaker>& makers, Announcer& announcer);

  [[nodiscard]] bool wants(HookKind kind) const noexcept { return wants_.has(kind); }
  // To those that want it.
  void tell(const HookEvent& event) const;

 private:
  struct Entry {
    std::unique_ptr<Hooks> hooks;
    HookKinds wants;
  };

  std::vector<Entry> entries_;
  HookKinds wants_;
};

}  // namespace holdfast::broker
