#include "mqtt/options.h"

#include <fmt/format.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <limits>
#include <memory>
#include <random>

#include "base/units.h"
#include "client/table.h"
#include "man_page.h"
#include "mqtt/text.h"

namespace holdfast::app {
namespace mqtt = wire::mqtt;
using mqtt::Property;
using mqtt::Version;
namespace {

constexpr std::size_t kFileBytesMax = mqtt::kBodyBytesMax;

// Short enough for MQTT 3.1, which allows 23 characters.
std::string random_client_id() {
  std::random_device random;
  return fmt::format("holdfast-{:08x}{:04x}", random(), random() & 0xffffU);
}

std::string without_end_of_line(std::string text) {
  text.erase(text.find_last_not_of("\r\n") + 1);
  return text;
}

std::pair<std::string, std::string> split_property(const std::string& option, const std::string& text) {
  const std::size_t equals = text.find('=');
  if (equals == std::string::npos || !check_text(text).empty())
    throw CLI::ValidationError(option, "must be like NAME=VALUE, in UTF-8");
  return {text.substr(0, equals), text.substr(equals + 1)};
}

std::uint32_t parse_seconds(const std::string& option, const std::string& text) {
  const auto time = base::parse_duration(text);
  const auto seconds = time ? std::chrono::duration_cast<std::chrono::seconds>(*time) : std::chrono::seconds{-1};
  if (seconds.count() < 0 || seconds != *time || seconds.count() >= std::numeric_limits<std::uint32_t>::max())
    throw CLI::ValidationError(option, "must be like 30s or 2h, in whole seconds");
  return static_cast<std::uint32_t>(seconds.count());
}

CLI::Option* add_text(CLI::App& command, const std::string& name, std::string& into, const std::string& type,
                      const std::string& about) {
  return command.add_option(name, into, about)->type_name(type)->check(check_text);
}

template <typename T>
CLI::Option* add_number(CLI::App& command, const std::string& name, std::optional<T>& into, const std::string& about) {
  return command
      .add_option_function<std::uint64_t>(
          name,
          [&into, name](const std::uint64_t& number) {
            if (number < 1 || number > std::numeric_limits<T>::max())
              throw CLI::ValidationError(name, fmt::format("must be 1 to {}", std::numeric_limits<T>::max()));
            into = static_cast<T>(number);
          },
          about)
      ->type_name("NUMBER");
}

// Of a file, or of standard input when `path` is empty. Throws CommandFailed.
std::string read_whole(const std::string& path) {
  const auto fail = [&path] {
    throw CommandFailed(kUsageOrFaults,
                        fmt::format("{}: {}", path.empty() ? "standard input" : path, std::strerror(errno)));
  };
  std::FILE* const file = path.empty() ? stdin : std::fopen(path.c_str(), "rb");
  if (file == nullptr) fail();
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> owner(path.empty() ? nullptr : file, &std::fclose);
  std::string text;
  std::vector<char> piece(64 * 1024);
  while (text.size() <= kFileBytesMax) {
    const std::size_t count = std::fread(piece.data(), 1, piece.size(), file);
    if (count == 0) break;
    text.append(piece.data(), count);
  }
  if (std::ferror(file) != 0) fail();
  return text;
}

}  // namespace

mqtt::Qos parse_qos(const std::string& text) {
  if (text == "0" || text == "1" || text == "2") return static_cast<mqtt::Qos>(text.front() - '0');
  throw CLI::ValidationError("--qos", "must be 0, 1 or 2");
}

CLI::Option* add_qos(CLI::App& command, const std::string& name, mqtt::Qos& into, const std::string& about) {
  return command
      .add_option_function<std::string>(
          name, [&into](const std::string& text) { into = parse_qos(text); }, about)
      ->type_name("0|1|2")
      ->default_str("0");
}

CLI::Option* add_seconds(CLI::App& command, const std::string& name, std::optional<std::uint32_t>& into,
                         const std::string& about) {
  return command
      .add_option_function<std::string>(
          name, [&into, name](const std::string& text) { into = parse_seconds(name, text); }, about)
      ->type_name("TIME");
}

CLI::Option* add_time(CLI::App& command, const std::string& name, std::chrono::microseconds& into,
                      const std::string& about) {
  return command
      .add_option_function<std::string>(
          name,
          [&into, name](const std::string& text) {
            const auto time = base::parse_duration(text);
            if (!time || time->count() == 0) throw CLI::ValidationError(name, "must be like 500ms, 10s or 1m");
            into = *time;
          },
          about)
      ->type_name("TIME");
}

CLI::Option* add_user_property(CLI::App& command, const std::string& name,
                               std::function<void(std::string, std::string)> take, const std::string& about) {
  return command
      .add_option_function<std::vector<std::string>>(
          name,
          [name, take = std::move(take)](const std::vector<std::string>& texts) {
            for (const std::string& text : texts) {
              auto [key, value] = split_property(name, text);
              take(std::move(key), std::move(value));
            }
          },
          about)
      ->type_name("NAME=VALUE")
      ->expected(1)
      ->take_all()
      ->allow_extra_args(false);
}

void BrokerOptions::add_to(CLI::App& command) {
  command.add_flag("--json", json_, "one line of JSON for each");
  command.add_flag("-v,--verbose", verbose_, "say more; what happens to the connection comes on standard error");
  add_where(command);
  add_who(command);
  add_session(command);
  add_will(command);
}

void BrokerOptions::add_where(CLI::App& command) {
  auto* const host = command.add_option("--host", host_, "name or address of the broker, with its port or without")
                         ->type_name("HOST[:PORT]")
                         ->capture_default_str()
                         ->group(kBrokerOptions);
  auto* const port = command.add_option("--port", port_, "its port")
                         ->type_name("NUMBER")
                         ->check(CLI::Range(1, 65535))
                         ->default_str("1883")
                         ->group(kBrokerOptions);
  url_given_ = command
                   .add_option_function<std::string>(
                       "--url",
                       [this](const std::string& text) {
                         const std::string fault = parse_target(text, url_);
                         if (!fault.empty()) throw CLI::ValidationError("--url", fault);
                       },
                       "all in one instead: mqtt://USER:PASSWORD@HOST:1883, ws://HOST:8083/mqtt or unix:/path")
                   ->type_name("URL")
                   ->excludes(host)
                   ->excludes(port)
                   ->group(kBrokerOptions);
  command
      .add_option_function<std::string>(
          "--mqtt",
          [this](const std::string& text) {
            if (text != "3.1" && text != "3.1.1" && text != "5")
              throw CLI::ValidationError("--mqtt", "must be 3.1, 3.1.1 or 5");
            settings_.version = text == "5" ? Version::v5 : text == "3.1" ? Version::v31 : Version::v311;
          },
          "version of the protocol")
      ->type_name("3.1|3.1.1|5")
      ->default_str("5")
      ->group(kBrokerOptions);
  add_time(command, "--connect-timeout", settings_.timeout, "how long connecting, and each acknowledgement, may take")
      ->default_str(base::to_text(settings_.timeout))
      ->group(kBrokerOptions);
}

void BrokerOptions::add_who(CLI::App& command) {
  client_id_given_ = add_text(command, "--client-id", settings_.client_id, "ID",
                              "client identifier; \"\" lets the broker choose one (default: a random one)")
                         ->group(kBrokerOptions);
  user_given_ = add_text(command, "--user", user_, "NAME", "user name")->group(kBrokerOptions);
  password_given_ = command.add_option("--password", password_, "password; others on this machine may see it here")
                        ->type_name("TEXT")
                        ->group(kBrokerOptions);
  command.add_option("--password-file", password_file_, "file whose first line is the password")
      ->type_name("FILE")
      ->excludes(password_given_)
      ->group(kBrokerOptions);
}

void BrokerOptions::add_session(CLI::App& command) {
  const auto v5 = [this](CLI::Option* option) {
    option->group(kBrokerOptions);
    only_v5(option);
  };
  command
      .add_flag("--clean-start,!--no-clean-start", settings_.clean_start,
                "begin with a new session (default); --no-clean-start goes on with the one that there is")
      ->group(kBrokerOptions);
  v5(command
         .add_option_function<std::string>(
             "--session-expiry",
             [this](const std::string& text) {
               settings_.session_expiry_seconds =
                   text == "never" ? mqtt::kNever.count() : parse_seconds("--session-expiry", text);
             },
             "how long the broker keeps the session after the end of the connection, or never (default: 0s)")
         ->type_name("TIME"));
  command
      .add_option_function<std::string>(
          "--keep-alive",
          [this](const std::string& text) {
            const std::uint32_t seconds = parse_seconds("--keep-alive", text);
            if (seconds > 65'535) throw CLI::ValidationError("--keep-alive", "must be at most 65535s");
            settings_.keep_alive = std::chrono::seconds(seconds);
          },
          "the longest silence of this client; 0s: no limit")
      ->type_name("TIME")
      ->default_str("1m")
      ->group(kBrokerOptions);
  v5(add_number(command, "--receive-maximum", settings_.receive_maximum,
                "messages the broker may send before they are acknowledged"));
  v5(add_number(command, "--topic-alias-maximum", settings_.topic_alias_maximum, "topic aliases the broker may use"));
  v5(add_number(command, "--packet-size-max", settings_.packet_bytes_max,
                "largest packet the broker may send, in bytes"));
  v5(add_user_property(
      command, "--connect-property",
      [this](std::string name, std::string value) {
        settings_.user_properties.emplace_back(std::move(name), std::move(value));
      },
      "user property of the connection; several may be given"));
}

void BrokerOptions::add_will(CLI::App& command) {
  auto* const topic = command
                          .add_option("--will-topic", will_.topic,
                                      "the broker publishes a message to this topic when the connection is lost")
                          ->type_name("TOPIC")
                          ->check(check_topic)
                          ->group(kBrokerOptions);
  const auto will = [this, topic](CLI::Option* option) {
    option->needs(topic)->group(kBrokerOptions);
    return option;
  };
  will(command.add_option("--will-message", will_.message, "its payload")->type_name("TEXT"));
  will(add_qos(command, "--will-qos", will_.qos, "its quality of service"));
  will(command.add_flag("--will-retain", will_.retain, "it is kept for those who subscribe later"));
  only_v5(will(add_seconds(command, "--will-delay", will_.delay_seconds, "so long after the loss")));
  only_v5(will(add_seconds(command, "--will-expiry", will_.expiry_seconds, "it is worth something for so long")));
  only_v5(will(add_text(command, "--will-content-type", will_.content_type, "TEXT", "its content type")));
  only_v5(will(add_user_property(
      command, "--will-property",
      [this](std::string name, std::string value) {
        will_.user_properties.emplace_back(std::move(name), std::move(value));
      },
      "its user property; several may be given")));
  will(command.add_flag("--fire-will", fire_will_, "leave so that the broker publishes the will"));
}

Target BrokerOptions::target() const {
  if (url_given_->count() > 0) return url_;
  Target target;
  const std::string fault = parse_host(host_, port_, target.endpoint);
  if (!fault.empty()) throw CommandFailed(kUsageOrFaults, fault);
  return target;
}

ClientSettings BrokerOptions::settings() const {
  ClientSettings settings = settings_;
  for (const CLI::Option* option : only_v5_) {
    if (option->count() > 0 && settings.version != Version::v5)
      throw CommandFailed(kUsageOrFaults, fmt::format("{} is of MQTT 5; {} has no such thing", option->get_name(),
                                                      version_name(settings.version)));
  }
  settings.target = target();
  if (client_id_given_->count() == 0) settings.client_id = random_client_id();
  settings.user = settings.target.user;
  settings.password = settings.target.password;
  if (user_given_->count() > 0) settings.user = user_;
  if (password_given_->count() > 0) settings.password = password_;
  if (!password_file_.empty()) settings.password = without_end_of_line(read_whole(password_file_));
  //= MQTT311 [MQTT-3.1.2-22]
  if (settings.password && !settings.user && settings.version != Version::v5)
    throw CommandFailed(kUsageOrFaults, fmt::format("a password needs a --user in {}", version_name(settings.version)));
  if (!will_.topic.empty()) settings.will = will_;
  return settings;
}

void PayloadOptions::add_to(CLI::App& command, const std::string& name, const std::string& about_topic,
                            const std::string& about_message) {
  command.add_option("TOPIC", topic_, about_topic)->required()->check(check_topic)->type_name("");
  command
      .add_option_function<std::string>(
          "MESSAGE",
          [this](const std::string& text) {
            text_ = text;
            has_text_ = true;
          },
          about_message)
      ->type_name("");
  command.add_option("--file", file_, fmt::format("the {} is what is in this file", name))->type_name("FILE");
  command.add_flag("--stdin", input_, fmt::format("the {} is all of standard input", name));
}

std::string PayloadOptions::payload() const { return has_text_ ? text_ : read_whole(file_); }

void MessageOptions::add_to(CLI::App& command, BrokerOptions& broker) {
  add_qos(command, "-q,--qos", qos_, "quality of service: at most, at least, exactly once");
  command.add_flag("-r,--retain", retain_, "the broker keeps it for those who subscribe later");
  broker.only_v5(add_text(command, "--content-type", content_type_, "TEXT", "what the payload is: application/json"));
  broker.only_v5(command
                     .add_option_function<std::string>(
                         "--payload-format",
                         [this](const std::string& text) {
                           if (text != "text" && text != "bytes")
                             throw CLI::ValidationError("--payload-format", "must be text or bytes");
                           is_text_ = text == "text";
                         },
                         "whether the payload is said to be UTF-8")
                     ->type_name("text|bytes"));
  command.add_option("--response-topic", response_topic_, "where an answer is to be published")
      ->type_name("TOPIC")
      ->check(check_topic);
  broker.only_v5(command.add_option("--correlation-data", correlation_data_, "what the answer is to repeat")
                     ->type_name("TEXT")
                     ->check([](const std::string& text) {
                       return text.size() <= mqtt::kTextBytesMax ? "" : "must be at most 65535 bytes";
                     }));
  broker.only_v5(add_seconds(command, "--expiry", expiry_seconds_, "it is worth something for so long"));
  broker.only_v5(add_user_property(
      command, "-P,--user-property",
      [this](const std::string& name, const std::string& value) {
        (void)mqtt::append_user_property(user_properties_, name, value);
      },
      "user property of the message; several may be given"));
  broker.only_v5(command.add_option("--topic-alias", topic_alias_, "send the topic once, and then this number for it")
                     ->type_name("NUMBER")
                     ->check(CLI::Range(1, 65535)));
}

mqtt::Publish MessageOptions::message() const {
  mqtt::Publish message;
  message.qos = qos_;
  message.retain = retain_;
  mqtt::Properties& properties = message.properties;
  if (!content_type_.empty()) properties.set(Property::content_type, std::string_view(content_type_));
  if (is_text_) properties.set(Property::payload_format, std::uint32_t{*is_text_});
  if (!response_topic_.empty()) properties.set(Property::response_topic, std::string_view(response_topic_));
  if (!correlation_data_.empty()) properties.set(Property::correlation_data, as_bytes(correlation_data_));
  if (expiry_seconds_) properties.set(Property::message_expiry, *expiry_seconds_);
  if (topic_alias_ != 0) properties.set(Property::topic_alias, std::uint32_t{topic_alias_});
  properties.set_user_properties(user_properties_);
  return message;
}

void note(const BrokerOptions& options, std::string_view command, const std::string& what) {
  if (options.verbose()) fmt::print(stderr, "holdfast {}: {}\n", command, what);
}

std::string greeting_text(const MqttClient& client) {
  return fmt::format("connected to {} as {}, {}, {}", client.where(), clean(client.greeting().client_id),
                     version_name(client.settings().version),
                     client.greeting().session_present ? "the session goes on" : "a new session");
}

}  // namespace holdfast::app
