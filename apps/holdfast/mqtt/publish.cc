// holdfast publish: publishes messages to a broker, and says what became of them.
#include <fmt/format.h>

#include <boost/json.hpp>
#include <map>
#include <memory>

#include "base/units.h"
#include "client/shown.h"
#include "client/table.h"
#include "mqtt/message_json.h"
#include "mqtt/message_source.h"
#include "mqtt/options.h"
#include "mqtt/text.h"
#include "rate.h"

namespace holdfast::app {
namespace mqtt = wire::mqtt;
namespace {

using base::Clock;
using base::Time;

struct Options {
  BrokerOptions broker;
  PayloadOptions payload;
  MessageOptions message;
  bool lines = false;
  std::uint64_t count = 1;
  std::chrono::microseconds interval{0};
  std::uint16_t in_flight_max = 20;
};

std::unique_ptr<MessageSource> make_source(World& world, const Options& options) {
  if (options.lines) return lines_of_input(world);
  return repeated(options.payload.payload(), options.count, options.payload.is_text() ? Numbered::yes : Numbered::no);
}

// One run of the command: what is on its way, and what has become of the rest.
class Publishing {
 public:
  Publishing(World& world, const Options& options, MqttClient& client)
      : world_(world), options_(options), client_(client), source_(make_source(world, options)) {}

  control::Task<> run() {
    due_ = progress_ = Clock::now();
    while (true) {
      const bool all_taken = world_.interrupted || !publish_what_is_due();
      if (all_taken && client_.in_flight() == 0 && client_.all_sent()) break;
      if (world_.interrupted && client_.in_flight() > 0) break;
      if (Clock::now() >= patience_ends()) throw late();
      const Time until = wake_at();
      const mqtt::Packet* const packet = co_await client_.step(until);
      if (packet == nullptr) continue;
      if (const auto* const ack = std::get_if<mqtt::Ack>(packet)) on_ack(*ack);
    }
  }

  void judge() const {
    if (!under_way_.empty())
      throw CommandFailed(
          kFailed, fmt::format("interrupted; {} of {} messages are not acknowledged", under_way_.size(), number_));
    if (refused_ == 0) return;
    const ExitStatus status = all_not_allowed_ ? kNotAllowed : kFailed;
    if (number_ == 1) throw CommandFailed(status, last_refusal_);
    throw CommandFailed(
        status, fmt::format("{} of {} messages were refused; the last one: {}", refused_, number_, last_refusal_));
  }

 private:
  struct Message {
    std::uint64_t number = 0;
    std::string topic;
    Time sent_at{};
  };

  // False: there is nothing more to come.
  bool publish_what_is_due() {
    while (!source_->is_over()) {
      if (!client_.has_room() || Clock::now() < due_) return true;
      const std::optional<std::string> payload = source_->take();
      if (!payload) return !source_->is_over();
      publish(*payload);
      due_ = std::max(due_ + options_.interval, Clock::now() - options_.interval);
    }
    return false;
  }

  void publish(const std::string& payload) {
    Message message{++number_, with_number(options_.payload.topic(), number_), Clock::now()};
    mqtt::Publish packet = options_.message.message();
    packet.topic = message.topic;
    packet.payload = as_bytes(payload);
    //= MQTT5 3.3.2.3.4
    if (packet.properties.topic_alias != 0 && message.topic == aliased_) packet.topic = {};
    const std::uint16_t id = client_.publish(packet);
    if (packet.properties.topic_alias != 0) aliased_ = message.topic;
    if (under_way_.empty()) progress_ = message.sent_at;
    if (id == 0) return tell(message, nullptr);
    under_way_.emplace(id, std::move(message));
  }

  void on_ack(const mqtt::Ack& ack) {
    const auto found = under_way_.find(ack.packet_id);
    if (found == under_way_.end()) return;
    const Message message = std::move(found->second);
    under_way_.erase(found);
    progress_ = Clock::now();
    if (mqtt::is_failure(ack.reason)) {
      const BrokerFailed failure = refusal("the broker refused", ack.reason, ack.properties.reason_string);
      all_not_allowed_ = (refused_ == 0 || all_not_allowed_) && failure.status() == kNotAllowed;
      ++refused_;
      last_refusal_ = failure.what();
    }
    tell(message, &ack);
  }

  // `ack` is null with QoS 0.
  void tell(const Message& message, const mqtt::Ack* ack) const {
    if (options_.broker.json()) return print(json_of(message, ack));
    if (!options_.broker.verbose()) return;
    const std::string topic = clean(message.topic);
    if (ack == nullptr) return print(fmt::format("{} {}: sent\n", message.number, topic));
    const bool refused = mqtt::is_failure(ack->reason);
    const std::string reason = ack->reason == mqtt::Reason::success ? "" : ", " + reason_text(ack->reason);
    const std::string why = ack->properties.reason_string.empty() ? "" : ": " + clean(ack->properties.reason_string);
    print(fmt::format("{} {}: {}{}{}, after {}\n", message.number, topic, refused ? "refused" : "acknowledged", reason,
                      why, shown_seconds(seconds_of(message))));
  }

  [[nodiscard]] static double seconds_of(const Message& message) {
    return std::chrono::duration<double>(Clock::now() - message.sent_at).count();
  }

