// broker/core/ports.h: what a shard asks of the server around it, and nothing else. A test puts itself in its place.
//
// Thread: the shard's. None of these calls comes back into the shard, but granted() may: attach() is called from there.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>

#include "base/slab.h"
#include "broker/core/claims.h"
#include "broker/core/end_reason.h"
#include "broker/core/enhanced_auth.h"
#include "broker/core/mail.h"
#include "broker/core/message.h"

namespace holdfast::broker {

// What a client wants to do with a topic or a filter.
enum class Action : std::uint8_t { publish, subscribe };

class Ports {
 public:
  // Whether the access rules allow it to the client of this connection.
  [[nodiscard]] virtual bool may(base::Key link, Action action, std::string_view topic) = 0;
  // Whether there is room for another packet. After a no, Shard::on_room() is called when there is again.
  [[nodiscard]] virtual bool ready(base::Key link) = 0;
  // Gathers bytes for the client; whole packets. Those of a connection that has gone vanish.
  virtual void send(base::Key link, std::span<const std::byte> bytes) = 0;
  // The same, and then the payload of `message`, which ends the packet.
  virtual void send(base::Key link, std::span<const std::byte> head, const MessageRef& message) = 0;
  // Ends the connection when what was sent has been delivered. The shard is about to forget it.
  virtual void end(base::Key link, EndReason reason) = 0;
  // The answer to Shard::claim(): which shard the session belongs to. False when the connection has gone.
  virtual bool granted(base::Key link, unsigned holder) = 0;
  // Begins a run of an authentication method with the client of this connection; null when there is no such method. Its
  // answers come by Shard::on_auth_step() where CONNACK has been sent.
  [[nodiscard]] virtual std::unique_ptr<AuthMethod> begin_auth(base::Key link, const AuthQuestion& question) = 0;
  // Whether the will of this client, whose connection was read as `token`, may be published now. After a no it is asked
  // again every kWillHeldBack, whatever becomes of the session: who says no must say yes one day.
  [[nodiscard]] virtual bool may_fire(std::string_view client_id, ClaimToken token) = 0;
  // Room for a message of so many bytes among those of the node that wait for their time (ShardSettings::delayed_max
  // and delayed_bytes_max): false when there is none. What was taken is given back.
  [[nodiscard]] virtual bool take_delayed_room(std::size_t bytes) = 0;
  virtual void give_delayed_room(std::size_t bytes) = 0;
  // The client is let in, but its will is not kept: the access rules deny it, or rewrite rules made no topic of its
  // own.
  virtual void will_refused(base::Key link, std::string_view client_id, wire::mqtt::Reason why) = 0;
  // To another shard, in order.
  virtual void mail(unsigned shard, Mail mail) = 0;

 protected:
  ~Ports() = default;
};

}  // namespace holdfast::broker
