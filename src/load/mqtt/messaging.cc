#include "load/mqtt/messaging.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace holdfast::load {
namespace {

constexpr std::size_t kBatchBytes = 64 * 1024;
constexpr std::chrono::seconds kStall{1};

}  // namespace

MqttMessaging::MqttMessaging(net::Loop& loop, const MqttSettings& settings, const Window& window)
    : MqttModel(loop, settings, window), publishers_(publisher_count()) {
  for (std::uint32_t index = 0; index < publishers_.size(); ++index) publishers_[index].topic = topic_of(index);
  arrivals_.resize(std::max(publisher_count(), copies()));
  if (settings.traffic == MqttTraffic::shared) {
    member_next_.resize(std::size_t{publisher_count()} * subscriber_count());
  }
}

std::uint32_t MqttMessaging::publisher_count() const noexcept {
  return settings_.traffic == MqttTraffic::fanout ? 1 : settings_.clients;
}

std::uint32_t MqttMessaging::subscriber_count() const noexcept {
  switch (settings_.traffic) {
    case MqttTraffic::fanin: return 1;
    case MqttTraffic::shared: return settings_.members;
    default: return settings_.clients;
  }
}

std::uint32_t MqttMessaging::copies() const noexcept {
  return settings_.traffic == MqttTraffic::fanout ? settings_.clients : 1;
}

// Publishers come first, then subscribers.
std::string MqttMessaging::filter_of(std::uint32_t number) const {
  if (number < publisher_count()) return {};
  switch (settings_.traffic) {
    case MqttTraffic::pairs: return topic_of(number - publisher_count());
    case MqttTraffic::shared: return "$share/bench/" + all_topics();
    default: return all_topics();
  }
}

void MqttMessaging::on_welcome(base::Key key, Client& client) {
  if (client.number >= publisher_count()) return;
  Publisher& publisher = publishers_[client.number];
  publisher.key = key;
  publisher.limit = settings_.window;
  if (!acknowledged()) return;
  publisher.limit = std::min<std::uint32_t>(settings_.window, client.receive_maximum);
  publisher.acks = AckWindow(publisher.limit);
}

void MqttMessaging::start() {
  looked_ = loop_.now();
  if (paced()) {
    schedule_ = RateSchedule(window_.start(), settings_.rate, 0, 1);
    return on_pace();
  }
  for (Publisher& publisher : publishers_) wake(publisher);
  after_event();
}

// --- sending ---

void MqttMessaging::on_pace() {
  const base::Time now = base::Clock::now();
  if (!window_.started(now)) return;
  const base::Time until = window_.until();
  for (; schedule_.at(next_) <= now && schedule_.at(next_) < until; ++next_) {
    Publisher& publisher = publishers_[next_ % publishers_.size()];
    ++publisher.due;
    wake(publisher);
  }
  if (schedule_.at(next_) < until) pacer_.arm(schedule_.at(next_));
  after_event();
}

void MqttMessaging::wake(Publisher& publisher) {
  if (std::exchange(publisher.waking, true)) return;
  waking_.push_back(static_cast<std::uint32_t>(&publisher - publishers_.data()));
}

void MqttMessaging::after_event() {
  if (waking_.empty()) return;
  const base::Time now = base::Clock::now();
  for (const std::uint32_t index : waking_) {
    publishers_[index].waking = false;
    pump(index, now);
  }
  waking_.clear();
}

std::uint32_t MqttMessaging::under_way(const Publisher& publisher) const noexcept {
  const auto done = static_cast<std::uint32_t>(publisher.settled / copies());
  return publisher.sent - std::min(publisher.sent, std::max(done, publisher.given_up));
}

std::uint32_t MqttMessaging::allowed(const Publisher& publisher, base::Time now) const noexcept {
  if (!window_.started(now) || (paced() ? publisher.due == publisher.sent : window_.over(now))) return 0;
  const std::uint32_t busy = under_way(publisher);
  std::uint32_t room = publisher.limit - std::min(publisher.limit, busy);
  if (acknowledged()) room = std::min(room, publisher.acks.room());
  return paced() ? std::min(room, publisher.due - publisher.sent) : room;
}

void MqttMessaging::pump(std::uint32_t index, base::Time now) {
  Publisher& publisher = publishers_[index];
  Client* const client = slab_.find(publisher.key);
  if (client == nullptr) return;
  while (client->unsent.empty()) {
    std::uint32_t count = allowed(publisher, now);
    if (count == 0) return;
    outgoing_.clear();
    for (; count > 0 && outgoing_.size() < kBatchBytes; --count) append(index, now);
    if (!write(publisher.key, *client, outgoing_)) return;
  }
}

