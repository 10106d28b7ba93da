// holdfast subscribe: prints the messages that a broker has for it.
#include <fmt/format.h>
#include <unistd.h>

#include <boost/json.hpp>
#include <map>
#include <memory>
#include <random>

#include "client/table.h"
#include "mqtt/message_json.h"
#include "mqtt/options.h"
#include "mqtt/text.h"

namespace holdfast::app {
namespace mqtt = wire::mqtt;
namespace {

using base::Clock;
using base::Time;

constexpr std::chrono::milliseconds kPauseMin{200};
constexpr std::chrono::milliseconds kPauseMax{30'000};

struct Options {
  BrokerOptions broker;
  std::vector<std::string> filters;
  std::vector<mqtt::Qos> qos;              // one for all, or one for each
  std::vector<std::uint32_t> identifiers;  // none, one for all, or one for each
  mqtt::FilterOptions filter;
  std::vector<std::pair<std::string, std::string>> properties;
  std::uint64_t count = 0;  // 0: without an end
  std::chrono::microseconds time{0};
  bool raw = false;
  bool leave_at_once = false;
  bool reconnect = false;
};

template <typename T>
const T& of(const std::vector<T>& given, std::size_t index) {
  return given[given.size() == 1 ? 0 : index];
}

// A SUBSCRIBE carries one identifier, so several make a packet for each filter.
struct Request {
  std::size_t first = 0;
  std::size_t count = 0;
};

class Subscribing {
 public:
  Subscribing(World& world, const Options& options)
      : world_(world),
        options_(options),
        client_(world, options.broker.settings()),
        until_(options.time.count() == 0 ? Time::max() : Clock::now() + options.time) {}

  // Over several connections, if it is to connect again.
  control::Task<> run() {
    while (true) {
      std::string failure;
      try {
        co_await run_once();
      } catch (const BrokerFailed& failed) {
        if (!options_.reconnect || failed.again() == BrokerFailed::Again::is_pointless) throw;
        failure = failed.what();
      }
      if (failure.empty()) break;
      co_await pause(failure);
      if (is_over()) break;
    }
    if (!is_enough() && options_.count != 0)
      throw CommandFailed(kFailed, fmt::format("{}{} of {} messages have come",
                                               world_.interrupted ? "interrupted; " : "", seen_, options_.count));
  }

 private:
  [[nodiscard]] bool is_enough() const { return options_.count != 0 && seen_ >= options_.count; }
  [[nodiscard]] bool is_over() const { return world_.interrupted || is_enough() || Clock::now() >= until_; }

  control::Task<> run_once() {
    co_await client_.connect();
    note(options_.broker, "subscribe", greeting_text(client_));
    pause_ = kPauseMin;
    const bool has_them = was_subscribed_ && client_.greeting().session_present;
    if (!has_them) {
      subscribe_all();
      const Time patience = Clock::now() + client_.settings().timeout;
      while (!wanted_.empty() && !is_over()) {
        if (Clock::now() >= patience)
          throw BrokerFailed(kNobodyAnswers, fmt::format("no answer to SUBSCRIBE from {} in time", client_.where()),
                             BrokerFailed::Again::may_help);
        const mqtt::Packet* const packet = co_await client_.step(std::min(until_, patience));
        if (packet != nullptr) take(*packet);
      }
      was_subscribed_ = true;
      keep_session();
    }
    while (!is_over() && !options_.leave_at_once) {
      const mqtt::Packet* const packet = co_await client_.step(until_);
      if (packet != nullptr) take(*packet);
    }
    co_await client_.disconnect(options_.broker.leave());
  }

  // Where the broker keeps the session, the next connection goes on with it, and misses nothing.
  void keep_session() {
    if (client_.settings().session_expiry_seconds.value_or(0) > 0) client_.settings().clean_start = false;
    client_.settings().client_id = client_.greeting().client_id;
  }

  void subscribe_all() {
    wanted_.clear();
    refused_ = 0;
    const std::size_t each = options_.identifiers.size() > 1 ? 1 : options_.filters.size();
    for (std::size_t first = 0; first < options_.filters.size(); first += each) subscribe({first, each});
  }

  void subscribe(Request request) {
    mqtt::Bytes filters;
    for (std::size_t i = request.first; i < request.first + request.count; ++i) {
      mqtt::FilterOptions filter = options_.filter;
      if (!options_.qos.empty()) filter.qos = of(options_.qos, i);
      (void)mqtt::append_filter(filters, options_.filters[i], filter);
    }
    mqtt::Bytes user_properties;
    for (const auto& [name, value] : options_.properties)
      (void)mqtt::append_user_property(user_properties, name, value);
    mqtt::Subscribe packet{.filters = {filters, mqtt::FilterList::Kind::with_options}, .properties = {}};
    packet.properties.set_user_properties(user_properties);
    if (!options_.identifiers.empty())
      packet.properties.set(mqtt::Property::subscription_id, of(options_.identifiers, request.first));
    wanted_[client_.subscribe(packet)] = request;
  }

  void take(const mqtt::Packet& packet) {
    if (const auto* const message = std::get_if<mqtt::Publish>(&packet)) return on_message(*message);
    if (const auto* const suback = std::get_if<mqtt::Suback>(&packet)) return on_suback(*suback);
  }

  void on_suback(const mqtt::Suback& suback) {
    const auto found = wanted_.find(suback.packet_id);
    if (found == wanted_.end()) return;
    const Request request = found->second;
    wanted_.erase(found);
    if (suback.codes.size() != request.count)
      throw BrokerFailed(kFailed, "the SUBACK has not a code for each filter", BrokerFailed::Again::is_pointless);
    for (std::size_t i = 0; i < request.count; ++i) {
      const std::string filter = clean(options_.filters[request.first + i]);
      const mqtt::Reason reason = suback.code(i);
      if (!mqtt::is_failure(reason)) {
        note(options_.broker, "subscribe",
             fmt::format("subscribed to {}, QoS {}", filter, static_cast<unsigned>(reason)));
        continue;
      }
      const BrokerFailed failure = refusal("the broker refused " + filter, reason, suback.properties.reason_string);
      if (++refused_ == options_.filters.size()) throw failure;
      fmt::print(stderr, "holdfast subscribe: {}\n", failure.what());
    }
  }

  // It is acknowledged when it has been written.
  void on_message(const mqtt::Publish& message) {
    if (is_enough() || options_.leave_at_once) return;
    print(text_of(message));
    ++seen_;
    client_.acknowledge(message);
  }

  [[nodiscard]] std::string text_of(const mqtt::Publish& message) const {
    if (options_.broker.json())
      return boost::json::serialize(message_json(message, std::chrono::system_clock::now())) + "\n";
    const std::string_view payload = as_text(message.payload);
    if (options_.raw) return std::string(payload);
    const bool to_terminal = ::isatty(STDOUT_FILENO) != 0;
    const std::string topic = options_.broker.verbose() ? clean(message.topic) + " " : "";
    return topic + (to_terminal ? clean(payload) : std::string(payload)) + "\n";
  }

  control::Task<> pause(std::string failure) {
    const auto jitter = std::chrono::milliseconds(random_() % static_cast<unsigned>(pause_.count() / 2));
    const Time until = std::min(until_, Clock::now() + pause_ / 2 + jitter);
    fmt::print(stderr, "holdfast subscribe: {}; the next attempt follows\n", failure);
    pause_ = std::min(pause_ * 2, kPauseMax);
    while (Clock::now() < until && !world_.interrupted) co_await world_.event.wait(until);
  }

  World& world_;
  const Options& options_;
  MqttClient client_;
  const Time until_;
  std::uint64_t seen_ = 0;
  std::map<std::uint16_t, Request> wanted_;  // SUBACKs by packet identifier
  std::size_t refused_ = 0;
  bool was_subscribed_ = false;
  std::chrono::milliseconds pause_ = kPauseMin;
  std::random_device random_;
};

control::Task<> subscribe(World& world, const Options& options) {
  Subscribing subscribing(world, options);
  co_await subscribing.run();
}

void check(const Options& options) {
  const auto fits = [&options](std::size_t given) { return given <= 1 || given == options.filters.size(); };
  if (!fits(options.qos.size()) || !fits(options.identifiers.size()))
    throw CommandFailed(kUsageOrFaults, "--qos and --subscription-id are given once for all filters, or once for each");
  if (options.raw && options.broker.json()) throw CommandFailed(kUsageOrFaults, "--raw and --json do not go together");
}

void add_filters(CLI::App& command, Options& options) {
  BrokerOptions& broker = options.broker;
  command.add_option("FILTER", options.filters, "one or more: sensors/+/temperature, alarms/#, $share/group/jobs")
      ->required()
      ->check(check_filter)
      ->type_name("");
  command
      .add_option_function<std::vector<std::string>>(
          "-q,--qos",
          [&options](const std::vector<std::string>& texts) {
            for (const std::string& text : texts) options.qos.push_back(parse_qos(text));
          },
          "the highest quality of service; once for all filters, or once for each in their order")
      ->type_name("0|1|2")
      ->expected(1)
      ->take_all()
      ->allow_extra_args(false)
      ->default_str("0");
  broker.only_v5(
      command.add_flag("--no-local", options.filter.no_local, "nothing that this client itself has published"));
  broker.only_v5(command.add_flag("--retain-as-published", options.filter.retain_as_published,
                                  "show the retain flag as it was published"));
  broker.only_v5(command
                     .add_option_function<std::string>(
                         "--retain-handling",
                         [&options](const std::string& text) {
                           if (text != "send" && text != "new" && text != "never")
                             throw CLI::ValidationError("--retain-handling", "must be send, new or never");
                           options.filter.retain_handling = text == "send"  ? mqtt::RetainHandling::send
                                                            : text == "new" ? mqtt::RetainHandling::send_if_new
                                                                            : mqtt::RetainHandling::do_not_send;
                         },
                         "retained messages: sent, only for a new subscription, or never")
                     ->type_name("send|new|never"));
  broker.only_v5(command
                     .add_option("--subscription-id", options.identifiers,
                                 "comes with each message; once for all filters, or once for each")
                     ->check(CLI::Range(1, 268'435'455))
                     ->type_name("NUMBER")
                     ->expected(1)
                     ->take_all()
                     ->allow_extra_args(false));
  broker.only_v5(add_user_property(
      command, "-P,--user-property",
      [&options](std::string name, std::string value) {
        options.properties.emplace_back(std::move(name), std::move(value));
      },
      "user property of the SUBSCRIBE; several may be given"));
}

void add_end(CLI::App& command, Options& options) {
  command.add_option("--count", options.count, "end after so many messages")->type_name("NUMBER");
  add_time(command, "--timeout", options.time, "end after this time; a failure when --count was not reached");
  command.add_flag("--leave", options.leave_at_once,
                   "end once the broker has the subscription, for a session that stays");
  command.add_flag("--raw", options.raw, "payloads as they are, and nothing between them");
  command.add_flag("--reconnect", options.reconnect, "connect again whenever the broker is gone");
}

}  // namespace

void add_subscribe_command(CLI::App& program, int& status) {
  auto options = std::make_shared<Options>();
  CLI::App* command = program.add_subcommand("subscribe", "Print the messages of an MQTT broker");
  add_filters(*command, *options);
  add_end(*command, *options);
  options->broker.add_to(*command);
  command->footer(
      "Examples:\n"
      "  holdfast subscribe 'sensors/#' --verbose\n"
      "  holdfast subscribe 'sensors/#' 'alarms/+' --qos 0 --qos 1 --json | jq -c '[.topic, .payload]'\n"
      "  holdfast subscribe jobs --qos 1 --client-id worker --session-expiry 1h --no-clean-start --reconnect\n"
      "  holdfast subscribe firmware --count 1 --raw > image.bin\n"
      "\n"
      "--verbose shows the topic before each payload. Ctrl-C ends it in order.");
  command->callback([options, &status] {
    status = run_command("subscribe", [&options] {
      check(*options);
      (void)options->broker.settings();
      run_client([&options](World& world) { return subscribe(world, *options); });
    });
  });
}

}  // namespace holdfast::app
