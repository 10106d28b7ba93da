#include "load/mqtt/holding.h"

#include <algorithm>
#include <utility>

namespace holdfast::load {

using wire::mqtt::PacketType;

MqttHolding::MqttHolding(net::Loop& loop, const MqttSettings& settings, const Window& window)
    : MqttModel(loop, settings, window), holders_(settings.clients) {}

void MqttHolding::on_begin() {
  schedule_ = RateSchedule(base::Clock::now(), std::max<std::uint64_t>(settings_.rate, 1), 0, 1);
  on_pace();
}

void MqttHolding::on_pace() {
  const base::Time now = base::Clock::now();
  for (; next_ < settings_.clients && schedule_.at(next_) <= now && !window_.over(now); ++next_) {
    dial(next_, schedule_.at(next_));
  }
  if (next_ < settings_.clients) pacer_.arm(schedule_.at(next_));
}

std::string MqttHolding::filter_of(std::uint32_t number) const {
  return settings_.subscribing == Subscribing::own ? topic_of(number) : std::string();
}

void MqttHolding::on_welcome(base::Key key, Client& client) {
  if (settings_.first_messages == 0) return count(client.number);
  const std::string topic = topic_of(client.number);
  outgoing_.clear();
  for (std::uint32_t message = 0; message < settings_.first_messages; ++message) {
    const auto id = static_cast<std::uint16_t>(acknowledged() ? message + 1 : 0);
    append_message(outgoing_, topic, id, {base::Clock::now().time_since_epoch().count(), client.number, message});
    ++tally_.sent;
  }
  wire::mqtt::encode_pingreq(outgoing_);
  (void)write(key, client, outgoing_);
}

bool MqttHolding::on_message(base::Key, Client& client, const wire::mqtt::Publish& publish) {
  if (read_stamp(publish.payload).publisher != client.number) return false;
  ++tally_.delivered;
  ++holders_[client.number].came;
  judge(client.number);
  return true;
}

bool MqttHolding::on_ack(base::Key, Client& client, const wire::mqtt::Ack& ack) {
  if (ack.type == PacketType::pubrec && !wire::mqtt::is_failure(ack.reason)) {
    wire::mqtt::encode_ack(replies(), PacketType::pubrel, ack.packet_id, wire::mqtt::Reason::success,
                           settings_.version);
    return true;
  }
  if (wire::mqtt::is_failure(ack.reason)) return false;
  ++tally_.acknowledged;
  ++holders_[client.number].acknowledged;
  judge(client.number);
  return true;
}

void MqttHolding::on_pong(base::Key, Client& client) {
  holders_[client.number].answered = true;
  judge(client.number);
}

// Nothing has come for so long: those that still wait for something will not get it.
void MqttHolding::tend() {
  if (settled() || next_ < settings_.clients || base::Clock::now() < last_arrival() + settings_.timeout) return;
  slab_.for_each([&](base::Key key, const Client& client) {
    if (client.state == Client::State::ready && !holders_[client.number].counted) lose(key, Failure::timeout);
  });
}

void MqttHolding::judge(std::uint32_t number) {
  const Holder& holder = holders_[number];
  const std::uint32_t wanted = settings_.first_messages;
  const bool all_came = settings_.subscribing == Subscribing::none || holder.came >= wanted;
  if (holder.answered && all_came && (!acknowledged() || holder.acknowledged >= wanted)) count(number);
}

void MqttHolding::count(std::uint32_t number) {
  if (!std::exchange(holders_[number].counted, true)) ++arrived_or_gone_;
}

void MqttHolding::on_gone(std::uint32_t number, Client::State) { count(number); }

}  // namespace holdfast::load
