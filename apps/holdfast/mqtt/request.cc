// holdfast request: publishes a question to a broker, and prints the answer that somebody publishes.
#include <fmt/format.h>
#include <unistd.h>

#include <boost/json.hpp>
#include <memory>
#include <random>

#include "client/shown.h"
#include "client/table.h"
#include "mqtt/message_json.h"
#include "mqtt/options.h"
#include "mqtt/text.h"

namespace holdfast::app {
namespace mqtt = wire::mqtt;
namespace {

using base::Clock;
using base::Time;
using mqtt::Property;
using mqtt::Version;

struct Options {
  BrokerOptions broker;
  PayloadOptions payload;
  MessageOptions message;
  std::uint64_t count = 1;
  std::chrono::microseconds time = std::chrono::seconds{10};
};

std::string random_text() {
  std::random_device random;
  return fmt::format("{:08x}{:08x}", random(), random());
}

class Requesting {
 public:
  Requesting(World& world, const Options& options)
      : world_(world),
        options_(options),
        client_(world, options.broker.settings()),
        payload_(options.payload.payload()) {}

  control::Task<> run() {
    co_await client_.connect();
    note(options_.broker, "request", greeting_text(client_));
    choose_names();
    subscribe();
    const Time subscribed_by = Clock::now() + client_.settings().timeout;
    while (!is_subscribed_) co_await take_one(subscribed_by, "no answer to SUBSCRIBE");
    ask();
    const Time answered_by = Clock::now() + options_.time;
    while (seen_ < options_.count) co_await take_one(answered_by, "nobody has answered at " + clean(reply_topic_));
    co_await client_.disconnect(options_.broker.leave());
  }

 private:
  control::Task<> take_one(Time until, std::string complaint) {
    if (world_.interrupted) throw CommandFailed(kFailed, "interrupted");
    if (Clock::now() >= until) throw CommandFailed(kNobodyAnswers, complaint + " in time");
    const mqtt::Packet* const packet = co_await client_.step(until);
    if (packet == nullptr) co_return;
    if (const auto* const suback = std::get_if<mqtt::Suback>(packet)) on_suback(*suback);
    if (const auto* const ack = std::get_if<mqtt::Ack>(packet)) on_ack(*ack);
    if (const auto* const message = std::get_if<mqtt::Publish>(packet)) on_message(*message);
  }

  void choose_names() {
    reply_topic_ = options_.message.response_topic();
    if (reply_topic_.empty()) reply_topic_ = "holdfast/reply/" + client_.greeting().client_id;
    correlation_data_ = options_.message.correlation_data();
    if (correlation_data_.empty()) correlation_data_ = random_text();
  }

  void subscribe() {
    mqtt::Bytes filters;
    (void)mqtt::append_filter(filters, reply_topic_, {.qos = mqtt::Qos::at_least_once});
    (void)client_.subscribe({.filters = {filters, mqtt::FilterList::Kind::with_options}, .properties = {}});
  }

  void ask() {
    mqtt::Publish message = options_.message.message();
    message.topic = options_.payload.topic();
    message.payload = as_bytes(payload_);
    message.properties.set(Property::response_topic, std::string_view(reply_topic_));
    message.properties.set(Property::correlation_data, as_bytes(correlation_data_));
    asked_at_ = Clock::now();
    (void)client_.publish(message);
  }

  void on_suback(const mqtt::Suback& suback) {
    if (suback.codes.size() == 1 && mqtt::is_failure(suback.code(0)))
      throw refusal("the broker refused " + clean(reply_topic_), suback.code(0), suback.properties.reason_string);
    is_subscribed_ = true;
  }

  void on_ack(const mqtt::Ack& ack) {
    if (mqtt::is_failure(ack.reason)) throw refusal("the broker refused", ack.reason, ack.properties.reason_string);
    if (ack.reason == mqtt::Reason::no_matching_subscribers)
      note(options_.broker, "request", "nobody has subscribed to " + clean(options_.payload.topic()));
  }

  // What was retained, or belongs to another question, is no answer.
  [[nodiscard]] bool is_answer(const mqtt::Publish& message) const {
    if (asked_at_ == Time{} || message.retain || message.topic != reply_topic_) return false;
    return client_.settings().version != Version::v5 ||
           as_text(message.properties.correlation_data) == correlation_data_;
  }

  void on_message(const mqtt::Publish& message) {
    client_.acknowledge(message);
    if (!is_answer(message)) return;
    ++seen_;
    const double seconds = std::chrono::duration<double>(Clock::now() - asked_at_).count();
    note(options_.broker, "request", "answered after " + shown_seconds(seconds));
    if (options_.broker.json()) {
      boost::json::object object = message_json(message, std::chrono::system_clock::now());
      object["seconds"] = seconds;
      return print(boost::json::serialize(object) + "\n");
    }
    const std::string_view payload = as_text(message.payload);
    print((::isatty(STDOUT_FILENO) != 0 ? clean(payload) : std::string(payload)) + "\n");
  }

  World& world_;
  const Options& options_;
  MqttClient client_;
  const std::string payload_;
  std::string reply_topic_;
  std::string correlation_data_;
  bool is_subscribed_ = false;
  Time asked_at_{};
  std::uint64_t seen_ = 0;
};

control::Task<> request(World& world, const Options& options) {
  Requesting requesting(world, options);
  co_await requesting.run();
}

void check(const Options& options) {
  if (options.payload.ways() != 1)
    throw CommandFailed(kUsageOrFaults, "what is to be asked? one of MESSAGE, --file and --stdin says it");
  if (options.broker.settings().version != Version::v5 && options.message.response_topic().empty())
    throw CommandFailed(
        kUsageOrFaults,
        "before MQTT 5 a message cannot say where its answer goes: --response-topic says where to look for it");
}

void add_question(CLI::App& command, Options& options) {
  options.payload.add_to(command, "question", "where the question is published", "the question");
  command.add_option("--count", options.count, "wait for so many answers")
      ->check(CLI::Range(std::uint64_t{1}, std::uint64_t{1'000'000}))
      ->type_name("NUMBER")
      ->capture_default_str();
  add_time(command, "--timeout", options.time, "how long the answer may take")->default_str("10s");
}

}  // namespace

void add_request_command(CLI::App& program, int& status) {
  auto options = std::make_shared<Options>();
  CLI::App* command = program.add_subcommand("request", "Ask something through an MQTT broker, and print the answer");
  add_question(*command, *options);
  options->message.add_to(*command, options->broker);
  options->broker.add_to(*command);
  command->footer(
      "Examples:\n"
      "  holdfast request lamps/kitchen/get state\n"
      "  holdfast request jobs '{\"do\":\"ping\"}' --qos 1 --timeout 2s --json\n"
      "  holdfast request lamps/get state --mqtt 3.1.1 --response-topic lamps/answer\n"
      "\n"
      "With MQTT 5 the question carries a response topic and correlation data, random ones unless they are given, and\n"
      "only what repeats the correlation data is an answer. Exit status 3: nobody has answered in time.");
  command->callback([options, &status] {
    status = run_command("request", [&options] {
      check(*options);
      run_client([&options](World& world) { return request(world, *options); });
    });
  });
}

}  // namespace holdfast::app
