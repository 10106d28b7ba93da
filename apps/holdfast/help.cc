// holdfast help: the help of a command, or all of it as a man page.
#include <fmt/format.h>

#include <memory>
#include <string>
#include <vector>

#include "client/client.h"
#include "client/table.h"
#include "man_page.h"

namespace holdfast::app {
namespace {

struct Options {
  std::vector<std::string> commands;
  bool man = false;
};

std::string help_of(const CLI::App& program, const std::vector<std::string>& names) {
  const CLI::App* at = &program;
  std::string before;
  for (const std::string& name : names) {
    const auto found = at->get_subcommands([&name](const CLI::App* each) { return each->get_name() == name; });
    if (found.empty()) throw CommandFailed(kUsageOrFaults, fmt::format("there is no command \"{}\"", clean(name)));
    before += (before.empty() ? "" : " ") + at->get_name();
    at = found.front();
  }
  return at->help(before);
}

}  // namespace

void add_help_command(CLI::App& program, int& status) {
  auto options = std::make_shared<Options>();
  CLI::App* command = program.add_subcommand("help", "The help of a command");
  command->group("");
  command->add_option("COMMAND", options->commands, "one command, and a command of that")->type_name("COMMAND");
  command->add_flag("--man", options->man, "holdfast(1), for man");
  command->callback([&program, options, &status] {
    status =
        run_command("help", [&] { print(options->man ? man_page(program) : help_of(program, options->commands)); });
  });
}

}  // namespace holdfast::app
