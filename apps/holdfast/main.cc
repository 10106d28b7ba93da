// The program's entry: the command line, and nothing else.
#include <fcntl.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <exception>
#include <string>

#include "commands.h"

namespace {

constexpr const char* kAbout =
    "Holdfast: the entry layer for long-lived connections (MQTT, WebSocket, IM, any TCP).\n"
    "It accepts clients, gives each a server of a pool, and keeps the connection.";

constexpr const char* kMore =
    "Start here:\n"
    "  holdfast up                     a gateway before an MQTT broker in one process, with a table of what to try\n"
    "  holdfast check edge.toml        is this configuration right? every fault with file, line and column\n"
    "  holdfast run edge.toml          serve; ready when one line {\"ready\":true,...} appears on standard output\n"
    "  holdfast status                 how a running process is; top shows it live\n"
    "  holdfast servers                state, connections and checks of every server\n"
    "  holdfast reload --dry-run       what a reload of the changed file would do to how many connections\n"
    "  holdfast subscribe 'sensors/#'    messages of an MQTT broker; publish and request send some\n"
    "  holdfast bench echo 127.0.0.1:1883 --connections 100\n"
    "\n"
    "Commands about a running process ask it at its admin socket (--socket) or URL (--admin).\n"
    "Signals to a running process: SIGTERM drains for node.stop_timeout and ends; SIGINT ends at once.\n"
    "Exit status: 0 done, 1 something failed, 2 the command line or the configuration is wrong,\n"
    "3 nobody answers, 4 it does not allow it.\n"
    "Every key of the configuration: docs/CONFIGURATION.md, or holdfast check --reference.";

// CLI11 would only say that a command is missing.
bool names_an_unknown_command(const CLI::App& program, int argc, char** argv) {
  if (argc < 2 || argv[1][0] == '-') return false;
  const auto has_this_name = [argv](const CLI::App* command) { return command->check_name(argv[1]); };
  if (!program.get_subcommands(has_this_name).empty()) return false;
  std::fprintf(stderr, "holdfast: there is no command \"%s\"; holdfast --help lists them\n", argv[1]);
  return true;
}

void add_commands(CLI::App& program, int& status) {
  holdfast::app::add_up_command(program, status);
  holdfast::app::add_run_command(program, status);
  holdfast::app::add_check_command(program, status);
  holdfast::app::add_status_command(program, status);
  holdfast::app::add_top_command(program, status);
  holdfast::app::add_listeners_command(program, status);
  holdfast::app::add_servers_command(program, status);
  holdfast::app::add_connections_command(program, status);
  holdfast::app::add_alarms_command(program, status);
  holdfast::app::add_events_command(program, status);
  holdfast::app::add_server_command(program, status);
  holdfast::app::add_kick_command(program, status);
  holdfast::app::add_reload_command(program, status);
  holdfast::app::add_drain_command(program, status);
  holdfast::app::add_ready_command(program, status);
  holdfast::app::add_publish_command(program, status);
  holdfast::app::add_subscribe_command(program, status);
  holdfast::app::add_request_command(program, status);
  holdfast::app::add_bench_command(program, status);
  holdfast::app::add_password_command(program, status);
  holdfast::app::add_completion_command(program, status);
  holdfast::app::add_complete_command(program, status);
  holdfast::app::add_help_command(program, status);
}

// A descriptor that takes the place of a closed standard stream would be written to as if it were that.
void open_standard_streams() {
  int fd = 0;
  while (fd >= 0 && fd <= STDERR_FILENO) fd = ::open("/dev/null", O_RDWR);
  if (fd > STDERR_FILENO) ::close(fd);
}

// What is wrong, and where more is said: the whole help would hide it.
std::string failure_message(const CLI::App* program, const CLI::Error& error) {
  std::string words = program->get_name();
  const CLI::App* innermost = program;
  while (!innermost->get_subcommands().empty()) {
    innermost = innermost->get_subcommands().front();
    words += " " + innermost->get_name();
  }
  return words + ": " + error.what() + "; " + words + " --help tells more\n";
}

}  // namespace

int main(int argc, char** argv) {
  open_standard_streams();
  std::signal(SIGPIPE, SIG_IGN);  // a peer that is gone is an error of the write, not the end of the process
  int status = holdfast::app::kDone;
  CLI::App program(kAbout, "holdfast");
  program.set_version_flag("--version", "holdfast " HOLDFAST_VERSION);
  program.require_subcommand(1);
  program.failure_message(failure_message);
  add_commands(program, status);
  program.footer(kMore);  // now, so that the commands do not inherit it
  if (names_an_unknown_command(program, argc, argv)) return holdfast::app::kUsageOrFaults;
  try {
    program.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    const bool asked_for_help = error.get_exit_code() == 0;
    program.exit(error);
    return asked_for_help ? holdfast::app::kDone : holdfast::app::kUsageOrFaults;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "holdfast: %s\n", error.what());
    return holdfast::app::kFailed;
  }
  return status;
}
