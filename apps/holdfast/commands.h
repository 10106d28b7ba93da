// apps/holdfast/commands.h: the commands of the program. Each adds itself to the command line; its file does the rest.
#pragma once

#include <CLI/CLI.hpp>

namespace holdfast::app {

// Exit statuses that a script can rely on.
enum ExitStatus : int {
  kDone = 0,
  kFailed = 1,          // something outside failed: a port is taken, a peer does not answer, the process refused
  kUsageOrFaults = 2,   // the command line or the configuration is wrong
  kNobodyAnswers = 3,   // no process answers at the admin socket or URL, or no broker
  kNotAllowed = 4,      // it answers, but not to us: token, rights of the socket; user, password
  kConnectionsCut = 5,  // holdfast run: node.stop_timeout was over before the last connection had ended
  kEndedAtOnce = 6,     // holdfast run: a second SIGTERM, or SIGINT, while there were connections
};

// `status` is set when the command has run; it outlives the parsing.
void add_up_command(CLI::App& program, int& status);
void add_run_command(CLI::App& program, int& status);
void add_check_command(CLI::App& program, int& status);
void add_bench_command(CLI::App& program, int& status);
void add_password_command(CLI::App& program, int& status);

// Those that ask a running process (client/client.h).
void add_status_command(CLI::App& program, int& status);
void add_listeners_command(CLI::App& program, int& status);
void add_servers_command(CLI::App& program, int& status);
void add_connections_command(CLI::App& program, int& status);
void add_server_command(CLI::App& program, int& status);
void add_kick_command(CLI::App& program, int& status);
void add_reload_command(CLI::App& program, int& status);
void add_drain_command(CLI::App& program, int& status);
void add_ready_command(CLI::App& program, int& status);
void add_top_command(CLI::App& program, int& status);
void add_alarms_command(CLI::App& program, int& status);
void add_events_command(CLI::App& program, int& status);

// Those that talk to an MQTT broker, any one (mqtt/client.h).
void add_publish_command(CLI::App& program, int& status);
void add_subscribe_command(CLI::App& program, int& status);
void add_request_command(CLI::App& program, int& status);

// Those that tell of the program itself: scripts for shells, what those ask, help and the man page.
void add_completion_command(CLI::App& program, int& status);
void add_complete_command(CLI::App& program, int& status);
void add_help_command(CLI::App& program, int& status);

}  // namespace holdfast::app
