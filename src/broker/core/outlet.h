// broker/core/outlet.h: what a session sees of the world: the connection it writes to, and who counts what is lost.
//
// Thread: the worker's. Nothing here may call the session back; what has to follow (closing, say) follows later.
#pragma once

#include <cstdint>

#include "base/time.h"
#include "broker/core/message.h"
#include "broker/core/topic_aliases.h"
#include "wire/mqtt/encode.h"

namespace holdfast::broker {

class Session;
struct OutItem;

// What both ends agreed on by CONNECT and CONNACK, for as long as the connection lasts.
struct LinkTerms {
  wire::mqtt::Version version = wire::mqtt::Version::v5;
  std::uint16_t receive_maximum = 65'535;          // the client's: how many QoS 1 and 2 it takes at a time
  std::uint16_t inbound_receive_maximum = 65'535;  // ours, as CONNACK said it; of older clients, of QoS 2 only
  std::uint16_t topic_prefix_bytes = 0;            // how much of a topic is the mountpoint, which the client never sees
  std::uint32_t packet_bytes_max = 0;              // the client's Maximum Packet Size; 0: none
};

struct OutgoingPublish {
  // Ready for encode_publish_head(). The topic is empty where the alias says it.
  wire::mqtt::PublishHead head;
  // Holds what the head points to, and the payload. Keep a copy of the reference to write the payload later.
  const MessageRef& message;
  const Session& session;  // whose copy it is
};

// The way to the client. Made by the server for a connection; a session without one is offline.
class Outlet {
 public:
  LinkTerms terms;
  OutboundAliases aliases;

  // Whether there is room for one more packet. When there is again, the server calls Session::pump().
  [[nodiscard]] virtual bool ready() = 0;
  // To be written in the order of the calls. The packet is taken, whatever becomes of the connection.
  virtual void publish(const OutgoingPublish& publish) = 0;
  // PUBACK, PUBREC, PUBREL or PUBCOMP. May come when the outlet is not ready(); bounded by what the client sends.
  virtual void ack(wire::mqtt::PacketType type, std::uint16_t packet_id, wire::mqtt::Reason reason) = 0;

 protected:
  ~Outlet() = default;
};

enum class DropReason : std::uint8_t {
  expired,        // its Message Expiry Interval has passed before delivery began
  queue_full,     // too many or too large; also the oldest one that had to make room
  offline,        // QoS 0 for a client that is away, and such are not kept
  not_ready,      // QoS 0 for a connection that is full, and such are not kept
  too_large,      // above the client's Maximum Packet Size
  refused,        // the client acknowledged it with a reason code of 0x80 or more
  session_ended,  // it waited, or was not acknowledged, when the session came to its end
};
[[nodiscard]] const char* name(DropReason reason) noexcept;

inline constexpr std::uint32_t kNoShareGroup = ~0U;

// Every message a session was given ends in one of two ways: handed to the client, or told here. A message that was
// sent and is then refused, or is not acknowledged when the session ends, is told here too.
class Ledger {
 public:
  virtual void dropped(const Session& session, const Message& message, DropReason reason) = 0;
  // A QoS 1 or 2 copy that the session got through a shared group is with it no more: acknowledged or dropped.
  virtual void settled(const Session& session, std::uint32_t share_group) = 0;
  // The client has said that it has a copy of QoS 1 or 2. Told only where wants_acknowledged says so.
  virtual void acknowledged(const Session& /*session*/, const OutItem& /*copy*/) {}

  bool wants_acknowledged = false;

 protected:
  ~Ledger() = default;
};

// What nearly every call of a session needs.
struct Context {
  Outlet* outlet = nullptr;  // null: the client is away
  Ledger& ledger;
  base::Time now;
};

}  // namespace holdfast::broker
