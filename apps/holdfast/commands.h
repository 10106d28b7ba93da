// apps/holdfast/commands.h: the commands of the program. Each adds itself to the command line; its file does the rest.
#pragma once

#include <CLI/CLI.hpp>

namespace holdfast::app {

// Exit statuses that a script can rely on.
enum ExitStatus : int {
  kDone = 0,
  kFailed = 1,         // something outside failed: a port is taken, a peer does not answer
  kUsageOrFaults = 2,  // the command line or the configuration is wrong
};

// `status` is set when the command has run; it outlives the parsing.
void add_up_command(CLI::App& program, int& status);
void add_run_command(CLI::App& program, int& status);
void add_check_command(CLI::App& program, int& status);
void add_bench_command(CLI::App& program, int& status);

}  // namespace holdfast::app
