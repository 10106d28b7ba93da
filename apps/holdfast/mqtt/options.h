// apps/holdfast/mqtt/options.h: the options by which a user says which broker, and as whom; and those of a message.
//
// Thread: the main one of a command.
#pragma once

#include <CLI/CLI.hpp>
#include <functional>
#include <string>
#include <vector>

#include "mqtt/client.h"
#include "wire/mqtt/encode.h"

namespace holdfast::app {

// What every client has. settings() is complete once the command line is read.
class BrokerOptions {
 public:
  // Adds the options to `command`. This lives as long as the command.
  void add_to(CLI::App& command);
  // Says that an option is of MQTT 5 only.
  void only_v5(CLI::Option* option) { only_v5_.push_back(option); }

  // Throws CommandFailed when the options do not go together.
  [[nodiscard]] ClientSettings settings() const;
  [[nodiscard]] bool verbose() const noexcept { return verbose_; }
  [[nodiscard]] bool json() const noexcept { return json_; }
  [[nodiscard]] MqttClient::Leave leave() const noexcept {
    return fire_will_ ? MqttClient::Leave::so_that_the_will_is_published : MqttClient::Leave::orderly;
  }

 private:
  void add_where(CLI::App& command);
  void add_who(CLI::App& command);
  void add_session(CLI::App& command);
  void add_will(CLI::App& command);
  [[nodiscard]] Target target() const;

  std::string host_ = "127.0.0.1";
  std::optional<std::uint16_t> port_;
  Target url_;
  CLI::Option* url_given_ = nullptr;
  CLI::Option* client_id_given_ = nullptr;
  CLI::Option* user_given_ = nullptr;
  CLI::Option* password_given_ = nullptr;
  std::string user_, password_, password_file_;
  ClientSettings settings_;
  WillSettings will_;
  bool fire_will_ = false;
  bool verbose_ = false;
  bool json_ = false;
  std::vector<CLI::Option*> only_v5_;
  std::vector<CLI::Option*> of_will_;
};

// Where a message goes and what is in it: publish and request.
class PayloadOptions {
 public:
  // Adds TOPIC, MESSAGE, --file and --stdin. `name`: what the payload is for the user.
  void add_to(CLI::App& command, const std::string& name, const std::string& about_topic,
              const std::string& about_message);

  [[nodiscard]] const std::string& topic() const noexcept { return topic_; }
  // How many of the ways to say the payload were taken; only one of them can be meant.
  [[nodiscard]] int ways() const noexcept { return int{has_text_} + int{!file_.empty()} + int{input_}; }
  // It was MESSAGE.
  [[nodiscard]] bool is_text() const noexcept { return has_text_; }
  // Reads the file, or standard input to its end. Throws CommandFailed.
  [[nodiscard]] std::string payload() const;

 private:
  std::string topic_, text_, file_;
  bool has_text_ = false;
  bool input_ = false;
};

// What a message has beside topic and payload: publish and request.
class MessageOptions {
 public:
  void add_to(CLI::App& command, BrokerOptions& broker);

  // Texts and bytes of it point into this object.
  [[nodiscard]] wire::mqtt::Publish message() const;
  [[nodiscard]] const std::string& response_topic() const noexcept { return response_topic_; }
  [[nodiscard]] const std::string& correlation_data() const noexcept { return correlation_data_; }

 private:
  wire::mqtt::Qos qos_ = wire::mqtt::Qos::at_most_once;
  bool retain_ = false;
  std::string content_type_, response_topic_, correlation_data_;
  std::optional<std::uint32_t> expiry_seconds_;
  std::optional<bool> is_text_;
  std::uint16_t topic_alias_ = 0;
  wire::mqtt::Bytes user_properties_;
};

// Options of these kinds, whose value is `into` once the line is read.
CLI::Option* add_qos(CLI::App& command, const std::string& name, wire::mqtt::Qos& into, const std::string& about);
// "30s", "2h"; in whole seconds.
CLI::Option* add_seconds(CLI::App& command, const std::string& name, std::optional<std::uint32_t>& into,
                         const std::string& about);
CLI::Option* add_time(CLI::App& command, const std::string& name, std::chrono::microseconds& into,
                      const std::string& about);
// NAME=VALUE, as often as one likes.
CLI::Option* add_user_property(CLI::App& command, const std::string& name,
                               std::function<void(std::string name, std::string value)> take, const std::string& about);
[[nodiscard]] wire::mqtt::Qos parse_qos(const std::string& text);

// Says on standard error what happens, when the user wants to know.
void note(const BrokerOptions& options, std::string_view command, const std::string& what);
// "connected to 127.0.0.1:1883 as holdfast-5f2a, MQTT 5, a new session".
[[nodiscard]] std::string greeting_text(const MqttClient& client);

}  // namespace holdfast::app