void MqttMessaging::append(std::uint32_t index, base::Time now) {
  Publisher& publisher = publishers_[index];
  const std::uint64_t message = std::uint64_t{publisher.sent} * publishers_.size() + index;
  const base::Time meant = paced() ? schedule_.at(message) : now;
  const std::uint16_t id = acknowledged() ? publisher.acks.add(settings_.qos) : std::uint16_t{0};
  append_message(outgoing_, publisher.topic, id, {meant.time_since_epoch().count(), index, publisher.sent});
  ++publisher.sent;
  ++tally_.sent;
}

void MqttMessaging::on_writable(base::Key, Client& client) {
  if (client.number < publisher_count()) wake(publishers_[client.number]);
}

// A publisher whose deliveries have stood still: what it waits for may never come, so others take its place.
void MqttMessaging::tend() {
  const base::Time now = base::Clock::now();
  if (!window_.started(now) || now < looked_ + kStall) return;
  looked_ = now;
  for (Publisher& publisher : publishers_) {
    const bool stands = publisher.settled == std::exchange(publisher.settled_before, publisher.settled);
    if (!stands || under_way(publisher) == 0) continue;
    publisher.given_up = publisher.sent;
    ++tally_.stalls;
    wake(publisher);
  }
  after_event();
}

// --- receiving ---

bool MqttMessaging::on_message(base::Key, Client& client, const wire::mqtt::Publish& publish) {
  if (client.number < publisher_count()) return false;
  const MqttStamp stamp = read_stamp(publish.payload);
  const std::uint32_t subscriber = client.number - publisher_count();
  if (stamp.publisher >= publishers_.size()) return false;
  Publisher& publisher = publishers_[stamp.publisher];
  if (stamp.number >= publisher.sent) return false;
  if (settings_.traffic == MqttTraffic::pairs && stamp.publisher != subscriber) return false;
  note(publisher, subscriber, stamp);
  ++tally_.delivered;
  ++tally_.progress;
  if (window_.counts(arrived())) ++tally_.operations;
  if (window_.counts(stamp.counted_from())) tally_.latency.record(arrived() - stamp.counted_from());
  wake(publisher);
  return true;
}

void MqttMessaging::note(Publisher& publisher, std::uint32_t subscriber, const MqttStamp& stamp) {
  const bool shared = settings_.traffic == MqttTraffic::shared;
  Arrivals& arrivals = arrivals_[settings_.traffic == MqttTraffic::fanout ? subscriber : stamp.publisher];
  const std::uint32_t before = arrivals.next();
  const Arrivals::Kind kind = arrivals.note(stamp.number);
  if (kind == Arrivals::Kind::duplicate) {
    ++tally_.duplicated;
    return;
  }
  publisher.settled += shared ? 1 : arrivals.next() - before;
  if (!shared) {
    tally_.disordered += kind == Arrivals::Kind::late;
    return;
  }
  std::uint32_t& next = member_next_[std::size_t{subscriber} * publishers_.size() + stamp.publisher];
  tally_.disordered += stamp.number < next;
  next = std::max(next, stamp.number + 1);
}

bool MqttMessaging::on_ack(base::Key, Client& client, const wire::mqtt::Ack& ack) {
  if (client.number >= publisher_count()) return false;
  Publisher& publisher = publishers_[client.number];
  switch (publisher.acks.on_ack(ack.type, ack.packet_id, ack.reason)) {
    case AckWindow::Verdict::unknown: return false;
    case AckWindow::Verdict::release:
      wire::mqtt::encode_ack(replies(), wire::mqtt::PacketType::pubrel, ack.packet_id, wire::mqtt::Reason::success,
                             settings_.version);
      return true;
    case AckWindow::Verdict::done: break;
  }
  if (wire::mqtt::is_failure(ack.reason)) {
    ++publisher.refused;
    ++tally_.refused;
  } else {
    ++tally_.acknowledged;
  }
  wake(publisher);
  return true;
}

// --- the end ---

bool MqttMessaging::drained() {
  if (paced()) on_pace();  // what was meant to go before the end, though its event has not come yet
  std::uint64_t expected = 0;
  for (const Publisher& publisher : publishers_) {
    const Client* const client = slab_.find(publisher.key);
    if (client != nullptr && (publisher.due > publisher.sent || publisher.acks.waiting() > 0)) return false;
    if (client != nullptr && !client->unsent.empty()) return false;
    expected += std::uint64_t{publisher.sent - publisher.refused} * copies();
  }
  return tally_.delivered - tally_.duplicated >= expected;
}

void MqttMessaging::on_finish() {
  std::uint64_t expected = 0;
  for (const Publisher& publisher : publishers_) {
    expected += std::uint64_t{publisher.sent - publisher.refused} * copies();
    tally_.fail(Failure::unanswered, publisher.acks.waiting());
    tally_.fail(Failure::unsent, std::max(publisher.due, publisher.sent) - publisher.sent);
  }
  const std::uint64_t unique = tally_.delivered - tally_.duplicated;
  tally_.lost = expected - std::min(expected, unique);
  tally_.fail(Failure::rejected, tally_.refused);
}

}  // namespace holdfast::load
