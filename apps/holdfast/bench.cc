// holdfast bench: the load generator's command line. MQTT clients are in bench_mqtt.cc, the server
// it may talk to in bench_serve.cc.
#include <fmt/format.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/endpoint.h"
#include "base/units.h"
#include "bench.h"
#include "load/report.h"
#include "load/run.h"
#include "net/descriptors.h"
#include "rate.h"

namespace holdfast::app {

ExitStatus fail(ExitStatus status, const std::string& what) {
  fmt::print(stderr, "holdfast bench: {}\n", what);
  return status;
}

void print_line(std::FILE* to, const std::string& line) {
  fmt::print(to, "{}\n", line);
  std::fflush(to);
}

net::Fd open_interrupt() {
  sigset_t signals;
  ::sigemptyset(&signals);
  ::sigaddset(&signals, SIGINT);
  ::sigaddset(&signals, SIGTERM);
  ::sigprocmask(SIG_BLOCK, &signals, nullptr);
  return net::Fd(::signalfd(-1, &signals, SFD_CLOEXEC));
}

base::Result<net::SocketAddress> address_of(const std::string& text) {
  const auto endpoint = base::parse_endpoint(text);
  if (!endpoint) return endpoint.error();
  return net::SocketAddress::from(*endpoint);
}

std::optional<std::vector<net::SocketAddress>> sources_of(const std::vector<std::string>& texts, int family) {
  std::vector<net::SocketAddress> sources;
  for (const std::string& text : texts) {
    const auto source = address_of(text.find(':') == std::string::npos ? text + ":0" : "[" + text + "]:0");
    if (!source || source->family() != family) {
      fail(kUsageOrFaults, fmt::format("--source {} is not an address of the target's kind", text));
      return {};
    }
    sources.push_back(*source);
  }
  return sources;
}

bool enough_descriptors(std::uint64_t connections, int& exit_status) {
  const auto descriptors = net::grow_descriptor_table();
  if (!descriptors) {
    exit_status = fail(kFailed, descriptors.error().text());
    return false;
  }
  if (connections + 64 <= *descriptors) return true;
  exit_status = fail(kUsageOrFaults, fmt::format("{} connections need more than the {} descriptors there are",
                                                 connections, *descriptors));
  return false;
}

CLI::Option* add_duration(CLI::App& app, const std::string& flag, base::Duration& into, base::Duration max,
                          const std::string& about) {
  const auto microseconds = [](base::Duration d) { return std::chrono::duration_cast<std::chrono::microseconds>(d); };
  return app
      .add_option_function<std::string>(
          flag,
          [&into, max, flag](const std::string& text) {
            const auto duration = base::parse_duration(text);
            if (!duration || *duration > max) throw CLI::ValidationError(flag, "must be like 200ms or 10s, at most 1h");
            into = *duration;
          },
          about)
      ->type_name("TIME")
      ->default_str(base::to_text(microseconds(into)));
}

CLI::Option* add_rate(CLI::App& app, const std::string& flag, std::uint64_t& into, std::uint64_t max,
                      const std::string& about) {
  return app
      .add_option_function<std::string>(
          flag,
          [&into, max, flag](const std::string& text) {
            const auto rate = parse_rate(text);
            const double count = rate ? rate->per_second : 0;
            if (count < 1 || count > static_cast<double>(max) || count != std::floor(count))
              throw CLI::ValidationError(flag, fmt::format("must be like 2000/s or 2000, whole and at most {}/s", max));
            into = static_cast<std::uint64_t>(count);
          },
          about)
      ->type_name("RATE");
}

namespace {

// What the user typed for one run.
struct RunOptions {
  load::Settings settings;
  std::string target;
  std::vector<std::string> sources;
  std::uint32_t in_flight = 0;  // 0: not given
  bool json = false;
  bool progress = false;
};

// Shows how a run goes, where somebody looks.
class Screen final : public load::Observer {
 public:
  explicit Screen(const RunOptions& options) : options_(options) {}