  [[nodiscard]] static std::string json_of(const Message& message, const mqtt::Ack* ack) {
    boost::json::object object{{"number", message.number}, {"topic", message.topic}, {"packet_id", nullptr},
                               {"reason_code", nullptr},   {"reason", nullptr},      {"reason_string", nullptr}};
    if (ack != nullptr) {
      object["packet_id"] = ack->packet_id;
      object["reason_code"] = static_cast<unsigned>(ack->reason);
      object["reason"] = reason_name(ack->reason);
      if (!ack->properties.reason_string.empty()) object["reason_string"] = ack->properties.reason_string;
      object["user_properties"] = user_properties_json(ack->properties);
      object["seconds"] = seconds_of(message);
    }
    return boost::json::serialize(object) + "\n";
  }

  [[nodiscard]] Time patience_ends() const {
    const bool waits = client_.in_flight() > 0 || !client_.all_sent();
    return waits ? progress_ + client_.settings().timeout : Time::max();
  }
  [[nodiscard]] Time wake_at() const {
    const bool waits_for_its_time = !source_->is_over() && client_.has_room() && due_ > Clock::now();
    return waits_for_its_time ? std::min(due_, patience_ends()) : patience_ends();
  }
  [[nodiscard]] CommandFailed late() const {
    return {kNobodyAnswers, fmt::format("{} has not acknowledged {} of {} messages in time", client_.where(),
                                        under_way_.size(), number_)};
  }

  World& world_;
  const Options& options_;
  MqttClient& client_;
  const std::unique_ptr<MessageSource> source_;
  std::map<std::uint16_t, Message> under_way_;
  std::uint64_t number_ = 0;
  std::uint64_t refused_ = 0;
  bool all_not_allowed_ = false;
  std::string last_refusal_;
  std::string aliased_;  // the topic that the broker knows by its alias
  Time due_{};
  Time progress_{};  // when something was acknowledged last
};

control::Task<> publish(World& world, const Options& options) {
  ClientSettings settings = options.broker.settings();
  settings.in_flight_max = options.in_flight_max;
  MqttClient client(world, std::move(settings));
  Publishing publishing(world, options, client);  // reads the file: before anybody is asked
  co_await client.connect();
  note(options.broker, "publish", greeting_text(client));
  co_await publishing.run();
  co_await client.disconnect(options.broker.leave());
  publishing.judge();
}

void check(const Options& options) {
  const int sources = options.payload.ways() + int{options.lines};
  if (sources == 0)
    throw CommandFailed(kUsageOrFaults, "what is to be published? MESSAGE, --file, --stdin or --lines says it");
  if (sources > 1)
    throw CommandFailed(kUsageOrFaults, "only one of MESSAGE, --file, --stdin and --lines can be published");
}

void add_source(CLI::App& command, Options& options) {
  options.payload.add_to(
      command, "payload", "where to; {n} is the number of the message",
      "the payload; {n} is the number of the message. An empty one deletes a retained message, with --retain");
  auto* const lines = command.add_flag("--lines", options.lines, "each line of standard input is a message");
  command.add_option("--count", options.count, "publish it so many times")
      ->check(CLI::Range(std::uint64_t{1}, std::uint64_t{1'000'000'000'000}))
      ->type_name("NUMBER")
      ->capture_default_str()
      ->excludes(lines);
  auto* const interval = add_time(command, "--interval", options.interval, "between two messages");
  command
      .add_option_function<std::string>(
          "--rate",
          [&options](const std::string& text) {
            const auto rate = parse_rate(text);
            if (!rate || rate->per_second < 0.001) throw CLI::ValidationError("--rate", kRateForm);
            options.interval = std::chrono::microseconds(static_cast<std::int64_t>(1e6 / rate->per_second));
          },
          "so many messages in a time: 200/s")
      ->type_name("RATE")
      ->excludes(interval);
  command
      .add_option("--in-flight", options.in_flight_max,
                  "messages that are not acknowledged yet, at most; the broker may want fewer")
      ->type_name("NUMBER")
      ->check(CLI::Range(1, 10'000))
      ->capture_default_str();
}

}  // namespace

void add_publish_command(CLI::App& program, int& status) {
  auto options = std::make_shared<Options>();
  CLI::App* command = program.add_subcommand("publish", "Publish messages to an MQTT broker");
  add_source(*command, *options);
  options->message.add_to(*command, options->broker);
  options->broker.add_to(*command);
  command->footer(
      "Examples:\n"
      "  holdfast publish lamps/kitchen on --qos 1 --retain\n"
      "  holdfast publish 'sensors/{n}' '{\"n\":{n}}' --count 1000 --rate 200/s --qos 1 --verbose\n"
      "  tail -f readings.log | holdfast publish readings --lines\n"
      "  holdfast publish firmware --file image.bin --url ws://127.0.0.1:8083/mqtt\n"
      "\n"
      "--json and --verbose print a line for each message when it is acknowledged; one of QoS 0 when it is sent.");
  command->callback([options, &status] {
    status = run_command("publish", [&options] {
      check(*options);
      (void)options->broker.settings();
      run_client([&options](World& world) { return publish(world, *options); });
    });
  });
}

}  // namespace holdfast::app
