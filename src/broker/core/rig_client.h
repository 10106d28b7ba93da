// broker/core/rig_client.h: an MQTT client for tests of the shard: it says real packets and understands what comes
// back.
//
// Thread: one. It is the client's end of a pipe; shard_rig.h has the other one. What it acknowledges it does by itself
// unless told not to. It speaks the version that its Hello says.
#pragma once

#include <algorithm>
#include <cstdlib>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/slab.h"
#include "broker/core/end_reason.h"
#include "broker/core/subscription.h"
#include "wire/mqtt/decode.h"
#include "wire/mqtt/encode.h"

namespace holdfast::broker {

// One connection between a client and a shard.
struct RigPipe {
  wire::mqtt::Bytes to_server;
  wire::mqtt::Bytes to_client;
  unsigned shard = 0;
  std::optional<base::Key> link;   // none: it travels, or is over
  std::optional<EndReason> ended;  // by the server
  bool travels = false;            // to another shard
  bool client_gone = false;
  std::uint64_t token = 0;  // of its CONNECT
  int room = -1;            // packets that it still takes; -1: any number
  bool owed = false;        // the shard wants to know when there is room
};

// What CONNECT says.
struct Hello {
  wire::mqtt::Version version = wire::mqtt::Version::v5;
  bool clean = true;
  std::uint32_t expiry_s = 0;
  std::uint16_t keep_alive_s = 0;
  std::string user = {};
  std::optional<wire::mqtt::Will> will = std::nullopt;    // views of literals
  std::function<void(wire::mqtt::Connect&)> change = {};  // whatever else
};

struct Say {
  Qos qos = Qos::at_most_once;
  bool retain = false;
  bool dup = false;
  std::uint16_t packet_id = 0;  // 0: the next one
  wire::mqtt::Properties properties = {};
};

// A message that has come.
struct Got {
  std::string topic;
  std::string payload;
  Qos qos = Qos::at_most_once;
  bool retain = false;
  bool dup = false;
  std::uint16_t packet_id = 0;
  std::uint16_t alias = 0;
  bool topic_was_empty = false;
  std::vector<std::uint32_t> ids = {};  // sorted
  std::optional<std::uint32_t> expiry_s = std::nullopt;
  std::string content_type = {};
  std::string response_topic = {};
  std::string user_property = {};  // name=value of the first
};

// "topic=payload", and what is special: q1 or q2, r (retain), d (dup), #1,2 (subscription identifiers).
inline std::string brief(const Got& got) {
  std::string text = got.topic + "=" + got.payload;
  if (got.qos != Qos::at_most_once) text += got.qos == Qos::at_least_once ? " q1" : " q2";
  if (got.retain) text += " r";
  if (got.dup) text += " d";
  for (std::size_t i = 0; i < got.ids.size(); ++i) text += (i == 0 ? " #" : ",") + std::to_string(got.ids[i]);
  return text;
}

class RigClient {
 public:
  struct Heard {
    wire::mqtt::Bytes bytes;  // what the packet points into
    wire::mqtt::Packet packet;
    wire::mqtt::PacketType type{};
  };

  // `enter(pipe)` brings a new connection to the server; `settle()` lets all happen that follows.
  RigClient(std::string client_id, unsigned at_shard, std::function<void(std::shared_ptr<RigPipe>)> enter,
            std::function<void()> settle)
      : id(std::move(client_id)), shard(at_shard), enter_(std::move(enter)), settle_(std::move(settle)) {}

  std::string id;
  unsigned shard;  // where its connections arrive
  bool acks = true;
  Hello hello;
  std::deque<Heard> heard;        // of this connection
  std::string nonsense;           // the server said what no server may
  std::shared_ptr<RigPipe> pipe;  // of the present or last connection

  // --- its connection ---

