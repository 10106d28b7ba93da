// holdfast check: is this configuration right?
#include <cstdio>
#include <memory>
#include <string>
#include <vector>

#include "auth/files.h"
#include "commands.h"
#include "config/parse.h"
#include "config/reference.h"

namespace holdfast::app {
namespace {

struct Options {
  std::string file;
  bool reference = false;
  bool man = false;
};

int print(const std::string& page) {
  std::fputs(page.c_str(), stdout);
  return kDone;
}

// What the file names is looked at as well, where nothing has to be asked for it.
std::vector<config::Fault> faults_of_files(const config::Settings& settings) {
  return settings.broker.listeners.empty() ? std::vector<config::Fault>{} : auth::load_files(settings.auth).faults;
}

int check(const Options& options) {
  if (options.reference) return print(config::reference_markdown());
  if (options.man) return print(config::reference_man());
  config::Parsed parsed = config::parse_file(options.file);
  if (parsed.settings) parsed.faults = faults_of_files(*parsed.settings);
  for (const config::Fault& fault : parsed.faults) std::fprintf(stderr, "%s\n", to_text(fault).c_str());
  if (!parsed.faults.empty()) return kUsageOrFaults;
  std::printf("%s: right (listeners: %zu, pools: %zu", options.file.c_str(), parsed.settings->listeners.size(),
              parsed.settings->pools.size());
  const std::size_t of_broker = parsed.settings->broker.listeners.size();
  if (of_broker > 0) std::printf(", listeners of the broker: %zu", of_broker);
  std::puts(")");
  return kDone;
}

}  // namespace

void add_check_command(CLI::App& program, int& status) {
  auto options = std::make_shared<Options>();
  CLI::App* command = program.add_subcommand("check", "Validate a configuration file; lists all faults at once");
  CLI::Option* reference =
      command->add_flag("--reference", options->reference, "Print the reference of every key (Markdown)");
  CLI::Option* man = command->add_flag("--man", options->man, "Print the manual page holdfast.toml(5) (troff)");
  man->excludes(reference);
  command->add_option("FILE", options->file, "The configuration (TOML)")->excludes(reference)->excludes(man);
  command->callback([command, options, &status] {
    if (options->file.empty() && !options->reference && !options->man) throw CLI::RequiredError("FILE");
    status = check(*options);
  });
}

}  // namespace holdfast::app
