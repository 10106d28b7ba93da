// holdfast run: the roles that a configuration file has, until a signal.
#include <unistd.h>

#include <boost/json.hpp>
#include <cstdio>
#include <memory>
#include <string>

#include "base/log.h"
#include "commands.h"
#include "config/parse.h"
#include "node/node.h"
#include "node/privileges.h"

namespace holdfast::app {
namespace {

struct Options {
  std::string file;
  int ready_fd = STDOUT_FILENO;
};

std::string ready_line(const Serving& serving) {
  boost::json::array listeners;
  for (const Serving::Listener& listener : serving.listeners) {
    for (const std::string& address : listener.addresses) {
      listeners.push_back({{"name", listener.name}, {"address", address}});
    }
  }
  boost::json::object line = {{"ready", true}, {"listeners", listeners}};
  if (!serving.admin.empty()) line["admin"] = serving.admin;
  return boost::json::serialize(line) + "\n";
}

int run(const Options& options) {
  const config::Parsed parsed = config::parse_file(options.file);
  for (const config::Fault& fault : parsed.faults) std::fprintf(stderr, "%s\n", to_text(fault).c_str());
  if (!parsed.settings) return kUsageOrFaults;
  control::Runtime runtime;
  const std::string& user = parsed.settings->node.user;
  if (!user.empty()) renounce_privileges_of_programs(user);
  Node node(runtime, *parsed.settings, options.file);
  if (!user.empty()) become_user(user);
  base::start_log({parsed.settings->log.level, parsed.settings->log.format});
  return node.serve([&options](const Serving& serving) {
    const std::string line = ready_line(serving);
    if (::write(options.ready_fd, line.data(), line.size()) != static_cast<ssize_t>(line.size())) {
      base::log_warning("the ready line could not be written", {{"fd", std::int64_t{options.ready_fd}}});
    }
  });
}

}  // namespace

void add_run_command(CLI::App& program, int& status) {
  auto options = std::make_shared<Options>();
  CLI::App* command = program.add_subcommand("run", "Run the roles that a configuration file has");
  command->add_option("FILE", options->file, "The configuration (TOML); see holdfast check --reference")->required();
  command->add_option("--ready-fd", options->ready_fd, "Write the ready line to this descriptor, not standard output");
  command->callback([options, &status] {
    status = run(*options);
    base::stop_log();
  });
}

}  // namespace holdfast::app
