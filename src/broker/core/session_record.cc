#include "broker/core/session_record.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "broker/core/record_bytes.h"
#include "broker/core/session.h"
#include "broker/core/topic.h"

namespace holdfast::broker {

using base::Errc;
using base::Error;
using base::Side;
using std::chrono::milliseconds;
using wire::mqtt::Seconds;
using Stage = OutItem::Stage;

namespace {

constexpr std::uint64_t kForEver = ~std::uint64_t{0};
constexpr std::uint64_t kMillisecondsMax = std::uint64_t{0xffff'ffff} * 1000;  // as many seconds as MQTT can say
constexpr std::size_t kCopyBytesMin = 1 + 2 + 4;
constexpr std::size_t kSubscriptionBytesMin = 2 + 1 + 1 + 4;

Error malformed(const char* where) { return {Errc::malformed, Side::internal, 0, where}; }

std::uint64_t to_record(base::Duration time) {
  const auto count = std::chrono::ceil<milliseconds>(time).count();
  return count <= 0 ? 0 : std::min(static_cast<std::uint64_t>(count), kMillisecondsMax);
}

milliseconds read_milliseconds(RecordReader& in) {
  const auto count = in.number<std::uint64_t>();
  in.demand(count <= kMillisecondsMax);
  return milliseconds(in.good() ? count : 0);
}

// --- messages and copies ---

void write_message(RecordWriter& out, const Message& message, base::Time now) {
  out.number(message.id().node);
  out.number(message.id().epoch);
  out.number(message.id().number);
  out.number(static_cast<std::uint8_t>(static_cast<unsigned>(message.qos()) | (message.retain() ? 4U : 0U)));
  out.number(message.expires() == Message::kNever ? kForEver : to_record(message.expires() - now));
  out.run<std::uint16_t>(std::as_bytes(std::span(message.topic())));
  out.run<std::uint32_t>(message.properties());
  out.run<std::uint32_t>(message.payload());
}

base::Time read_expiry(RecordReader& in, base::Time now) {
  RecordReader look = in;
  if (look.number<std::uint64_t>() == kForEver && look.good()) {
    in = look;
    return Message::kNever;
  }
  return now + read_milliseconds(in);
}

MessageRef read_message(RecordReader& in, base::Time now) {
  Message::Parts parts;
  parts.id.node = in.number<std::uint16_t>();
  parts.id.epoch = in.number<std::uint32_t>();
  parts.id.number = in.number<std::uint64_t>();
  const auto flags = in.number<std::uint8_t>();
  in.demand(flags < 8 && (flags & 3) != 3);
  parts.qos = static_cast<Qos>(flags & 3);
  parts.retain = (flags & 4) != 0;
  parts.expires = read_expiry(in, now);
  parts.topic = text_of(in.run<std::uint16_t>());
  parts.properties = in.run<std::uint32_t>();
  parts.payload = in.run<std::uint32_t>();
  in.demand(parts.properties.size() <= wire::mqtt::kBodyBytesMax && parts.payload.size() <= wire::mqtt::kBodyBytesMax);
  in.demand(valid_topic(parts.topic));
  return in.good() ? Message::make(parts) : MessageRef();
}

void write_copy(RecordWriter& out, const OutItem& item, base::Time now) {
  const auto qos = static_cast<unsigned>(item.qos);
  out.number(static_cast<std::uint8_t>(static_cast<unsigned>(item.stage) | qos << 2 | (item.retain ? 16U : 0U)));
  out.number(item.packet_id);
  std::uint32_t one = 0;
  const std::span<const std::uint32_t> ids = item.subscription_ids.view(one);
  out.number(static_cast<std::uint32_t>(ids.size()));
  for (const std::uint32_t id : ids) out.number(id);
  if (item.stage != Stage::awaiting_pubcomp) write_message(out, *item.message, now);
}

SubscriptionIdList read_subscription_ids(RecordReader& in) {
  std::vector<std::uint32_t> ids(in.count(sizeof(std::uint32_t)));
  for (std::uint32_t& id : ids) {
    id = in.number<std::uint32_t>();
    in.demand(id > 0 && id <= kIdentifierMax);
  }
  return SubscriptionIdList(ids);
}

bool is_stage_of(Stage stage, Qos qos) {
  switch (stage) {
    case Stage::queued: return true;
    case Stage::awaiting_puback: return qos == Qos::at_least_once;
    case Stage::awaiting_pubrec:
    case Stage::awaiting_pubcomp: return qos == Qos::exactly_once;
  }
  return false;
}

OutItem read_copy(RecordReader& in, base::Time now) {
  OutItem item;
  const auto flags = in.number<std::uint8_t>();
  in.demand(flags < 32 && (flags >> 2 & 3) != 3);
  item.stage = static_cast<Stage>(flags & 3);
  item.qos = static_cast<Qos>(flags >> 2 & 3);
  item.retain = (flags & 16) != 0;
  item.packet_id = in.number<std::uint16_t>();
  in.demand(is_stage_of(item.stage, item.qos) && (item.stage == Stage::queued) == (item.packet_id == 0));
  item.subscription_ids = read_subscription_ids(in);
  if (!in.good() || item.stage == Stage::awaiting_pubcomp) return item;
  item.message = read_message(in, now);
  in.demand(item.message && item.qos <= item.message->qos());
  return item;
}

// --- the state as a whole ---

struct State {
  Seconds expiry{0};
  milliseconds gone_for{0};
  std::uint16_t next_packet_id = 0;
  std::vector<OutItem> window;
  std::vector<OutItem> queue;
  std::vector<std::uint16_t> qos2_ids;
};

std::vector<OutItem> read_copies(RecordReader& in, base::Time now) {
  std::vector<OutItem> items;
  const std::uint32_t count = in.count(kCopyBytesMin);
  for (std::uint32_t i = 0; i < count && in.good(); ++i) items.push_back(read_copy(in, now));
  return items;
}

bool is_growing(const std::vector<std::uint16_t>& ids) {
  return std::ranges::adjacent_find(ids, std::greater_equal()) == ids.end() && (ids.empty() || ids.front() != 0);
}

bool is_window(const std::vector<OutItem>& items) {
  std::vector<std::uint16_t> ids;
  for (const OutItem& item : items) ids.push_back(item.packet_id);
  std::ranges::sort(ids);
  return is_growing(ids);  // a queued one has 0
}

bool is_queue(const std::vector<OutItem>& items) {
  return std::ranges::all_of(items, [](const OutItem& item) { return item.stage == Stage::queued; });
}

State read_state(RecordReader& in, base::Time now) {
  State state;
  in.demand(in.number<std::uint8_t>() == kSessionRecordVersion);
  state.expiry = Seconds(in.number<std::uint32_t>());
  state.gone_for = read_milliseconds(in);
  state.next_packet_id = in.number<std::uint16_t>();
  state.window = read_copies(in, now);
  state.queue = read_copies(in, now);
  state.qos2_ids.resize(in.count(sizeof(std::uint16_t)));
  for (std::uint16_t& id : state.qos2_ids) id = in.number<std::uint16_t>();
  in.demand(is_window(state.window) && is_queue(state.queue) && is_growing(state.qos2_ids));
  return state;
}

std::uint8_t to_record(const SubscriptionOptions& options) {
  return static_cast<std::uint8_t>(static_cast<unsigned>(options.qos) | (options.no_local ? 4U : 0U) |
                                   (options.retain_as_published ? 8U : 0U) |
                                   static_cast<unsigned>(options.retain_handling) << 4);
}

SubscriptionOptions read_options(RecordReader& in) {
  const auto bits = in.number<std::uint8_t>();
  const auto identifier = in.number<std::uint32_t>();
  in.demand((bits & 3) != 3 && bits >> 4 < 3 && identifier <= kIdentifierMax);
  return {.qos = static_cast<Qos>(bits & 3),
          .no_local = (bits & 4) != 0,
          .retain_as_published = (bits & 8) != 0,
          .retain_handling = static_cast<RetainHandling>(bits >> 4),
          .identifier = identifier};
}

bool is_subscribable(std::string_view filter) {
  const ShareRead share = parse_share(filter);
  return share.form == ShareRead::Form::shared || (share.form == ShareRead::Form::plain && valid_filter(filter));
}

}  // namespace

std::vector<std::byte> Session::export_subscriptions() const {
  RecordWriter out;
  out.number(kSessionRecordVersion);
  out.number(static_cast<std::uint32_t>(subscriptions_.size()));
  for (const SubscriptionEntry& each : subscriptions_) {
    out.run<std::uint16_t>(std::as_bytes(std::span(each.filter.view())));
    out.number(to_record(each.options));
    out.number(each.options.identifier);
  }
  return out.take();
}

base::Result<void> Session::import_subscriptions(std::span<const std::byte> record) {
  if (!subscriptions_.empty()) return Error{Errc::exists, Side::internal, 0, "import of subscriptions"};
  RecordReader in(record);
  in.demand(in.number<std::uint8_t>() == kSessionRecordVersion);
  const std::uint32_t count = in.count(kSubscriptionBytesMin);
  std::vector<SubscriptionEntry> read;
  read.reserve(count);
  for (std::uint32_t i = 0; i < count && in.good(); ++i) {
    const std::string_view filter = text_of(in.run<std::uint16_t>());
    in.demand(is_subscribable(filter) && (read.empty() || read.back().filter.view() < filter));
    read.push_back({FlatText(filter), read_options(in)});
  }
  if (!in.at_good_end()) return malformed("record of subscriptions");
  subscriptions_ = std::move(read);
  return {};
}

std::vector<std::byte> Session::export_state(base::Time now) const {
  RecordWriter out;
  out.number(kSessionRecordVersion);
  out.number(expiry_.count());
  out.number(attached_ ? std::uint64_t{0} : to_record(now - detached_));
  out.number(window_.next_packet_id());
  out.number(window_.size());
  for (std::uint32_t i = 0; i < window_.size(); ++i) write_copy(out, window_[i], now);
  out.number(queue_.size());
  for (std::uint32_t i = 0; i < queue_.size(); ++i) write_copy(out, queue_[i], now);
  out.number(static_cast<std::uint32_t>(inbound_.qos2_ids().size()));
  for (const std::uint16_t id : inbound_.qos2_ids()) out.number(id);
  return out.take();
}

base::Result<void> Session::import_state(std::span<const std::byte> record, Ledger& ledger, base::Time now) {
  if (attached_ || !window_.empty() || !queue_.empty() || !inbound_.qos2_ids().empty()) {
    return Error{Errc::exists, Side::internal, 0, "import of a session"};
  }
  RecordReader in(record);
  State state = read_state(in, now);
  if (!in.at_good_end()) return malformed("record of a session");
  expiry_ = state.expiry;
  detached_ = now - state.gone_for;
  window_.restore_next_packet_id(state.next_packet_id);
  for (OutItem& item : state.window) window_.restore(std::move(item));
  for (OutItem& item : state.queue) enqueue(std::move(item), {nullptr, ledger, now});
  inbound_.restore_qos2_ids(std::move(state.qos2_ids));
  return {};
}

}  // namespace holdfast::broker
