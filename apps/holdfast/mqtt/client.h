// apps/holdfast/mqtt/client.h: a client of a broker: connects, publishes, subscribes, keeps the connection alive.
//
// One coroutine drives it, by step(); nothing happens behind its back but reading and writing.
// Thread:   the control thread.
// Errors:   throws BrokerFailed.
// Limits:   messages that are not acknowledged yet: what both ends allow, at most ClientSettings::in_flight_max;
//           kUnsentBytesMax waiting to be sent, and one packet more.
// Not here: enhanced authentication, and messages of a session that outlive their connection.
#pragma once

#include <chrono>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "base/time.h"
#include "client/client.h"
#include "mqtt/link.h"
#include "mqtt/target.h"
#include "mqtt/world.h"
#include "wire/mqtt/packets.h"

namespace holdfast::app {

inline constexpr std::size_t kUnsentBytesMax = 1024 * 1024;

using UserPropertyList = std::vector<std::pair<std::string, std::string>>;

struct WillSettings {
  std::string topic;
  std::string message;
  wire::mqtt::Qos qos = wire::mqtt::Qos::at_most_once;
  bool retain = false;
  std::optional<std::uint32_t> delay_seconds;
  std::optional<std::uint32_t> expiry_seconds;
  std::string content_type;
  UserPropertyList user_properties;
};

struct ClientSettings {
  Target target;
  wire::mqtt::Version version = wire::mqtt::Version::v5;
  std::string client_id;
  bool clean_start = true;
  std::chrono::seconds keep_alive{60};
  std::optional<std::string> user;
  std::optional<std::string> password;
  std::optional<WillSettings> will;
  std::optional<std::uint32_t> session_expiry_seconds;
  std::optional<std::uint16_t> receive_maximum;
  std::optional<std::uint16_t> topic_alias_maximum;
  std::optional<std::uint32_t> packet_bytes_max;
  UserPropertyList user_properties;
  std::chrono::microseconds timeout = std::chrono::seconds{10};  // of connecting, and of each answer
  std::uint16_t in_flight_max = 20;
};

class BrokerFailed : public CommandFailed {
 public:
  enum class Again : std::uint8_t { may_help, is_pointless };

  BrokerFailed(ExitStatus status, const std::string& why, Again again) : CommandFailed(status, why), again_(again) {}
  [[nodiscard]] Again again() const noexcept { return again_; }

 private:
  Again again_;
};

// "the broker refused: not authorized (0x87): no such user", with the exit status for it.
[[nodiscard]] BrokerFailed refusal(const std::string& what, wire::mqtt::Reason reason, std::string_view reason_string);

// What the broker said in its CONNACK.
struct Greeting {
  bool session_present = false;
  std::string client_id;  // ours, or that which the broker gave us
  std::chrono::seconds keep_alive{0};
  std::uint16_t receive_maximum = 65'535;
  std::uint16_t topic_alias_maximum = 0;
  std::uint32_t packet_bytes_max = 0;  // 0: no limit
  wire::mqtt::Qos qos_max = wire::mqtt::Qos::exactly_once;
  bool retain_available = true;
};

class MqttClient {
 public:
  MqttClient(World& world, ClientSettings settings) : world_(world), settings_(std::move(settings)) {}
  ~MqttClient();
  MqttClient(const MqttClient&) = delete;
  MqttClient& operator=(const MqttClient&) = delete;

  // Until the CONNACK. An interrupt ends it as a failure.
  [[nodiscard]] control::Task<> connect();

  // The next packet that concerns the user: PUBLISH, the last acknowledgement of a message that was published (PUBACK,
  // PUBCOMP, or a PUBREC that refuses), SUBACK, UNSUBACK. It lives until the next call.
  // Null at `until`, and whenever anything else has happened: look again at what is waited for.
  [[nodiscard]] control::Task<const wire::mqtt::Packet*> step(base::Time until);

  // Whether one more message may be published.
  [[nodiscard]] bool has_room() const noexcept;
  // Packet identifier and duplicate flag are the client's to set. Returns the identifier, 0 for QoS 0.
  std::uint16_t publish(wire::mqtt::Publish message);
  [[nodiscard]] std::size_t in_flight() const noexcept { return in_flight_.size(); }
  // Everything is with the kernel.
  [[nodiscard]] bool all_sent() const noexcept { return link_->unsent() == 0; }

  // The identifier that the SUBACK will have.
  std::uint16_t subscribe(wire::mqtt::Subscribe subscribe);
  // Tells the broker that a message has been taken.
  void acknowledge(const wire::mqtt::Publish& message);

  enum class Leave : std::uint8_t { orderly, so_that_the_will_is_published };
  // Waits a moment for everything to be sent, and for the broker to close.
  [[nodiscard]] control::Task<> disconnect(Leave leave);

  [[nodiscard]] const Greeting& greeting() const noexcept { return greeting_; }
  [[nodiscard]] const ClientSettings& settings() const noexcept { return settings_; }
  [[nodiscard]] ClientSettings& settings() noexcept { return settings_; }
  [[nodiscard]] std::string where() const { return settings_.target.text(); }

 private:
  enum class Flight : std::uint8_t { published, released };

  [[nodiscard]] control::Task<> open();
  void send_connect();
  void on_connack(const wire::mqtt::Connack& connack);
  const wire::mqtt::Packet* take();
  [[nodiscard]] bool read_packet();
  [[nodiscard]] bool concerns_the_user();
  [[nodiscard]] bool on_publish(wire::mqtt::Publish& message);
  [[nodiscard]] bool on_ack(const wire::mqtt::Ack& ack);
  void resolve_alias(wire::mqtt::Publish& message);
  void keep_alive(base::Time now);
  [[nodiscard]] base::Time next_ping() const;
  void flush();
  std::uint16_t next_id();
  [[nodiscard]] BrokerFailed ended() const;
  [[nodiscard]] BrokerFailed broken(const wire::mqtt::Fault& fault);

  World& world_;
  ClientSettings settings_;
  Greeting greeting_;
  bool greeted_ = false;
  std::shared_ptr<Link> link_;
  wire::mqtt::Packet packet_;
  base::Time sent_at_{};
  std::optional<base::Time> pinged_at_;
  std::uint16_t last_id_ = 0;
  std::map<std::uint16_t, Flight> in_flight_;
  std::set<std::uint16_t> received_;  // QoS 2, between PUBREC and PUBREL
  std::map<std::uint16_t, std::string> aliases_;
};

}  // namespace holdfast::app
