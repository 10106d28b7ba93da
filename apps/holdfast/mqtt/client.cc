#include "mqtt/client.h"

#include <fmt/format.h>

#include <algorithm>

#include "client/table.h"
#include "mqtt/text.h"

namespace holdfast::app {
namespace mqtt = wire::mqtt;
using mqtt::Property;
using mqtt::Reason;
using mqtt::Version;
using Again = BrokerFailed::Again;

namespace {

constexpr std::chrono::seconds kLeavePatience{1};

bool passes(Reason reason) {
  return reason == Reason::server_unavailable || reason == Reason::server_busy ||
         reason == Reason::server_shutting_down || reason == Reason::connection_rate_exceeded ||
         reason == Reason::quota_exceeded || reason == Reason::keep_alive_timeout ||
         reason == Reason::maximum_connect_time;
}

mqtt::Bytes encoded(const UserPropertyList& list) {
  mqtt::Bytes bytes;
  for (const auto& [name, value] : list) (void)mqtt::append_user_property(bytes, name, value);
  return bytes;
}

template <typename T>
void set(mqtt::Properties& properties, Property property, const std::optional<T>& value) {
  if (value) properties.set(property, std::uint32_t{*value});
}

mqtt::Will will_of(const WillSettings& settings, std::span<const std::byte> user_properties) {
  mqtt::Will will{.topic = settings.topic,
                  .payload = as_bytes(settings.message),
                  .qos = settings.qos,
                  .retain = settings.retain,
                  .properties = {}};
  set(will.properties, Property::will_delay, settings.delay_seconds);
  set(will.properties, Property::message_expiry, settings.expiry_seconds);
  if (!settings.content_type.empty())
    will.properties.set(Property::content_type, std::string_view(settings.content_type));
  will.properties.set_user_properties(user_properties);
  return will;
}

}  // namespace

BrokerFailed refusal(const std::string& what, Reason reason, std::string_view reason_string) {
  std::string text = what + ": " + reason_text(reason);
  if (!reason_string.empty()) text += ": " + clean(reason_string);
  return {is_not_allowed(reason) ? kNotAllowed : kFailed, text, passes(reason) ? Again::may_help : Again::is_pointless};
}

MqttClient::~MqttClient() {
  if (link_ != nullptr) link_->close();
}

control::Task<> MqttClient::connect() {
  co_await open();
  send_connect();
  greeted_ = false;
  const base::Time until = base::Clock::now() + settings_.timeout;
  while (!greeted_) {
    flush();
    if (const mqtt::Packet* packet = take(); packet != nullptr) {
      const auto* const connack = std::get_if<mqtt::Connack>(packet);
      if (connack == nullptr)
        throw BrokerFailed(kFailed, where() + " did not begin with a CONNACK", Again::is_pointless);
      on_connack(*connack);
      continue;
    }
    if (world_.interrupted) throw BrokerFailed(kFailed, "interrupted", Again::is_pointless);
    if (base::Clock::now() >= until)
      throw BrokerFailed(kNobodyAnswers, fmt::format("no answer to CONNECT from {} in time", where()), Again::may_help);
    co_await world_.event.wait(until);
  }
}

control::Task<> MqttClient::open() {
  if (link_ != nullptr) link_->close();
  link_ = std::make_shared<Link>(world_.runtime.context(), world_.event, settings_.target, settings_.version);
  const auto timeout = std::chrono::ceil<std::chrono::milliseconds>(settings_.timeout);
  const base::Time until = base::Clock::now() + timeout;
  const control::Job opening = world_.runtime.spawn("connect", Link::open(link_, world_.threads, timeout));
  while (link_->state() == Link::State::opening) {
    if (world_.interrupted) throw BrokerFailed(kFailed, "interrupted", Again::is_pointless);
    if (base::Clock::now() >= until)
      throw BrokerFailed(kNobodyAnswers, fmt::format("no answer from {} in time", where()), Again::may_help);
    co_await world_.event.wait(until);
  }
  if (link_->state() == Link::State::ended) throw ended();
}

void MqttClient::send_connect() {
  mqtt::Connect connect;
  connect.version = settings_.version;
  connect.clean_start = settings_.clean_start;
  connect.keep_alive = mqtt::Seconds(static_cast<std::uint32_t>(settings_.keep_alive.count()));
  connect.client_id = settings_.client_id;
  if (settings_.user) connect.user_name = *settings_.user;
  if (settings_.password) connect.password = as_bytes(*settings_.password);
  const mqtt::Bytes will_user_properties =
      encoded(settings_.will ? settings_.will->user_properties : UserPropertyList{});
  if (settings_.will) connect.will = will_of(*settings_.will, will_user_properties);
  set(connect.properties, Property::session_expiry, settings_.session_expiry_seconds);
  set(connect.properties, Property::receive_maximum, settings_.receive_maximum);
  set(connect.properties, Property::topic_alias_maximum, settings_.topic_alias_maximum);
  set(connect.properties, Property::maximum_packet_size, settings_.packet_bytes_max);
  const mqtt::Bytes user_properties = encoded(settings_.user_properties);
  connect.properties.set_user_properties(user_properties);
  if (!mqtt::encode_connect(link_->out(), connect))
    throw BrokerFailed(kUsageOrFaults, "the CONNECT has a text of more than 65535 bytes", Again::is_pointless);
  aliases_.clear();
  in_flight_.clear();
  pinged_at_.reset();
}

void MqttClient::on_connack(const mqtt::Connack& connack) {
  if (connack.reason != Reason::success)
    throw refusal("the broker refused", connack.reason, connack.properties.reason_string);
  const mqtt::Properties& said = connack.properties;
  greeting_ = {.session_present = connack.session_present,
               .client_id = settings_.client_id,
               .keep_alive = settings_.keep_alive,
               .receive_maximum = said.receive_maximum,
               .topic_alias_maximum = said.topic_alias_maximum,
               .packet_bytes_max = said.maximum_packet_size,
               .qos_max = said.maximum_qos,
               .retain_available = said.retain_available};
  if (said.has(Property::assigned_client_id)) greeting_.client_id = said.assigned_client_id;
  //= MQTT5 [MQTT-3.1.2-21]
  if (said.has(Property::server_keep_alive)) greeting_.keep_alive = said.server_keep_alive;
  if (!greeting_.session_present) received_.clear();
  greeted_ = true;
}

control::Task<const mqtt::Packet*> MqttClient::step(base::Time until) {
  if (const mqtt::Packet* packet = take(); packet != nullptr) co_return packet;
  const base::Time now = base::Clock::now();
  keep_alive(now);
  flush();
  if (now >= until) co_return nullptr;
  const base::Time wake = std::min(until, next_ping());
  co_await world_.event.wait(wake);
  const mqtt::Packet* const packet = take();
  co_return packet;
}

// Reads on over what concerns only the client itself.
const mqtt::Packet* MqttClient::take() {
  while (read_packet()) {
    if (!greeted_ || concerns_the_user()) return &packet_;
  }
  if (link_->state() == Link::State::ended) throw ended();
  return nullptr;
}

bool MqttClient::read_packet() {
  const mqtt::Fault* fault = nullptr;
  const auto raw = link_->take(fault);
  if (raw) fault = mqtt::decode(raw->header, raw->body, settings_.version, mqtt::Sender::server, packet_);
  if (fault != nullptr) throw broken(*fault);
  return raw.has_value();
}

bool MqttClient::concerns_the_user() {
  if (auto* const message = std::get_if<mqtt::Publish>(&packet_)) return on_publish(*message);
  if (const auto* const ack = std::get_if<mqtt::Ack>(&packet_)) return on_ack(*ack);
  if (const auto* const end = std::get_if<mqtt::Disconnect>(&packet_))
    throw refusal("the broker ended the connection", end->reason, end->properties.reason_string);
  if (std::holds_alternative<mqtt::Auth>(packet_))
    throw BrokerFailed(kFailed, "the broker asks for enhanced authentication, which this client has not",
                       Again::is_pointless);
  if (std::holds_alternative<mqtt::Ping>(packet_)) {
    pinged_at_.reset();
    return false;
  }
  return std::holds_alternative<mqtt::Suback>(packet_) || std::holds_alternative<mqtt::Unsuback>(packet_);
}

// One of QoS 2 that came before is answered again, but is no message for the user.
bool MqttClient::on_publish(mqtt::Publish& message) {
  resolve_alias(message);
  if (message.qos != mqtt::Qos::exactly_once || !received_.contains(message.packet_id)) return true;
  mqtt::encode_ack(link_->out(), mqtt::PacketType::pubrec, message.packet_id, Reason::success, settings_.version);
  return false;
}

void MqttClient::resolve_alias(mqtt::Publish& message) {
  static constexpr mqtt::Fault kUnknown{Reason::topic_alias_invalid, "MQTT5 [MQTT-3.3.2-9]",
                                        "a topic alias that was not agreed on"};
  const std::uint16_t alias = message.properties.topic_alias;
  if (alias == 0) return;
  if (alias > settings_.topic_alias_maximum.value_or(0)) throw broken(kUnknown);
  if (!message.topic.empty()) {
    aliases_[alias] = message.topic;
  } else if (const auto found = aliases_.find(alias); found != aliases_.end()) {
    message.topic = found->second;
  } else {
    throw broken(kUnknown);
  }
}

void MqttClient::acknowledge(const mqtt::Publish& message) {
  if (message.qos == mqtt::Qos::at_most_once) return;
  const bool once = message.qos == mqtt::Qos::exactly_once;
  if (once) received_.insert(message.packet_id);
  mqtt::encode_ack(link_->out(), once ? mqtt::PacketType::pubrec : mqtt::PacketType::puback, message.packet_id,
                   Reason::success, settings_.version);
}

bool MqttClient::on_ack(const mqtt::Ack& ack) {
  const auto answer = [&](mqtt::PacketType type, Reason reason) {
    mqtt::encode_ack(link_->out(), type, ack.packet_id, reason, settings_.version);
    return false;
  };
  if (ack.type == mqtt::PacketType::pubrel) {
    const bool known = received_.erase(ack.packet_id) > 0;
    return answer(mqtt::PacketType::pubcomp, known ? Reason::success : Reason::packet_identifier_not_found);
  }
  const auto found = in_flight_.find(ack.packet_id);
  if (ack.type == mqtt::PacketType::pubrec && !mqtt::is_failure(ack.reason)) {
    if (found == in_flight_.end()) return answer(mqtt::PacketType::pubrel, Reason::packet_identifier_not_found);
    found->second = Flight::released;
    return answer(mqtt::PacketType::pubrel, Reason::success);
  }
  if (found == in_flight_.end()) return false;
  in_flight_.erase(found);
  return true;
}

bool MqttClient::has_room() const noexcept {
  const std::size_t window = std::min(greeting_.receive_maximum, settings_.in_flight_max);
  return in_flight_.size() < window && link_->unsent() < kUnsentBytesMax;
}

std::uint16_t MqttClient::publish(mqtt::Publish message) {
  const auto fail = [](const std::string& why) { throw BrokerFailed(kFailed, why, Again::is_pointless); };
  //= MQTT5 [MQTT-3.2.2-11]
  if (message.qos > greeting_.qos_max)
    fail(fmt::format("the broker takes QoS {} at most", static_cast<int>(greeting_.qos_max)));
  //= MQTT5 [MQTT-3.2.2-14]
  if (message.retain && !greeting_.retain_available) fail("the broker keeps no retained messages");
  //= MQTT5 [MQTT-3.2.2-17]
  if (message.properties.topic_alias > greeting_.topic_alias_maximum)
    fail(greeting_.topic_alias_maximum == 0
             ? "the broker takes no topic alias"
             : fmt::format("the broker takes topic aliases up to {}", greeting_.topic_alias_maximum));
  message.packet_id = message.qos == mqtt::Qos::at_most_once ? std::uint16_t{0} : next_id();
  const std::size_t before = link_->out().size();
  if (!mqtt::encode_publish(link_->out(), message, settings_.version)) fail("the message is larger than MQTT allows");
  //= MQTT5 [MQTT-3.2.2-15]
  if (greeting_.packet_bytes_max != 0 && link_->out().size() - before > greeting_.packet_bytes_max)
    fail(fmt::format("the broker takes packets of {} bytes at most", greeting_.packet_bytes_max));
  if (message.packet_id != 0) in_flight_[message.packet_id] = Flight::published;
  return message.packet_id;
}

std::uint16_t MqttClient::subscribe(mqtt::Subscribe subscribe) {
  subscribe.packet_id = next_id();
  if (!mqtt::encode_subscribe(link_->out(), subscribe, settings_.version))
    throw BrokerFailed(kUsageOrFaults, "the filters are more than one packet can say", Again::is_pointless);
  return subscribe.packet_id;
}

// There is always a free one: fewer than 65,535 are in flight.
std::uint16_t MqttClient::next_id() {
  do {
    if (++last_id_ == 0) ++last_id_;
  } while (in_flight_.contains(last_id_));
  return last_id_;
}

control::Task<> MqttClient::disconnect(Leave leave) {
  const bool with_will = leave == Leave::so_that_the_will_is_published;
  if (!with_will || settings_.version == Version::v5) {
    const mqtt::Disconnect disconnect{.reason = with_will ? Reason::disconnect_with_will : Reason::normal_disconnection,
                                      .properties = {}};
    (void)mqtt::encode_disconnect(link_->out(), disconnect, settings_.version);
  }
  const base::Time until = base::Clock::now() + kLeavePatience;
  bool told = false;
  const mqtt::Fault* fault = nullptr;
  while (link_->state() == Link::State::open && fault == nullptr && base::Clock::now() < until) {
    link_->flush();
    while (link_->take(fault)) continue;
    if (!told && all_sent()) {
      link_->shut_down();
      told = true;
    }
    if (link_->state() == Link::State::open) co_await world_.event.wait(until);
  }
  link_->close();
}

void MqttClient::keep_alive(base::Time now) {
  if (pinged_at_ && now - *pinged_at_ >= settings_.timeout)
    throw BrokerFailed(kNobodyAnswers, fmt::format("{} does not answer a PINGREQ", where()), Again::may_help);
  if (pinged_at_ || now < next_ping()) return;
  mqtt::encode_pingreq(link_->out());
  pinged_at_ = now;
}

//= MQTT5 [MQTT-3.1.2-20]
base::Time MqttClient::next_ping() const {
  if (pinged_at_) return *pinged_at_ + settings_.timeout;
  if (greeting_.keep_alive.count() == 0) return base::Time::max();
  return sent_at_ + std::chrono::milliseconds(greeting_.keep_alive) * 3 / 4;  // so that it is there in time
}

void MqttClient::flush() {
  if (link_->out().empty()) return;
  sent_at_ = base::Clock::now();
  link_->flush();
}

BrokerFailed MqttClient::ended() const {
  const Link::End& end = link_->end();
  switch (end.kind) {
    case Link::End::Kind::unreached:
      return {kNobodyAnswers, fmt::format("nobody answers at {} ({})", where(), end.why), Again::may_help};
    case Link::End::Kind::not_allowed:
      return {kNotAllowed, fmt::format("not allowed to connect to {} ({})", where(), end.why), Again::is_pointless};
    case Link::End::Kind::not_websocket:
      return {kFailed, fmt::format("what answers at {} {}", where(), end.why), Again::is_pointless};
    case Link::End::Kind::closed:
    case Link::End::Kind::lost: break;
  }
  const std::string how = end.kind == Link::End::Kind::closed ? "closed the connection" : "broke the connection";
  const std::string why = end.kind == Link::End::Kind::closed ? "" : fmt::format(" ({})", end.why);
  if (greeted_) return {kNobodyAnswers, fmt::format("the broker {}{}", how, why), Again::may_help};
  return {kNobodyAnswers,
          fmt::format("{} {} without an answer to CONNECT{}: does it speak {}?", where(), how, why,
                      version_name(settings_.version)),
          Again::may_help};
}

BrokerFailed MqttClient::broken(const mqtt::Fault& fault) {
  if (!greeted_)
    return {kFailed,
            fmt::format("what answers at {} does not speak {}: {} ({})", where(), version_name(settings_.version),
                        fault.what, fault.clause),
            Again::is_pointless};
  //= MQTT5 [MQTT-4.13.1-1]
  (void)mqtt::encode_disconnect(link_->out(), {.reason = fault.reason, .properties = {}}, settings_.version);
  link_->flush();
  return {kFailed, fmt::format("the broker sent what is against the standard: {} ({})", fault.what, fault.clause),
          Again::is_pointless};
}

}  // namespace holdfast::app
