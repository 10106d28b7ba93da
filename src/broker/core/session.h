// broker/core/session.h: what the broker keeps for one client, beyond the life of a connection.
//
// Who the client is, its subscriptions, what was sent and is not acknowledged, what waits, and which QoS 2 messages it
// has begun to publish. The connection is not here: it is the Outlet of each call, and null while the client is away. A
// take-over is detach() and attach() with another outlet. No session knows another.
//
// Order: messages of one topic and QoS reach the client in the order of deliver(). A QoS 0 message goes past those of
//        QoS 1 and 2 that wait for room in the window, unless QoS 0 is stored too: then there is one line for all.
// Thread: the worker's. Nothing here may be called from inside an Outlet or a Ledger.
// Cost:   deliver() and acknowledgements O(1); QoS 0 to an outlet that is ready allocates nothing.
// Memory: 216 bytes, plus heap blocks for client id, user name and subscriptions (8 + 8 bytes each and the filter);
//         idle with one subscription below 400 bytes in all. 24 bytes for each message in flight or queued; storage
//         that is empty is given back.
// Limits: SessionLimits; subscriptions are counted by the caller.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "broker/core/flat_text.h"
#include "broker/core/inbound_flow.h"
#include "broker/core/out_queue.h"
#include "broker/core/out_window.h"
#include "broker/core/outlet.h"
#include "broker/core/subscription.h"
#include "wire/mqtt/packets.h"

namespace holdfast::broker {

struct SubscriptionEntry {
  FlatText filter;  // as the client wrote it, with $share/GROUP/
  SubscriptionOptions options;
};
static_assert(sizeof(SubscriptionEntry) == 16);

// One copy of a message for one client, made of all its subscriptions that match.
struct Delivery {
  Qos qos = Qos::at_most_once;                // the highest that was granted; a message is never sent above its own
  bool retain = false;                        // the flag to send
  std::uint32_t share_group = kNoShareGroup;  // the caller's name for it, given back by Ledger::settled()
  std::span<const std::uint32_t> subscription_ids = {};  // of all of them that have one
};

// Queued is said also of one that went out at once because others gave way to it.
struct Outcome {
  enum class What : std::uint8_t { sent, queued, dropped };
  What what = What::sent;
  DropReason reason{};      // of a dropped one
  bool disconnect = false;  // the queue is full, and the policy is that the client goes (quota_exceeded)
};

class Session {
 public:
  // `serial` names the client, never 0: Message::publisher() of what it publishes.
  Session(std::string_view client_id, std::string_view user_name, std::uint64_t serial, const SessionLimits& limits);
  Session(Session&&) = default;

  [[nodiscard]] std::string_view client_id() const noexcept { return client_id_.view(); }
  [[nodiscard]] std::string_view user_name() const noexcept { return user_name_.view(); }
  [[nodiscard]] std::uint64_t serial() const noexcept { return serial_; }
  [[nodiscard]] const SessionLimits& limits() const noexcept { return limits_; }
  // What is above new limits stays until it leaves by itself.
  void set_limits(const SessionLimits& limits) noexcept { limits_ = limits; }

  // --- its life ---

  // A connection has come, and its CONNACK is written: what is unacknowledged goes out again, then what waits.
  void attach(const Context& context);
  // The connection has gone: the expiry interval begins.
  void detach(base::Time now);

  // As CONNECT said, capped by the caller; kNever for no end.
  void set_expiry(wire::mqtt::Seconds interval) noexcept { expiry_ = interval; }
  // As DISCONNECT says: a fault where it was 0 and would not be (MQTT5 3.14.2.2.2).
  [[nodiscard]] const wire::mqtt::Fault* change_expiry(wire::mqtt::Seconds interval) noexcept;
  [[nodiscard]] wire::mqtt::Seconds expiry() const noexcept { return expiry_; }
  // When the session ends; Time::max() while the client is there, or never.
  [[nodiscard]] base::Time ends_at() const noexcept;

  // The end of the session: everything it still has is told to the ledger as session_ended. Then destroy it.
  void discard(Ledger& ledger);

  // --- its subscriptions ---

  enum class Subscribed : std::uint8_t { fresh, replaced };
  Subscribed subscribe(std::string_view filter, const SubscriptionOptions& options);
  // False when there was none.
  bool unsubscribe(std::string_view filter);
  [[nodiscard]] const SubscriptionOptions* find_subscription(std::string_view filter) const noexcept;
  [[nodiscard]] std::span<const SubscriptionEntry> subscriptions() const noexcept {
    return subscriptions_;
  }  // by filter

  // --- to the client ---

  Outcome deliver(const MessageRef& message, const Delivery& delivery, const Context& context);
  // Sends what waits, as far as window and outlet allow; the acknowledgements below do it themselves. Returns how many
  // packets went out.
  std::size_t pump(const Context& context);

  // Acknowledgements of the client; the outlet is there. One for an identifier that is not in use is answered as the
  // standard says, or ignored; one of the wrong kind is a fault.
  [[nodiscard]] const wire::mqtt::Fault* on_puback(std::uint16_t packet_id, wire::mqtt::Reason reason,
                                                   const Context& context);
  [[nodiscard]] const wire::mqtt::Fault* on_pubrec(std::uint16_t packet_id, wire::mqtt::Reason reason,
                                                   const Context& context);
  [[nodiscard]] const wire::mqtt::Fault* on_pubcomp(std::uint16_t packet_id, wire::mqtt::Reason reason,
                                                    const Context& context);

