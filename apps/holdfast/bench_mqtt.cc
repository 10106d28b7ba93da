// holdfast bench mqtt: the command line of the load generator's MQTT clients.
#include <fmt/format.h>
#include <unistd.h>

#include <charconv>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "bench.h"
#include "load/mqtt/report.h"
#include "load/mqtt/run.h"
#include "mqtt/target.h"

namespace holdfast::app {
namespace {

using load::MqttTraffic;

// What the user typed for one run.
struct MqttOptions {
  load::MqttSettings settings;
  std::string host = "127.0.0.1";
  std::optional<std::uint16_t> port;
  std::vector<std::string> sources;
  std::uint32_t window = 0;  // 0: not given
  bool json = false;
  bool progress = false;
};

constexpr std::uint32_t kWindow = 4;
constexpr std::uint32_t kWindowPaced = 1000;  // so that one late delivery does not hold back what is due
constexpr std::uint32_t kRamp = 1000;         // hold: new clients a second

class Screen final : public load::Observer {
 public:
  explicit Screen(const MqttOptions& options) : options_(options) {}

  void on_progress(const load::Progress& progress) override {
    if (options_.progress || ::isatty(STDERR_FILENO) != 0) {
      print_line(stderr, load::to_text(options_.settings, progress));
    }
  }
  // So that a program which started us knows that all clients are there.
  void on_settled(std::int64_t open) override {
    if (options_.json && options_.settings.traffic == MqttTraffic::hold) {
      print_line(stdout, fmt::format("{{\"holding\":{}}}", open));
    }
  }