  const wire::mqtt::Connack* connect(const Hello& with) {
    hello = with;
    return connect();
  }
  const wire::mqtt::Connack* connect() {
    begin();
    wire::mqtt::Connect connect;
    connect.version = hello.version;
    connect.clean_start = hello.clean;
    connect.keep_alive = wire::mqtt::Seconds{hello.keep_alive_s};
    connect.client_id = id;
    if (!hello.user.empty()) connect.user_name = hello.user;
    connect.will = hello.will;
    if (hello.expiry_s != 0) connect.properties.set(wire::mqtt::Property::session_expiry, hello.expiry_s);
    if (hello.change) hello.change(connect);
    wire::mqtt::Bytes bytes;
    if (!wire::mqtt::encode_connect(bytes, connect)) std::abort();
    say(bytes);
    return connack();
  }
  // A connection on which nothing is said yet. An old one that is not closed stays as it is, unheard.
  void begin() {
    pipe = std::make_shared<RigPipe>();
    pipe->shard = shard;
    heard.clear();
    aliases_.clear();
    enter_(pipe);
  }
  // Goes without a word.
  void vanish() {
    if (pipe) pipe->client_gone = true;
    settle_();
  }
  void disconnect(wire::mqtt::Reason reason = wire::mqtt::Reason::normal_disconnection,
                  std::optional<std::uint32_t> expiry_s = std::nullopt) {
    wire::mqtt::Disconnect packet;
    packet.reason = reason;
    if (expiry_s) packet.properties.set(wire::mqtt::Property::session_expiry, *expiry_s);
    say(packet);
  }
  [[nodiscard]] bool is_connected() const { return pipe && !pipe->client_gone && !pipe->ended && connack_is_good(); }
  // How the server ended it.
  [[nodiscard]] std::optional<EndReason> ended() const { return pipe ? pipe->ended : std::nullopt; }

  // --- what it says ---

  void say(std::span<const std::byte> bytes) {
    pipe->to_server.insert(pipe->to_server.end(), bytes.begin(), bytes.end());
    settle_();
  }
  // Nothing, when the version has no way to say it.
  void say(const wire::mqtt::Packet& packet) {
    wire::mqtt::Bytes bytes;
    if (wire::mqtt::encode(bytes, packet, hello.version)) say(bytes);
  }
  // The packet identifier it used; 0 with QoS 0.
  std::uint16_t publish(std::string_view topic, std::string_view payload, const Say& how = {}) {
    wire::mqtt::Publish packet;
    packet.qos = how.qos;
    packet.retain = how.retain;
    packet.dup = how.dup;
    packet.topic = topic;
    packet.payload = std::as_bytes(std::span(payload));
    packet.properties = how.properties;
    if (how.qos != Qos::at_most_once) packet.packet_id = how.packet_id != 0 ? how.packet_id : next_id();
    say(packet);
    return packet.packet_id;
  }
  // The first code of the answer; nothing while there is none.
  std::optional<wire::mqtt::Reason> subscribe(std::string_view filter, const SubscriptionOptions& options = {}) {
    subscribe_all({filter}, options);
    return answer();
  }
  void subscribe_all(const std::vector<std::string_view>& filters, const SubscriptionOptions& options) {
    wire::mqtt::Bytes encoded;
    const wire::mqtt::FilterOptions how{.qos = options.qos,
                                        .no_local = options.no_local,
                                        .retain_as_published = options.retain_as_published,
                                        .retain_handling = options.retain_handling};
    for (const std::string_view filter : filters) (void)wire::mqtt::append_filter(encoded, filter, how);
    wire::mqtt::Subscribe packet;
    packet.packet_id = next_id();
    packet.filters = {encoded, wire::mqtt::FilterList::Kind::with_options};
    if (options.identifier != 0) packet.properties.set(wire::mqtt::Property::subscription_id, options.identifier);
    asked_ = packet.packet_id;
    say(packet);
  }
  std::optional<wire::mqtt::Reason> unsubscribe(std::string_view filter) {
    wire::mqtt::Bytes encoded;
    (void)wire::mqtt::append_filter(encoded, filter);
    wire::mqtt::Unsubscribe packet;
    packet.packet_id = next_id();
    packet.filters = {encoded, wire::mqtt::FilterList::Kind::without_options};
    asked_ = packet.packet_id;
    say(packet);
    return answer();
  }
  void ping() { say(wire::mqtt::Packet(wire::mqtt::Ping{})); }
  void ack(wire::mqtt::PacketType type, std::uint16_t packet_id,
           wire::mqtt::Reason reason = wire::mqtt::Reason::success) {
    wire::mqtt::Bytes bytes;
    wire::mqtt::encode_ack(bytes, type, packet_id, reason, hello.version);
    say(bytes);
  }

