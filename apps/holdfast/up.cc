// holdfast up: everything in one process, on built-in defaults, with a table of what to try.
#include <fmt/format.h>

#include <cerrno>  // program_invocation_name
#include <cstdio>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "base/log.h"
#include "commands.h"
#include "config/parse.h"
#include "demo_servers.h"
#include "node/node.h"

namespace holdfast::app {
namespace {

struct Options {
  std::string listen = "127.0.0.1:1883";
  std::string admin = "127.0.0.1:9100";
};

// The same language that users write, so that `up` is a configuration like any other.
std::string configuration(const Options& options, const std::vector<DemoServer>& servers) {
  std::string text = fmt::format(
      "[node]\nworkers = 1\nrun_dir = \"\"\nstop_timeout = \"2s\"\n[log]\nlevel = \"debug\"\n[admin]\nlisten = \"{}\"\n"
      "[[listener]]\nname = \"demo\"\nbind = [\"{}\"]\npool = \"demo\"\n[[pool]]\nname = \"demo\"\n[pool.health]\n",
      options.admin, options.listen);
  for (const DemoServer& server : servers) {
    text += fmt::format("[[pool.server]]\nname = \"{}\"\naddress = \"{}\"\n", server.name(), server.address());
  }
  return text;
}

void print_table(const Serving& serving, const std::vector<DemoServer>& servers) {
  const std::string gateway = serving.listeners.at(0).addresses.at(0);
  const std::string host = gateway.substr(0, gateway.rfind(':'));
  const std::string port = gateway.substr(gateway.rfind(':') + 1);
  std::string table = "Holdfast is up: a gateway before three demo servers, all in this process. Ctrl-C ends it.\n\n";
  const auto row = [&table](std::string_view what, std::string_view where, std::string_view remark) {
    table += remark.empty() ? fmt::format("  {:<13}{}\n", what, where)
                            : fmt::format("  {:<13}{:<34}{}\n", what, where, remark);
  };
  row("gateway", gateway, "least_connections over the three below");
  for (const DemoServer& server : servers) {
    row("server " + server.name(), server.address(), "answers each line with its name");
  }
  row("servers", "http://" + serving.admin + "/v1/pools/demo/servers", "");
  row("metrics", "http://" + serving.admin + "/metrics", "");
  row("health", "http://" + serving.admin + "/healthz", "and /readyz");
  table += fmt::format(
      "\nTry, in another terminal:\n"
      "  nc {0} {1}                      # type a line; open several: each gets another server\n"
      "  {3} top --admin http://{2}      # what happens, live\n"
      "  {3} server demo/bert drain --rate 1/s --admin http://{2}\n"
      "  curl -s http://{2}/metrics | grep ^holdfast_server_connections\n"
      "\nWhat happens, as it happens:\n",
      host, port, serving.admin, program_invocation_name);
  std::fputs(table.c_str(), stdout);
  std::fflush(stdout);
}

config::Settings settings_of(const Options& options, const std::vector<DemoServer>& servers) {
  config::Parsed parsed = config::parse_text(configuration(options, servers), "holdfast up");
  if (!parsed.settings) throw std::runtime_error(to_text(parsed.faults.front()));
  return std::move(*parsed.settings);
}

int up(const Options& options) {
  control::Runtime runtime;
  std::vector<DemoServer> servers;
  for (const char* name : {"anna", "bert", "carl"}) servers.emplace_back(runtime, name);
  const config::Settings settings = settings_of(options, servers);
  Node node(runtime, settings, "");
  base::start_log({settings.log.level, settings.log.format});
  return node.serve([&servers](const Serving& serving) { print_table(serving, servers); });
}

}  // namespace

void add_up_command(CLI::App& program, int& status) {
  auto options = std::make_shared<Options>();
  CLI::App* command =
      program.add_subcommand("up", "A gateway and three demo servers in one process, and what to try with them");
  command->add_option("--listen", options->listen, "Where the gateway listens; port 0 takes a free one")
      ->capture_default_str();
  command->add_option("--admin", options->admin, "Where metrics and health are")->capture_default_str();
  command->callback([options, &status] {
    status = up(*options);
    base::stop_log();
  });
}

}  // namespace holdfast::app
