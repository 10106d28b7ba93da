#include "broker/core/session.h"

#include <algorithm>
#include <chrono>

namespace holdfast::broker {

using wire::mqtt::Fault;
using wire::mqtt::PacketType;
using wire::mqtt::Reason;
using wire::mqtt::Seconds;
using wire::mqtt::Version;
using Stage = OutItem::Stage;

namespace {

constexpr Fault kExpiryWasZero{Reason::protocol_error, "MQTT5 3.14.2.2.2",
                               "DISCONNECT sets a Session Expiry Interval that was 0"};
constexpr Fault kWrongPuback{Reason::protocol_error, "MQTT5 4.3.3", "PUBACK for a PUBLISH of QoS 2"};
constexpr Fault kWrongPubrec{Reason::protocol_error, "MQTT5 4.3.2", "PUBREC for a PUBLISH of QoS 1"};
constexpr Fault kWrongPubcomp{Reason::protocol_error, "MQTT5 4.3.3", "PUBCOMP without a PUBREL to answer"};

//= MQTT5 [MQTT-3.3.2-6]
// Whole seconds, rounded up: a message that still lives has at least one.
Seconds remaining(const Message& message, base::Time now) noexcept {
  if (message.is_expired(now)) return Seconds{0};
  const auto left = std::chrono::ceil<std::chrono::seconds>(message.expires() - now).count();
  return Seconds{static_cast<std::uint32_t>(std::min<std::int64_t>(left, Seconds::max().count()))};
}

//= MQTT5 [MQTT-3.1.2-24]
bool fits(const wire::mqtt::PublishHead& head, const Message& message, const Outlet& outlet) noexcept {
  const std::uint32_t bytes_max = outlet.terms.packet_bytes_max;
  // Only what is near the end of the format needs to be looked at when the client has no limit.
  if (bytes_max == 0 && message.bytes() < wire::mqtt::kBodyBytesMax / 2) return true;
  const std::size_t bytes = wire::mqtt::publish_bytes(head, message.payload().size());
  return bytes != 0 && (bytes_max == 0 || bytes <= bytes_max);
}

//= MQTT5 [MQTT-3.3.4-9]
//= MQTT5 [MQTT-4.9.0-2]
std::uint32_t window_max(const SessionLimits& limits, const Outlet& outlet) noexcept {
  return std::max<std::uint32_t>(1, std::min(limits.inflight_max, outlet.terms.receive_maximum));
}

}  // namespace

// What write() needs to know of one packet.
struct Session::Copy {
  const MessageRef& message;
  std::span<const std::uint32_t> subscription_ids;
  Qos qos = Qos::at_most_once;
  bool retain = false;
  Dup dup = Dup::no;
  std::uint16_t packet_id = 0;
};

Session::Session(std::string_view client_id, std::string_view user_name, std::uint64_t serial,
                 const SessionLimits& limits)
    : client_id_(client_id), user_name_(user_name), serial_(serial), limits_(limits) {}

// --- its life ---

//= MQTT5 [MQTT-4.4.0-1]
//= MQTT311 [MQTT-4.4.0-1]
void Session::attach(const Context& context) {
  if (attached_) inbound_.detach();
  attached_ = true;
  window_.restart();
  pump(context);
}

void Session::detach(base::Time now) {
  attached_ = false;
  detached_ = now;
  inbound_.detach();
}

const Fault* Session::change_expiry(Seconds interval) noexcept {
  if (expiry_.count() == 0 && interval.count() != 0) return &kExpiryWasZero;
  expiry_ = interval;
  return nullptr;
}

//= MQTT5 [MQTT-3.1.2-23]
base::Time Session::ends_at() const noexcept {
  if (attached_ || expiry_ == wire::mqtt::kNever) return base::Time::max();
  return detached_ + std::chrono::seconds(expiry_.count());
}

void Session::discard(Ledger& ledger) {
  const auto all = [](const OutItem&) { return true; };
  const auto tell = [&](OutItem&& item) { drop(item, DropReason::session_ended, ledger); };
  window_.take_if(all, tell);
  queue_.take_if(all, tell);
}

// --- its subscriptions ---

namespace {

constexpr auto kFilterOf = [](const SubscriptionEntry& entry) { return entry.filter.view(); };

}  // namespace

//= MQTT5 [MQTT-3.8.4-3]
Session::Subscribed Session::subscribe(std::string_view filter, const SubscriptionOptions& options) {
  const auto place = std::ranges::lower_bound(subscriptions_, filter, {}, kFilterOf);
  if (place != subscriptions_.end() && place->filter.view() == filter) {
    place->options = options;
    return Subscribed::replaced;
  }
  subscriptions_.insert(place, SubscriptionEntry{FlatText(filter), options});
  return Subscribed::fresh;
}

bool Session::unsubscribe(std::string_view filter) {
  const auto place = std::ranges::lower_bound(subscriptions_, filter, {}, kFilterOf);
  if (place == subscriptions_.end() || place->filter.view() != filter) return false;
  subscriptions_.erase(place);
  if (subscriptions_.size() <= subscriptions_.capacity() / 4) subscriptions_.shrink_to_fit();
  return true;
}

const SubscriptionOptions* Session::find_subscription(std::string_view filter) const noexcept {
  const auto place = std::ranges::lower_bound(subscriptions_, filter, {}, kFilterOf);
  return place != subscriptions_.end() && place->filter.view() == filter ? &place->options : nullptr;
}

// --- to the client ---

//= MQTT5 [MQTT-3.3.2-5]
//= MQTT5 [MQTT-3.3.4-2]
//= MQTT5 [MQTT-4.6.0-5]
//= MQTT311 [MQTT-3.3.5-1]
//= MQTT311 [MQTT-4.6.0-6]
Outcome Session::deliver(const MessageRef& message, const Delivery& delivery, const Context& context) {
  const Qos qos = std::min(delivery.qos, message->qos());
  if (qos == Qos::at_most_once) return deliver_at_most_once(message, delivery, context);
  OutItem item = waiting(message, delivery, qos);
  if (message->is_expired(context.now)) return drop(item, DropReason::expired, context.ledger);
  return may_start(context) ? start(std::move(item), context) : enqueue(std::move(item), context);
}

Outcome Session::deliver_at_most_once(const MessageRef& message, const Delivery& delivery, const Context& context) {
  if (message->is_expired(context.now)) return drop(*message, DropReason::expired, context.ledger);
  const bool waits_in_line = limits_.store_qos0 ? !queue_.empty() : queue_.has_qos0();
  if (!waits_in_line && context.outlet != nullptr && context.outlet->ready()) {
    const Copy copy{message, delivery.subscription_ids, Qos::at_most_once, delivery.retain};
    return write(copy, context) ? Outcome{} : drop(*message, DropReason::too_large, context.ledger);
  }
  if (waits_in_line || limits_.store_qos0) {
    return enqueue(waiting(message, delivery, Qos::at_most_once), context);
  }
  return drop(*message, context.outlet != nullptr ? DropReason::not_ready : DropReason::offline, context.ledger);
}

OutItem Session::waiting(const MessageRef& message, const Delivery& delivery, Qos qos) {
  OutItem item(message, qos, delivery.retain);
  item.subscription_ids = SubscriptionIdList(delivery.subscription_ids);
  item.share_group = delivery.share_group;
  return item;
}

bool Session::may_start(const Context& context) const {
  return context.outlet != nullptr && queue_.empty() && window_.all_sent() &&
         window_.size() < window_max(limits_, *context.outlet) && context.outlet->ready();
}

Outcome Session::start(OutItem item, const Context& context) {
  if (item.qos != Qos::at_most_once) item.packet_id = window_.free_packet_id();
  if (!write(item, Dup::no, context)) return drop(item, DropReason::too_large, context.ledger);
  if (item.qos == Qos::at_most_once) return {};
  item.stage = item.qos == Qos::at_least_once ? Stage::awaiting_puback : Stage::awaiting_pubrec;
  window_.add(std::move(item));
  return {};
}

Outcome Session::enqueue(OutItem item, const Context& context) {
  const std::size_t bytes = item.message->bytes();
  bool has_moved = false;
  while (!queue_.has_room(bytes, limits_) && !queue_.empty()) {
    const bool is_expired = queue_.front().message->is_expired(context.now);
    const bool gives_way = limits_.when_full == WhenFull::drop_oldest && OutQueue::could_have_room(bytes, limits_);
    if (!is_expired && !gives_way) break;
    drop(queue_.pop(), is_expired ? DropReason::expired : DropReason::queue_full, context.ledger);
    has_moved = true;
  }
  Outcome outcome{.what = Outcome::What::queued};
  if (queue_.has_room(bytes, limits_)) {
    queue_.push(std::move(item));
  } else {
    outcome = drop(item, DropReason::queue_full, context.ledger);
    outcome.disconnect = limits_.when_full == WhenFull::disconnect && context.outlet != nullptr;
  }
  if (has_moved) pump(context);  // the one in front may have been all that kept QoS 0 from going
  return outcome;
}

bool Session::write(const OutItem& item, Dup dup, const Context& context) {
  std::uint32_t one = 0;
  return write({item.message, item.subscription_ids.view(one), item.qos, item.retain, dup, item.packet_id}, context);
}

//= MQTT5 [MQTT-3.1.2-25]
//= MQTT5 [MQTT-3.3.1-2]
//= MQTT5 [MQTT-3.3.1-3]
//= MQTT5 [MQTT-3.3.4-3]
//= MQTT5 [MQTT-3.3.4-4]
bool Session::write(const Copy& copy, const Context& context) {
  Outlet& outlet = *context.outlet;
  const Message& message = *copy.message;
  std::string_view topic = message.topic();
  topic.remove_prefix(std::min<std::size_t>(outlet.terms.topic_prefix_bytes, topic.size()));
  wire::mqtt::PublishHead head{.version = outlet.terms.version,
                               .qos = copy.qos,
                               .retain = copy.retain,
                               .dup = copy.dup == Dup::yes,
                               .packet_id = copy.packet_id,
                               .topic = topic};
  OutboundAliases::Choice choice;
  if (head.version == Version::v5) {
    head.forwarded = message.properties();
    head.subscription_ids = copy.subscription_ids;
    if (message.expires() != Message::kNever) head.message_expiry = remaining(message, context.now);
    choice = outlet.aliases.choose(topic);
    head.topic_alias = choice.alias;
    if (choice.is_known) head.topic = {};
  }
  if (!fits(head, message, outlet)) {
    if (choice.alias == 0 || choice.is_known) return false;
    outlet.aliases.take_back(choice.alias);
    head.topic_alias = 0;
    if (!fits(head, message, outlet)) return false;
  }
  outlet.publish({head, copy.message, *this});
  return true;
}

std::size_t Session::pump(const Context& context) {
  if (context.outlet == nullptr) return 0;
  const std::size_t resent = resend(context);
  return resent + (window_.all_sent() ? send_queued(context) : 0);
}

//= MQTT5 [MQTT-3.3.1-1]
//= MQTT5 [MQTT-4.3.3-7]
//= MQTT5 [MQTT-4.4.0-1]
//= MQTT311 [MQTT-3.3.1-1]
//= MQTT311 [MQTT-4.6.0-1]
std::size_t Session::resend(const Context& context) {
  Outlet& outlet = *context.outlet;
  std::size_t packets = 0;
  while (!window_.all_sent() && outlet.ready()) {
    const std::uint32_t next = window_.sent();
    const OutItem& item = window_[next];
    if (item.stage == Stage::awaiting_pubcomp) {
      outlet.ack(PacketType::pubrel, item.packet_id, Reason::success);
    } else if (next >= outlet.terms.receive_maximum) {
      return packets;
    } else if (!write(item, Dup::yes, context)) {
      drop(window_.take(next), DropReason::too_large, context.ledger);
      continue;
    }
    window_.mark_sent();
    ++packets;
  }
  return packets;
}

std::size_t Session::send_queued(const Context& context) {
  std::size_t packets = 0;
  while (!queue_.empty()) {
    const OutItem& first = queue_.front();
    if (first.message->is_expired(context.now)) {
      drop(queue_.pop(), DropReason::expired, context.ledger);
      continue;
    }
    const bool waits = first.qos != Qos::at_most_once && window_.size() >= window_max(limits_, *context.outlet);
    if (waits || !context.outlet->ready()) return packets;
    if (start(queue_.pop(), context).what == Outcome::What::sent) ++packets;
  }
  return packets;
}

//= MQTT5 [MQTT-4.3.2-3]
//= MQTT5 [MQTT-4.4.0-2]
//= MQTT311 [MQTT-4.3.2-1]
const Fault* Session::on_puback(std::uint16_t packet_id, Reason reason, const Context& context) {
  const std::uint32_t index = window_.find(packet_id);
  if (index == OutWindow::kNone) return nullptr;
  if (window_[index].stage != Stage::awaiting_puback) return &kWrongPuback;
  finish(index, reason, context);
  return nullptr;
}

//= MQTT5 [MQTT-4.3.3-3]
//= MQTT5 [MQTT-4.3.3-4]
//= MQTT5 [MQTT-4.3.3-6]
//= MQTT5 [MQTT-4.4.0-2]
//= MQTT311 [MQTT-4.3.3-1]
const Fault* Session::on_pubrec(std::uint16_t packet_id, Reason reason, const Context& context) {
  const std::uint32_t index = window_.find(packet_id);
  const bool is_failure = wire::mqtt::is_failure(reason);
  if (index == OutWindow::kNone) {
    if (!is_failure) context.outlet->ack(PacketType::pubrel, packet_id, Reason::packet_identifier_not_found);
    return nullptr;
  }
  OutItem& item = window_[index];
  if (item.stage == Stage::awaiting_puback) return &kWrongPubrec;
  if (is_failure) {
    finish(index, reason, context);
    return nullptr;
  }
  tell_acknowledged(item, context.ledger);
  item.message = {};
  item.subscription_ids = {};
  item.stage = Stage::awaiting_pubcomp;
  context.outlet->ack(PacketType::pubrel, packet_id, Reason::success);
  if (!window_.all_sent()) pump(context);  // a PUBREL need not wait for the Receive Maximum
  return nullptr;
}

//= MQTT5 [MQTT-4.3.3-5]
//= MQTT311 [MQTT-4.3.3-1]
const Fault* Session::on_pubcomp(std::uint16_t packet_id, Reason /*reason*/, const Context& context) {
  const std::uint32_t index = window_.find(packet_id);
  if (index == OutWindow::kNone) return nullptr;
  if (window_[index].stage != Stage::awaiting_pubcomp) return &kWrongPubcomp;
  finish(index, Reason::success, context);
  return nullptr;
}

void Session::finish(std::uint32_t index, Reason reason, const Context& context) {
  const OutItem item = window_.take(index);
  if (wire::mqtt::is_failure(reason)) {
    drop(item, DropReason::refused, context.ledger);
  } else {
    tell_acknowledged(item, context.ledger);
    settle(item, context.ledger);
  }
  pump(context);
}

Outcome Session::drop(const Message& message, DropReason reason, Ledger& ledger) {
  ++dropped_;
  ledger.dropped(*this, message, reason);
  return {.what = Outcome::What::dropped, .reason = reason};
}

// A copy whose message the client already has is only settled.
Outcome Session::drop(const OutItem& item, DropReason reason, Ledger& ledger) {
  settle(item, ledger);
  if (!item.message) return {.what = Outcome::What::dropped, .reason = reason};
  return drop(*item.message, reason, ledger);
}

// Of QoS 2 the message is no more with us after PUBREC, whatever is said then.
void Session::tell_acknowledged(const OutItem& item, Ledger& ledger) {
  if (ledger.wants_acknowledged && item.message) ledger.acknowledged(*this, item);
}

void Session::settle(const OutItem& item, Ledger& ledger) {
  if (item.share_group != kNoShareGroup && item.qos != Qos::at_most_once) ledger.settled(*this, item.share_group);
}

void Session::keep_shared(std::uint32_t share_group) noexcept {
  const auto keep = [&](auto& items) {
    for (std::uint32_t i = 0; i < items.size(); ++i) {
      if (items[i].share_group == share_group) items[i].share_group = kNoShareGroup;
    }
  };
  keep(window_);
  keep(queue_);
}

// --- for whoever looks ---

std::size_t Session::memory_bytes() const noexcept {
  std::size_t bytes = sizeof(*this) + client_id_.memory_bytes() + user_name_.memory_bytes();
  bytes += subscriptions_.capacity() * sizeof(SubscriptionEntry);
  for (const SubscriptionEntry& each : subscriptions_) bytes += each.filter.memory_bytes();
  return bytes + window_.memory_bytes() + queue_.memory_bytes() + inbound_.memory_bytes();
}

const char* name(DropReason reason) noexcept {
  switch (reason) {
    case DropReason::expired: return "expired";
    case DropReason::queue_full: return "queue_full";
    case DropReason::offline: return "offline";
    case DropReason::not_ready: return "not_ready";
    case DropReason::too_large: return "too_large";
    case DropReason::refused: return "refused";
    case DropReason::session_ended: return "session_ended";
  }
  return "";
}

}  // namespace holdfast::broker