  // --- what it has heard ---

  [[nodiscard]] const wire::mqtt::Connack* connack() const { return last<wire::mqtt::Connack>(); }
  [[nodiscard]] bool session_present() const { return connack() != nullptr && connack()->session_present; }
  // The first code of the answer to the last SUBSCRIBE or UNSUBSCRIBE.
  [[nodiscard]] std::optional<wire::mqtt::Reason> answer() const {
    for (const Heard& each : heard) {
      if (const auto* packet = std::get_if<wire::mqtt::Suback>(&each.packet)) {
        if (packet->packet_id == asked_) return packet->code(0);
      }
      if (const auto* packet = std::get_if<wire::mqtt::Unsuback>(&each.packet)) {
        if (packet->packet_id != asked_) continue;
        return packet->codes.empty() ? wire::mqtt::Reason::success : packet->code(0);
      }
    }
    return std::nullopt;
  }
  // All codes of the last SUBACK.
  [[nodiscard]] std::vector<wire::mqtt::Reason> codes() const {
    std::vector<wire::mqtt::Reason> codes;
    const auto* packet = last<wire::mqtt::Suback>();
    for (std::size_t i = 0; packet != nullptr && i < packet->codes.size(); ++i) codes.push_back(packet->code(i));
    return codes;
  }
  // The reason of the last acknowledgement of that type.
  [[nodiscard]] std::optional<wire::mqtt::Reason> acked(wire::mqtt::PacketType type) const {
    std::optional<wire::mqtt::Reason> reason;
    for (const Heard& each : heard) {
      if (each.type == type) reason = std::get<wire::mqtt::Ack>(each.packet).reason;
    }
    return reason;
  }
  [[nodiscard]] std::optional<wire::mqtt::Reason> goodbye() const {
    const auto* packet = last<wire::mqtt::Disconnect>();
    return packet == nullptr ? std::nullopt : std::optional(packet->reason);
  }
  [[nodiscard]] std::size_t count(wire::mqtt::PacketType type) const {
    return static_cast<std::size_t>(std::ranges::count(heard, type, &Heard::type));
  }
  template <typename T>
  [[nodiscard]] const T* last() const {
    for (auto each = heard.rbegin(); each != heard.rend(); ++each) {
      if (const T* packet = std::get_if<T>(&each->packet)) return packet;
    }
    return nullptr;
  }

  // The messages that have come since the last call, on whatever connection.
  std::vector<Got> take() { return std::exchange(got_, {}); }
  std::vector<std::string> got() {
    std::vector<std::string> texts;
    for (const Got& each : take()) texts.push_back(brief(each));
    return texts;
  }

  // Reads what the server has sent. False when there was nothing.
  bool hear() {
    if (!pipe || pipe->to_client.empty()) return false;
    const wire::mqtt::Bytes bytes = std::exchange(pipe->to_client, {});
    if (pipe->client_gone) return true;
    for (std::span<const std::byte> rest = bytes; !rest.empty();) {
      const wire::mqtt::HeaderRead read = wire::mqtt::read_header(rest);
      if (read.status != wire::mqtt::HeaderStatus::ok || rest.size() < read.header.packet_bytes()) {
        nonsense = "half a packet";
        return true;
      }
      hear(read.header, rest.first(read.header.packet_bytes()));
      rest = rest.subspan(read.header.packet_bytes());
    }
    return true;
  }

