// holdfast up: everything in one process, on built-in defaults, with a table of what to try.
//
// A gateway before an MQTT broker. The gateway tells the broker by PROXY headers who the client is, so that the
// broker sees clients as they would be without it.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cerrno>  // program_invocation_name
#include <cstdio>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "base/log.h"
#include "commands.h"
#include "config/parse.h"
#include "net/socket.h"
#include "node/node.h"

namespace holdfast::app {
namespace {

struct Options {
  std::string listen = "127.0.0.1:1883";
  std::string websocket = "127.0.0.1:8083";
  std::string broker = "127.0.0.1:11883";
  std::string admin = "127.0.0.1:9100";
};

std::string host_of(const std::string& address) { return address.substr(0, address.rfind(':')); }
std::string port_of(const std::string& address) { return address.substr(address.rfind(':') + 1); }

// The gateway must know where the broker is before either has begun, so port 0 is made a real one here. Whoever takes
// it in the moment between makes the start fail, and that says which address it was.
std::string with_port(const std::string& address) {
  const auto endpoint = base::parse_endpoint(address);
  if (!endpoint || endpoint->port != 0) return address;  // what is wrong with it, the configuration's faults say
  const auto wanted = net::SocketAddress::from(*endpoint);
  if (!wanted || wanted->is_unix()) return address;
  const auto socket = net::bind_listener(*wanted, {}, net::Sharing::alone);
  if (!socket) throw std::runtime_error(address + ": " + socket.error().text());
  const auto bound = net::SocketAddress::local_of(socket->get());
  return bound ? bound->text() : address;
}

// Whom anonymous clients are let in from, wherever the addresses are. The PROXY header carries them through the
// gateway. A unix socket is a matter of its folder's mode.
std::string_view allowed_at(const std::string& address) {
  return address.starts_with("unix:") ? "[]" : R"(["127.0.0.0/8", "::1/128"])";
}

// Pages of this machine, as a list of the configuration: every other page that a browser here shows could speak to the
// broker otherwise. By name and not by what the request's Host says, which a page can make its own.
std::string own_origins(const std::string& websocket) {
  std::vector<std::string> hosts = {"localhost", "127.0.0.1", "[::1]"};
  const std::string own = host_of(websocket);
  if (std::ranges::find(hosts, own) == hosts.end() && own != "0.0.0.0" && own != "[::]") hosts.push_back(own);
  std::vector<std::string> origins;
  for (const std::string& host : hosts) {
    for (const std::string_view scheme : {"http", "https"})
      origins.push_back(fmt::format("\"{}://{}:*\"", scheme, host));
  }
  return fmt::format("[{}]", fmt::join(origins, ", "));
}

// The same language that users write, so that `up` is a configuration like any other.
std::string configuration(const Options& options) {
  return fmt::format(
      R"([node]
workers = 1
run_dir = ""
stop_timeout = "2s"
[admin]
listen = "{admin}"
[[listener]]
name = "gateway"
bind = ["{listen}"]
max_connections = 1000
allow = {gateway_allow}
pool = "brokers"
[[pool]]
name = "brokers"
proxy_protocol = "v2"
[pool.health]
[[pool.server]]
name = "embedded"
address = "{broker}"
[broker]
sys_interval = "10s"
exclusive_available = true
[[broker.listener]]
name = "internal"
bind = ["{broker}"]
proxy_protocol = "optional"
proxy_protocol_from = ["127.0.0.0/8", "::1/128"]
max_connections = 2000
allow = {broker_allow}
anonymous = "allow"
[[broker.listener]]
name = "websocket"
bind = ["{websocket}"]
protocol = "websocket"
allow_origins = {origins}
max_connections = 1000
allow = {websocket_allow}
anonymous = "allow"
)",
      fmt::arg("admin", options.admin), fmt::arg("listen", options.listen), fmt::arg("broker", options.broker),
      fmt::arg("websocket", options.websocket), fmt::arg("gateway_allow", allowed_at(options.listen)),
      fmt::arg("broker_allow", allowed_at(options.broker)), fmt::arg("websocket_allow", allowed_at(options.websocket)),
      fmt::arg("origins", own_origins(options.websocket)));
}

std::string address_of(const Serving& serving, std::string_view listener) {
  for (const Serving::Listener& each : serving.listeners) {
    if (each.name == listener) return each.addresses.at(0);
  }
  return "";
}

// 0.0.0.0 is everywhere: from here that is 127.0.0.1.
std::string reachable(const std::string& host) {
  return host == "0.0.0.0" ? "127.0.0.1" : host == "[::]" ? "::1" : host;
}

constexpr std::string_view kOthers =
    "\nOthers reach these addresses and are refused: for them, write a configuration (docs/BROKER.md).";

bool open_to_others(const Serving& serving) {
  return std::ranges::any_of(serving.listeners, [](const Serving::Listener& each) {
    return std::ranges::any_of(each.addresses, [](const std::string& address) {
      const std::string host = host_of(address);
      return !host.starts_with("127.") && host != "[::1]" && host != "unix";
    });
  });
}

void print_table(const Serving& serving) {
  const std::string gateway = address_of(serving, "gateway");
  const std::string websocket = address_of(serving, "websocket");
  const std::string admin = "http://" + serving.admin;
  std::string table = "Holdfast is up: a gateway before an MQTT broker, both in this process. Ctrl-C ends it.\n\n";
  const auto row = [&table](std::string_view what, std::string_view where, std::string_view remark) {
    table += fmt::format("  {:<11}{:<34}{}\n", what, where, remark);
  };
  row("gateway", gateway, "MQTT 3.1, 3.1.1 and 5.0; on to the broker");
  row("broker", address_of(serving, "internal"), "the same broker, without the gateway");
  row("websocket", "ws://" + websocket + "/mqtt", "the same broker, for browsers");
  row("status", admin + "/v1/status", "and /v1/connections, /v1/pools");
  row("metrics", admin + "/metrics", "for Prometheus");
  row("health", admin + "/healthz", "and /readyz");
  table += fmt::format(
      R"(
Anonymous clients are let in, from 127.0.0.0/8 and ::1 only, and pages of a browser from localhost only.{others}
Try, in other terminals:
  mosquitto_sub -h {host} -p {port} -t 'home/#' -v
  mosquitto_pub -h {host} -p {port} -t home/kitchen -m 21.5
  mosquitto_sub -h {host} -p {port} -t '$SYS/#' -v            # what the broker says of itself
  mqtt sub -l ws -h {wshost} -p {wsport} --path /mqtt -t 'home/#'     # mqtt.js, as a browser would
  {program} top --admin {admin}          # what happens, live
  curl -s {admin}/metrics | grep ^holdfast_broker

What happens, as it happens:
)",
      fmt::arg("others", open_to_others(serving) ? kOthers : ""), fmt::arg("host", reachable(host_of(gateway))),
      fmt::arg("port", port_of(gateway)), fmt::arg("wshost", reachable(host_of(websocket))),
      fmt::arg("wsport", port_of(websocket)), fmt::arg("program", program_invocation_name), fmt::arg("admin", admin));
  std::fputs(table.c_str(), stdout);
  std::fflush(stdout);
}