  void on_progress(const load::Progress& progress) override {
    if (options_.progress || ::isatty(STDERR_FILENO) != 0)
      print_line(stderr, load::to_text(options_.settings, progress));
  }
  // So that a program which started us knows that all connections are there.
  void on_settled(std::int64_t open) override {
    if (options_.json && options_.settings.traffic == load::Traffic::hold) {
      print_line(stdout, fmt::format("{{\"holding\":{}}}", open));
    }
  }

 private:
  const RunOptions& options_;
};

bool resolve_addresses(RunOptions& options) {
  const auto target = address_of(options.target);
  if (!target) {
    fail(kUsageOrFaults,
         fmt::format("{} is not an address like 127.0.0.1:1883, [::1]:1883 or unix:/path", options.target));
    return false;
  }
  options.settings.target = *target;
  const auto sources = sources_of(options.sources, target->family());
  if (!sources) return false;
  options.settings.sources = *sources;
  return true;
}

constexpr std::uint32_t kInFlightPaced = 1000;  // so that one late answer does not hold back what is due

int run_traffic(RunOptions& options) {
  const bool paced = options.settings.rate != 0;
  options.settings.in_flight = options.in_flight != 0 ? options.in_flight : paced ? kInFlightPaced : 1;
  if (!resolve_addresses(options)) return kUsageOrFaults;
  int refused = kDone;
  if (!enough_descriptors(options.settings.connections, refused)) return refused;
  const net::Fd interrupt = open_interrupt();
  Screen screen(options);
  const auto outcome = load::run(options.settings, interrupt.get(), screen);
  if (!outcome) return fail(kFailed, fmt::format("cannot reach {}: {}", options.target, outcome.error().text()));
  print_line(stdout,
             options.json ? load::to_json(options.settings, *outcome) : load::to_text(options.settings, *outcome));
  return outcome->failed() == 0 ? kDone : kFailed;
}

void add_common(CLI::App& command, RunOptions& options) {
  load::Settings& settings = options.settings;
  command.add_option("TARGET", options.target, "host:port, [v6]:port or unix:/path; no names")->required();
  command.add_option("--threads", settings.threads, "threads, each with its share")
      ->check(CLI::Range(1, 64))
      ->capture_default_str();
  command.add_option("--source", options.sources, "local address to connect from; several are taken in turn")
      ->type_name("ADDRESS");
  add_duration(command, "--duration", settings.duration, std::chrono::hours{1}, "how long to measure");
  add_duration(command, "--warmup", settings.warmup, std::chrono::hours{1}, "traffic before that is not measured");
  add_duration(command, "--timeout", settings.timeout, std::chrono::minutes{1}, "of one connection being made");
  command.add_flag("--json", options.json, "the result as one line of JSON");
  command.add_flag("--progress", options.progress, "a line a second on standard error, also when it is no terminal");
}

void add_connections(CLI::App& command, load::Settings& settings, const std::string& flag, const std::string& about) {
  command.add_option(flag, settings.connections, about)->check(CLI::Range(1, 1'000'000))->capture_default_str();
}

// Whether a model can do without a round trip.
enum class RoundTrip { needed, optional };

void add_size(CLI::App& command, load::Settings& settings, RoundTrip round_trip, const std::string& about) {
  const auto check = [round_trip](const std::string& text) -> std::string {
    const std::uint64_t bytes = std::strtoull(text.c_str(), nullptr, 10);
    const bool none = text == "0" && round_trip == RoundTrip::optional;
    const bool fits = none || (bytes >= load::kMessageBytesMin && bytes <= load::kMessageBytesMax);
    return fits ? "" : "must be 16 to 1048576 bytes";
  };
  command.add_option("--size", settings.message_bytes, about)->check(check)->type_name("BYTES")->capture_default_str();
}

// A command whose options live as long as it does.
std::shared_ptr<RunOptions> add_traffic(CLI::App& bench, load::Traffic traffic, const std::string& about,
                                        int& exit_status) {
  auto options = std::make_shared<RunOptions>();
  options->settings.traffic = traffic;
  CLI::App* const command = bench.add_subcommand(load::name(traffic), about);
  add_common(*command, *options);
  command->callback([options, &exit_status] { exit_status = run_traffic(*options); });
  return options;
}

void add_echo(CLI::App& bench, int& exit_status) {
  const auto options = add_traffic(bench, load::Traffic::echo, "round trips on open connections", exit_status);
  CLI::App& command = *bench.get_subcommand("echo");
  load::Settings& settings = options->settings;
  add_connections(command, settings, "--connections", "open connections");
  add_size(command, settings, RoundTrip::needed, "of each message, at least 16");
  command
      .add_option("--in-flight", options->in_flight,
                  "messages of one connection without an answer (default 1; with --rate 1000)")
      ->check(CLI::Range(1, 100'000));
  add_rate(command, "--rate", settings.rate, 10'000'000,
           "messages a second in all; without it, as fast as answers come");
}

void add_bulk(CLI::App& bench, int& exit_status) {
  const auto options = add_traffic(bench, load::Traffic::bulk, "a stream one way, as fast as it goes", exit_status);
  CLI::App& command = *bench.get_subcommand("bulk");
  options->settings.connections = 4;
  add_connections(command, options->settings, "--connections", "open connections");
  const std::map<std::string, load::Direction> directions = {{"up", load::Direction::up},
                                                             {"down", load::Direction::down}};
  command.add_option("--direction", options->settings.direction, "up: to a sink; down: from a source")
      ->transform(CLI::CheckedTransformer(directions).description("up, down"))
      ->default_str("down");
}

void add_connect(CLI::App& bench, int& exit_status) {
  const auto options =
      add_traffic(bench, load::Traffic::connect, "new connections: connect, one round trip, close", exit_status);
  CLI::App& command = *bench.get_subcommand("connect");
  add_connections(command, options->settings, "--concurrency", "connections under way at a time");
  add_size(command, options->settings, RoundTrip::optional, "of the round trip; 0 for none");
  const std::map<std::string, load::Ending> endings = {{"orderly", load::Ending::orderly},
                                                       {"reset", load::Ending::reset}};
  command
      .add_option("--close", options->settings.ending, "orderly: FIN both ways; reset: RST, which leaves no TIME_WAIT")
      ->transform(CLI::CheckedTransformer(endings).description("orderly, reset"))
      ->default_str("orderly");
}

void add_hold(CLI::App& bench, int& exit_status) {
  const auto options = add_traffic(bench, load::Traffic::hold, "idle connections that stay", exit_status);
  CLI::App& command = *bench.get_subcommand("hold");
  options->settings.connections = 1000;
  add_connections(command, options->settings, "--connections", "how many");
  add_size(command, options->settings, RoundTrip::optional, "of the first round trip and of pings; 0 for silence");
  add_rate(command, "--ramp", options->settings.ramp, 1'000'000, "new connections a second")
      ->default_str(std::to_string(options->settings.ramp));
  add_duration(command, "--ping-interval", options->settings.ping_interval, std::chrono::hours{1},
               "a round trip on each connection this often; 0 for none");
}

}  // namespace

void add_bench_command(CLI::App& program, int& exit_status) {
  CLI::App* const bench = program.add_subcommand("bench", "load generator: measure a server, or what stands before it");
  bench->require_subcommand(1);
  add_echo(*bench, exit_status);
  add_bulk(*bench, exit_status);
  add_connect(*bench, exit_status);
  add_hold(*bench, exit_status);
  add_bench_mqtt(*bench, exit_status);
  add_bench_serve(*bench, exit_status);
}

}  // namespace holdfast::app