 private:
  void hear(const wire::mqtt::Header& header, std::span<const std::byte> packet) {
    Heard& made = heard.emplace_back(Heard{{packet.begin(), packet.end()}, {}, header.type});
    const auto body = std::span<const std::byte>(made.bytes).subspan(header.header_bytes);
    const wire::mqtt::Fault* fault =
        wire::mqtt::decode(header, body, hello.version, wire::mqtt::Sender::server, made.packet);
    if (fault != nullptr) {
      nonsense = fault->what;
      return;
    }
    if (const auto* connack = std::get_if<wire::mqtt::Connack>(&made.packet)) {
      if (!connack->session_present) open_qos2_.clear();
    }
    if (const auto* publish = std::get_if<wire::mqtt::Publish>(&made.packet)) return on_publish(*publish);
    const auto* acknowledged = std::get_if<wire::mqtt::Ack>(&made.packet);
    if (acknowledged == nullptr) return;
    if (made.type == wire::mqtt::PacketType::pubrel) {
      open_qos2_.erase(acknowledged->packet_id);
      if (acks) answer(wire::mqtt::PacketType::pubcomp, acknowledged->packet_id);
    }
    if (made.type == wire::mqtt::PacketType::pubrec && acks && !wire::mqtt::is_failure(acknowledged->reason)) {
      answer(wire::mqtt::PacketType::pubrel, acknowledged->packet_id);
    }
  }

  void on_publish(const wire::mqtt::Publish& publish) {
    Got got{.topic = std::string(publish.topic),
            .payload = {reinterpret_cast<const char*>(publish.payload.data()), publish.payload.size()},
            .qos = publish.qos,
            .retain = publish.retain,
            .dup = publish.dup,
            .packet_id = publish.packet_id,
            .alias = publish.properties.topic_alias,
            .topic_was_empty = publish.topic.empty(),
            .content_type = std::string(publish.properties.content_type),
            .response_topic = std::string(publish.properties.response_topic)};
    if (got.alias != 0 && !got.topic.empty()) aliases_[got.alias] = got.topic;
    if (got.topic.empty()) got.topic = aliases_[got.alias];
    if (got.topic.empty()) nonsense = "an alias that means nothing";
    for (const std::uint32_t each : publish.properties.subscription_ids()) got.ids.push_back(each);
    std::ranges::sort(got.ids);
    if (publish.properties.has(wire::mqtt::Property::message_expiry)) {
      got.expiry_s = publish.properties.message_expiry.count();
    }
    for (const wire::mqtt::UserProperty& each : publish.properties.user_properties()) {
      if (got.user_property.empty()) got.user_property = std::string(each.name) + "=" + std::string(each.value);
    }
    const bool is_new = publish.qos != Qos::exactly_once || open_qos2_.insert(publish.packet_id).second;
    if (is_new) got_.push_back(std::move(got));
    if (!acks || publish.qos == Qos::at_most_once) return;
    answer(publish.qos == Qos::at_least_once ? wire::mqtt::PacketType::puback : wire::mqtt::PacketType::pubrec,
           publish.packet_id);
  }
  // Said without waiting for what follows.
  void answer(wire::mqtt::PacketType type, std::uint16_t packet_id) {
    wire::mqtt::encode_ack(pipe->to_server, type, packet_id, wire::mqtt::Reason::success, hello.version);
  }

  [[nodiscard]] bool connack_is_good() const {
    return connack() != nullptr && connack()->reason == wire::mqtt::Reason::success;
  }
  std::uint16_t next_id() {
    if (++last_id_ == 0) ++last_id_;
    return last_id_;
  }

  std::function<void(std::shared_ptr<RigPipe>)> enter_;
  std::function<void()> settle_;
  std::vector<Got> got_;
  std::set<std::uint16_t> open_qos2_;  // received and not released
  std::map<std::uint16_t, std::string> aliases_;
  std::uint16_t last_id_ = 0;
  std::uint16_t asked_ = 0;
};

}  // namespace holdfast::broker
