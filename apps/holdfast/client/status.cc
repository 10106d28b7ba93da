// holdfast status: how the process is, on one screen.
#include <fmt/format.h>

#include <boost/json.hpp>
#include <memory>

#include "client/client.h"
#include "client/fields.h"
#include "client/server_text.h"
#include "client/shown.h"
#include "client/table.h"

namespace holdfast::app {
namespace {

using boost::json::value;

std::string seconds_at(const value& from, std::string_view path) { return shown_seconds(find_number(from, path)); }
std::string count_at(const value& from, std::string_view path) { return shown_count(number_at(from, path)); }
std::string bytes_at(const value& from, std::string_view path) { return shown_bytes(number_at(from, path)); }

void row(std::string& text, std::string_view title, const std::string& what) {
  text += fmt::format("{:<15}{}\n", title, what);
}

Colour colour_of_phase(std::string_view phase) { return phase == "serving" ? Colour::good : Colour::warning; }

std::string counted(double count, std::string_view one) {
  return fmt::format("{} {}{}", shown_count(count), one, count == 1 ? "" : "s");
}

std::string configuration(const value& status) {
  std::string text = clean(text_at(status, "config.file"));
  text += fmt::format(", loaded {}, {}", clean(text_at(status, "config.loaded_at")),
                      counted(number_at(status, "config.reloads_total"), "reload"));
  if (const double differs = number_at(status, "config.differs"); differs > 0)
    text += fmt::format(", changes by command: {}", shown_count(differs));
  return text;
}

std::string connections(const value& status) {
  const double most = number_at(status, "max_connections");
  const std::string of = most > 0 ? " of " + shown_count(most) : "";
  return fmt::format("{}{} now, {} since the start, {} descriptors free", count_at(status, "connections"), of,
                     count_at(status, "connections_total"), count_at(status, "descriptors_free"));
}

std::string memory(const value& status) {
  return fmt::format("{} resident, {} relays, {} buffers", bytes_at(status, "memory.resident_bytes"),
                     bytes_at(status, "memory.relays_bytes"), bytes_at(status, "memory.buffers_bytes"));
}

std::string broker(const value& status) {
  return fmt::format("{}, {}, {}, {} retained", counted(number_at(status, "broker.clients"), "client"),
                     counted(number_at(status, "broker.sessions"), "session"),
                     counted(number_at(status, "broker.subscriptions"), "subscription"),
                     count_at(status, "broker.retained"));
}

std::string messages(const value& status) {
  const auto rate = [&status](std::string_view path) { return shown_short(number_at(status, path)); };
  return fmt::format("{}/s in, {}/s out, {}/s dropped; {} in, {} out, {} dropped since the start",
                     rate("broker.messages_received_per_second"), rate("broker.messages_sent_per_second"),
                     rate("broker.messages_dropped_per_second"), count_at(status, "broker.messages_received_total"),
                     count_at(status, "broker.messages_sent_total"),
                     shown_count(sum_of(object_at(status, "broker.dropped"))));
}

std::string drain(const value& status) {
  const double wait = number_at(status, "drain.wait_seconds_left");
  return clean(drain_progress(status)) + (wait > 0 ? ", accepts for another " + shown_seconds(wait) : "");
}

std::string workers(const value& status, Paint paint) {
  Table table({{"WORKER", Align::right},
               {"CONNECTIONS", Align::right},
               {"LAG", Align::right},
               {"TURNS", Align::right},
               {"ACCEPTS"}});
  for (const value& worker : list_at(status, "workers")) {
    const bool paused = flag_at(worker, "accept_paused");
    table.add({count_at(worker, "number"), count_at(worker, "connections"), seconds_at(worker, "lag_seconds"),
               count_at(worker, "turns_total"), paused ? Cell("paused", Colour::warning) : Cell("yes")});
  }
  return table.empty() ? "" : "\n" + table.text(paint);
}

std::string show(const value& status, Paint paint) {
  std::string text;
  const std::string phase = clean(text_at(status, "phase"));
  row(text, "node",
      fmt::format("{}, holdfast {}, pid {}", clean(text_at(status, "node")), clean(text_at(status, "version")),
                  text_at(status, "pid")));
  row(text, "phase",
      fmt::format("{}, up {}", painted(phase, colour_of_phase(phase), paint), seconds_at(status, "uptime_seconds")));
  row(text, "configuration", configuration(status));
  if (is_there(status, "config.last_error"))
    row(text, "last reload", painted("failed: " + clean(text_at(status, "config.last_error")), Colour::bad, paint));
  row(text, "connections", connections(status));
  if (is_there(status, "broker")) {
    row(text, "broker", broker(status));
    row(text, "messages", messages(status));
  }
  row(text, "memory", memory(status));
  if (is_there(status, "drain")) row(text, "drain", drain(status));
  if (list_at(status, "alarms").empty()) row(text, "alarms", painted("none", Colour::good, paint));
  for (const value& alarm : list_at(status, "alarms")) {
    const std::string what =
        clean(fmt::format("{} {}: {}", text_at(alarm, "name"), text_at(alarm, "subject"), text_at(alarm, "why")));
    row(text, "alarm", painted(what, Colour::bad, paint));
  }
  return text + workers(status, paint);
}

void status_command(const Access& access) {
  const Reply reply = Client(access).get("/v1/status");
  if (access.json) return print_reply(reply);
  if (!reply.json.is_object()) throw CommandFailed(kFailed, "the answer is not the status of a Holdfast");
  print(show(reply.json, paint_of_output()));
}

}  // namespace

void add_status_command(CLI::App& program, int& status) {
  auto access = std::make_shared<Access>();
  CLI::App* command = program.add_subcommand("status", "How a running process is: phase, connections, alarms, workers");
  add_access(*command, *access);
  command->footer(
      "Examples:\n"
      "  holdfast status\n"
      "  holdfast status --admin http://10.0.0.5:9100 --token-file /etc/holdfast/token\n"
      "  holdfast status --json | jq .phase");
  command->callback([access, &status] { status = run_command("status", [&access] { status_command(*access); }); });
}

}  // namespace holdfast::app