 private:
  const MqttOptions& options_;
};

// Connections that stand at the same time, at most.
std::uint64_t connections_of(const load::MqttSettings& settings) {
  switch (settings.traffic) {
    case MqttTraffic::pairs: return std::uint64_t{2} * settings.clients;
    case MqttTraffic::fanin:
    case MqttTraffic::fanout: return std::uint64_t{settings.clients} + 1;
    case MqttTraffic::shared: return std::uint64_t{settings.clients} + settings.members;
    case MqttTraffic::hold: return settings.clients;
    case MqttTraffic::connect: break;
  }
  return settings.staying == load::Staying::keep ? settings.count : settings.clients;
}

// What single options cannot know of each other.
std::string contradiction_in(const load::MqttSettings& settings) {
  if (settings.traffic == MqttTraffic::connect && settings.staying == load::Staying::keep && settings.count == 0) {
    return "--keep needs --count";
  }
  if (settings.traffic == MqttTraffic::shared &&
      std::uint64_t{settings.clients} * settings.members > load::kSharedFlowsMax) {
    return fmt::format("--clients times --members must be at most {}", load::kSharedFlowsMax);
  }
  if (!settings.password.empty() && settings.user.empty()) return "--password needs --user";
  return "";
}

void fill_in(MqttOptions& options) {
  load::MqttSettings& settings = options.settings;
  settings.window = options.window != 0 ? options.window : settings.rate != 0 ? kWindowPaced : kWindow;
  if (settings.traffic == MqttTraffic::hold && settings.rate == 0) settings.rate = kRamp;
}

int run_traffic(MqttOptions& options) {
  fill_in(options);
  const std::string contradiction = contradiction_in(options.settings);
  if (!contradiction.empty()) return fail(kUsageOrFaults, contradiction);
  base::Endpoint endpoint;
  const std::string fault = parse_host(options.host, options.port, endpoint);
  if (!fault.empty()) return fail(kUsageOrFaults, fault);
  if (endpoint.host == "localhost") endpoint = {base::Endpoint::Kind::ipv4, "127.0.0.1", endpoint.port};
  const auto target = net::SocketAddress::from(endpoint);
  if (!target) return fail(kUsageOrFaults, fmt::format("--host {} is not an IP address", options.host));
  options.settings.target = *target;
  const auto sources = sources_of(options.sources, target->family());
  if (!sources) return kUsageOrFaults;
  options.settings.sources = *sources;
  int refused = kDone;
  if (!enough_descriptors(connections_of(options.settings), refused)) return refused;
  const net::Fd interrupt = open_interrupt();
  Screen screen(options);
  const auto outcome = load::run_mqtt(options.settings, interrupt.get(), screen);
  if (!outcome) return fail(kFailed, fmt::format("cannot reach {}: {}", target->text(), outcome.error().text()));
  print_line(stdout,
             options.json ? load::to_json(options.settings, *outcome) : load::to_text(options.settings, *outcome));
  return outcome->failed() == 0 && outcome->promises_kept(options.settings.qos) ? kDone : kFailed;
}

// --- options ---

void add_target(CLI::App& command, MqttOptions& options) {
  load::MqttSettings& settings = options.settings;
  auto* const host = command.add_option("--host", options.host, "the broker's IP address, with its port or without")
                         ->type_name("HOST[:PORT]")
                         ->capture_default_str();
  command.add_option("--port", options.port, "its port")->check(CLI::Range(1, 65'535))->default_str("1883");
  command.add_option("TARGET", options.host, "the same as --host")->type_name("")->excludes(host);
  const std::map<std::string, wire::mqtt::Version> versions = {
      {"3.1", wire::mqtt::Version::v31}, {"3.1.1", wire::mqtt::Version::v311}, {"5", wire::mqtt::Version::v5}};
  command.add_option("--mqtt", settings.version, "version of MQTT")
      ->transform(CLI::CheckedTransformer(versions).description("3.1, 3.1.1, 5"))
      ->default_str("5");
  command.add_option("--user", settings.user, "user name")->type_name("NAME");
  command.add_option("--password", settings.password, "password")->envname("HOLDFAST_BENCH_PASSWORD");
  command.add_option("--source", options.sources, "local address to connect from; several are taken in turn")
      ->type_name("ADDRESS");
}

void add_times(CLI::App& command, MqttOptions& options) {
  load::MqttSettings& settings = options.settings;
  add_duration(command, "--duration", settings.duration, std::chrono::hours{1}, "how long to measure");
  add_duration(command, "--timeout", settings.timeout, std::chrono::minutes{1}, "until a client is ready");
  command
      .add_option_function<std::uint16_t>(
          "--keep-alive", [&settings](std::uint16_t seconds) { settings.keep_alive = std::chrono::seconds(seconds); },
          "of each client, in seconds; 0 for none, and no PINGREQ")
      ->default_str("0");
  command.add_flag("--json", options.json, "the result as one line of JSON");
  command.add_flag("--progress", options.progress, "a line a second on standard error, also when it is no terminal");
}

void add_messages(CLI::App& command, load::MqttSettings& settings) {
  const std::map<std::string, wire::mqtt::Qos> qualities = {{"0", wire::mqtt::Qos::at_most_once},
                                                            {"1", wire::mqtt::Qos::at_least_once},
                                                            {"2", wire::mqtt::Qos::exactly_once}};
  command.add_option("--qos", settings.qos, "of messages and subscriptions")
      ->transform(CLI::CheckedTransformer(qualities).description("0, 1, 2"))
      ->default_str("0");
  command.add_option("--size", settings.message_bytes, "of each payload, at least 16")
      ->check(CLI::Range(load::kMessageBytesMin, load::kMessageBytesMax))
      ->type_name("BYTES")
      ->capture_default_str();
  command.add_option("--topic", settings.topic, "what all topics begin with; a name of the run follows")
      ->check([](const std::string& topic) {
        const bool fits = !topic.empty() && topic.size() <= 200 && topic.find_first_of("+#") == std::string::npos;
        return fits ? "" : "must be 1 to 200 bytes without wildcards";
      })
      ->capture_default_str();
}

void add_clients(CLI::App& command, load::MqttSettings& settings, std::uint32_t by_default, const std::string& about) {
  settings.clients = by_default;
  command.add_option("--clients", settings.clients, about)
      ->check(CLI::Range(1U, load::kMqttClientsMax))
      ->capture_default_str();
}

// --- commands ---

// A command whose options live as long as it does.
std::shared_ptr<MqttOptions> add_traffic(CLI::App& mqtt, MqttTraffic traffic, const std::string& about,
                                         int& exit_status) {
  auto options = std::make_shared<MqttOptions>();
  options->settings.traffic = traffic;
  CLI::App* const command = mqtt.add_subcommand(load::name(traffic), about);
  command->callback([options, &exit_status] { exit_status = run_traffic(*options); });
  return options;
}

struct Messaging {
  MqttTraffic traffic;
  const char* about;
  std::uint32_t clients;
  const char* clients_about;
};
constexpr Messaging kMessaging[] = {
    {MqttTraffic::pairs, "N publishers, each to a subscriber of its own", 50, "N"},
    {MqttTraffic::fanin, "N publishers, each with its topic, to one subscriber of them all", 500, "N"},
    {MqttTraffic::fanout, "one publisher to N subscribers", 500, "N"},
    {MqttTraffic::shared, "N publishers to one shared subscription", 50, "N"},
};

void add_messaging(CLI::App& mqtt, const Messaging& messaging, int& exit_status) {
  const auto options = add_traffic(mqtt, messaging.traffic, messaging.about, exit_status);
  CLI::App& command = *mqtt.get_subcommand(load::name(messaging.traffic));
  load::MqttSettings& settings = options->settings;
  add_target(command, *options);
  add_clients(command, settings, messaging.clients, messaging.clients_about);
  if (messaging.traffic == MqttTraffic::shared) {
    command.add_option("--members", settings.members, "of the shared subscription")
        ->check(CLI::Range(1, 10'000))
        ->capture_default_str();
  }
  add_messages(command, settings);
  command
      .add_option("--window", options->window,
                  "messages of a publisher that are not acknowledged and delivered (default 4; with --rate 1000)")
      ->check(CLI::Range(1U, load::kMqttWindowMax));
  add_rate(command, "--rate", settings.rate, 10'000'000,
           "messages a second in all; without it, as fast as they are delivered");
  add_duration(command, "--warmup", settings.warmup, std::chrono::hours{1}, "traffic before that is not measured");
  add_duration(command, "--drain", settings.drain, std::chrono::minutes{1},
               "at the end: nothing came for so long, and what is missing is lost");
  add_times(command, *options);
}

void add_connect(CLI::App& mqtt, int& exit_status) {
  const auto options =
      add_traffic(mqtt, MqttTraffic::connect, "new clients: CONNECT, CONNACK, DISCONNECT", exit_status);
  CLI::App& command = *mqtt.get_subcommand("connect");
  load::MqttSettings& settings = options->settings;
  add_target(command, *options);
  add_clients(command, settings, 50, "under way at a time, without --rate");
  add_rate(command, "--rate", settings.rate, 1'000'000,
           "new clients a second; without it, as fast as they get their CONNACK");
  command.add_option("--count", settings.count, "end after so many; without it, after --duration")
      ->check(CLI::Range(1U, load::kMqttClientsMax));
  command.add_flag_callback(
      "--keep", [&settings] { settings.staying = load::Staying::keep; }, "they stay until all are there");
  add_times(command, *options);
}

void add_hold(CLI::App& mqtt, int& exit_status) {
  const auto options = add_traffic(mqtt, MqttTraffic::hold, "silent clients that stay", exit_status);
  CLI::App& command = *mqtt.get_subcommand("hold");
  load::MqttSettings& settings = options->settings;
  add_target(command, *options);
  add_clients(command, settings, 1000, "how many");
  add_rate(command, "--rate", settings.rate, 1'000'000, "new clients a second (default 1000)");
  command.add_flag_callback(
      "--subscribe", [&settings] { settings.subscribing = load::Subscribing::own; },
      "each client has one subscription, to a topic of its own");
  command.add_option("--messages", settings.first_messages, "that each client publishes before it is silent")
      ->check(CLI::Range(0, 1000))
      ->capture_default_str();
  add_messages(command, settings);
  add_times(command, *options);
}

}  // namespace

void add_bench_mqtt(CLI::App& bench, int& exit_status) {
  CLI::App* const mqtt = bench.add_subcommand("mqtt", "MQTT clients: what a broker delivers, and what it loses");
  mqtt->require_subcommand(1);
  mqtt->footer(
      "Exit status 1: clients failed, messages were lost (QoS 1, 2), came twice (QoS 0, 2) or out of order.\n"
      "Examples:\n"
      "  holdfast bench mqtt pairs --clients 50 --qos 1 --duration 10s\n"
      "  holdfast bench mqtt fanout --clients 500 --rate 100 --json\n"
      "  holdfast bench mqtt hold --clients 8000 --subscribe --messages 10 --duration 1m");
  add_connect(*mqtt, exit_status);
  for (const Messaging& messaging : kMessaging) add_messaging(*mqtt, messaging, exit_status);
  add_hold(*mqtt, exit_status);
}

}  // namespace holdfast::app