  // Gives away what came through shared groups and may go to another member: of all that waits, and of QoS 1 that was
  // sent and is not acknowledged, that for which goes(const Message&, share_group) says so. The rest stays where it is,
  // and QoS 2 that was sent (MQTT5 4.8.2). Calls visit(MessageRef, share_group) for each that goes, oldest first, after
  // settled() for QoS 1 and 2.
  template <typename Goes, typename Visit>
  void take_shared(Ledger& ledger, Goes&& goes, Visit&& visit);
  // It has left the group, whose number will mean another one: what it has from it is its own.
  void keep_shared(std::uint32_t share_group) noexcept;

  // --- from the client ---

  // Of a PUBLISH with QoS 1 or 2, before anything else is done with it.
  [[nodiscard]] Arrival on_publish(Qos qos, std::uint16_t packet_id, const Context& context) {
    return inbound_.arrive(qos, packet_id, *context.outlet);
  }
  // The message of that ticket was taken by all who want it, or not at all: sends PUBACK or PUBREC with `reason`, in
  // the order of arrival.
  void on_taken(std::uint32_t ticket, wire::mqtt::Reason reason, const Context& context) {
    inbound_.taken(ticket, reason, context.outlet);
  }
  [[nodiscard]] const wire::mqtt::Fault* on_pubrel(std::uint16_t packet_id, const Context& context) {
    return inbound_.on_pubrel(packet_id, *context.outlet);
  }
  [[nodiscard]] const InboundFlow& inbound() const noexcept { return inbound_; }

  // --- for whoever looks ---

  [[nodiscard]] std::uint32_t inflight() const noexcept { return window_.size(); }
  [[nodiscard]] std::uint32_t queued() const noexcept { return queue_.size(); }
  [[nodiscard]] std::uint64_t queue_bytes() const noexcept { return queue_.bytes(); }
  [[nodiscard]] std::uint32_t dropped() const noexcept { return dropped_; }  // since it began, modulo 2^32
  // Of itself and all it owns, without the messages, which are shared, and without what the allocator adds.
  [[nodiscard]] std::size_t memory_bytes() const noexcept;

  // --- as records (session_record.h says what is in them) ---

  [[nodiscard]] std::vector<std::byte> export_subscriptions() const;
  [[nodiscard]] std::vector<std::byte> export_state(base::Time now) const;
  // Into a session that has none yet and is away; errors are malformed and exists, and leave the session as it was. Of
  // the queue, what is above this session's limits is dropped by its policy.
  [[nodiscard]] base::Result<void> import_subscriptions(std::span<const std::byte> record);
  [[nodiscard]] base::Result<void> import_state(std::span<const std::byte> record, Ledger& ledger, base::Time now);

 private:
  struct Copy;
  enum class Dup : std::uint8_t { no, yes };

  [[nodiscard]] static OutItem waiting(const MessageRef& message, const Delivery& delivery, Qos qos);
  Outcome deliver_at_most_once(const MessageRef& message, const Delivery& delivery, const Context& context);
  [[nodiscard]] bool may_start(const Context& context) const;
  Outcome start(OutItem item, const Context& context);
  Outcome enqueue(OutItem item, const Context& context);
  std::size_t resend(const Context& context);
  std::size_t send_queued(const Context& context);
  // False when the packet would be too large for the client.
  [[nodiscard]] bool write(const OutItem& item, Dup dup, const Context& context);
  [[nodiscard]] bool write(const Copy& copy, const Context& context);
  void finish(std::uint32_t index, wire::mqtt::Reason reason, const Context& context);
  Outcome drop(const Message& message, DropReason reason, Ledger& ledger);
  Outcome drop(const OutItem& item, DropReason reason, Ledger& ledger);
  void tell_acknowledged(const OutItem& item, Ledger& ledger);
  void settle(const OutItem& item, Ledger& ledger);

  FlatText client_id_;
  FlatText user_name_;
  std::uint64_t serial_;
  std::vector<SubscriptionEntry> subscriptions_;  // sorted by filter
  OutWindow window_;
  OutQueue queue_;
  InboundFlow inbound_;
  base::Time detached_{};
  SessionLimits limits_;
  wire::mqtt::Seconds expiry_{0};
  std::uint32_t dropped_ = 0;
  bool attached_ = false;
};
static_assert(sizeof(Session) == 216);

template <typename Goes, typename Visit>
void Session::take_shared(Ledger& ledger, Goes&& goes, Visit&& visit) {
  const auto may_go = [&](const OutItem& item) {
    const bool is_open = item.stage == OutItem::Stage::queued || item.stage == OutItem::Stage::awaiting_puback;
    return is_open && item.share_group != kNoShareGroup && goes(*item.message, item.share_group);
  };
  const auto give = [&](OutItem&& item) {
    if (item.qos != Qos::at_most_once) ledger.settled(*this, item.share_group);
    visit(std::move(item.message), item.share_group);
  };
  window_.take_if(may_go, give);
  queue_.take_if(may_go, give);
}

}  // namespace holdfast::broker
