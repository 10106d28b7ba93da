// broker/core/client.h: a session's client while it is connected: how it is spoken to, and what lasts as long as the
// connection.
//
// Thread: the worker's. Memory: 144 bytes, its will, its method and its aliases, while connected.
#pragma once

#include <chrono>
#include <memory>
#include <optional>

#include "base/peer_address.h"
#include "base/slab.h"
#include "broker/core/enhanced_auth.h"
#include "broker/core/hooks.h"
#include "broker/core/limits.h"
#include "broker/core/outlet.h"
#include "broker/core/ports.h"
#include "broker/core/shard_counters.h"
#include "broker/core/topic_aliases.h"
#include "broker/core/will_registry.h"

namespace holdfast::broker {

class Client final : public Outlet {
 public:
  // What all clients of a shard share.
  struct Tools {
    Ports& ports;
    ShardCounters& counters;
    const HookList& hooks;
    wire::mqtt::Bytes scratch = {};  // where packets are made
  };

  Client(Tools& tools, base::Key its_link, const ListenerLimits& its_limits)
      : link(its_link), limits(its_limits), tools_(tools) {}

  [[nodiscard]] bool ready() override { return tools_.ports.ready(link); }
  void publish(const OutgoingPublish& publish) override;
  void ack(wire::mqtt::PacketType type, std::uint16_t packet_id, wire::mqtt::Reason reason) override;

  void send(const wire::mqtt::Connack& connack);
  void send(const wire::mqtt::Suback& suback);
  void send(const wire::mqtt::Unsuback& unsuback);
  void send_pingresp();
  // Of its `auth`. False when it would be larger than the client takes.
  [[nodiscard]] bool send_auth(const AuthStep& step);
  // DISCONNECT, where the version has one; `what` is told to who wants to know.
  void send_disconnect(wire::mqtt::Reason reason, const char* what);

  [[nodiscard]] bool is_v5() const noexcept { return terms.version == wire::mqtt::Version::v5; }

  const base::Key link;
  const ListenerLimits& limits;
  base::PeerAddress address;
  InboundAliases inbound;
  WillNumber will = 0;
  std::unique_ptr<AuthExchange> auth;        // null: CONNECT named no method
  std::chrono::milliseconds silence_max{0};  // 0: it may say nothing for ever
  bool wants_reasons = true;                 // Request Problem Information

 private:
  void send_scratch();
  void tell_delivered(const OutgoingPublish& publish) const;

  Tools& tools_;
};

}  // namespace holdfast::broker