config::Settings settings_of(const Options& options) {
  config::Parsed parsed = config::parse_text(configuration(options), "holdfast up");
  if (!parsed.settings) throw std::runtime_error(to_text(parsed.faults.front()));
  return std::move(*parsed.settings);
}

int up(Options options) {
  options.broker = with_port(options.broker);
  control::Runtime runtime;
  const config::Settings settings = settings_of(options);
  Node node(runtime, settings, "");
  base::start_log({settings.log.level, settings.log.format});
  return node.serve(print_table);
}

}  // namespace

void add_up_command(CLI::App& program, int& status) {
  auto options = std::make_shared<Options>();
  CLI::App* command =
      program.add_subcommand("up", "A gateway and an MQTT broker in one process, and what to try with them");
  command->add_option("--listen", options->listen, "Where the gateway listens; port 0 takes a free one, here and below")
      ->capture_default_str();
  command->add_option("--websocket", options->websocket, "Where the broker listens for MQTT over WebSocket")
      ->capture_default_str();
  command->add_option("--broker", options->broker, "Where the broker listens for the gateway")->capture_default_str();
  command->add_option("--admin", options->admin, "Where metrics, health and the API are")->capture_default_str();
  command->callback([options, &status] {
    status = up(*options);
    base::stop_log();
  });
}

}  // namespace holdfast::app
