// holdfast check: is this configuration right?
#include <cstdio>
#include <memory>
#include <string>

#include "commands.h"
#include "config/parse.h"
#include "config/reference.h"

namespace holdfast::app {
namespace {

struct Options {
  std::string file;
  bool reference = false;
};

int check(const Options& options) {
  if (options.reference) {
    std::fputs(config::reference_markdown().c_str(), stdout);
    return kDone;
  }
  const config::Parsed parsed = config::parse_file(options.file);
  for (const config::Fault& fault : parsed.faults) std::fprintf(stderr, "%s\n", to_text(fault).c_str());
  if (!parsed.settings) return kUsageOrFaults;
  std::printf("%s: right (listeners: %zu, pools: %zu)\n", options.file.c_str(), parsed.settings->listeners.size(),
              parsed.settings->pools.size());
  return kDone;
}

}  // namespace

void add_check_command(CLI::App& program, int& status) {
  auto options = std::make_shared<Options>();
  CLI::App* command = program.add_subcommand("check", "Validate a configuration file; lists all faults at once");
  auto* reference = command->add_flag("--reference", options->reference, "Print the reference of every key (Markdown)");
  command->add_option("FILE", options->file, "The configuration (TOML)")->excludes(reference);
  command->callback([command, options, &status] {
    if (options->file.empty() && !options->reference) throw CLI::RequiredError("FILE");
    status = check(*options);
  });
}

}  // namespace holdfast::app
