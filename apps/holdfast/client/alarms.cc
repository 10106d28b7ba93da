// holdfast alarms: what is wrong now, and what was.
#include <fmt/format.h>

#include <boost/json.hpp>
#include <memory>

#include "client/client.h"
#include "client/fields.h"
#include "client/shown.h"
#include "client/table.h"

namespace holdfast::app {
namespace {

using boost::json::value;

std::string active(const value& alarms, Paint paint) {
  Table table({{"ALARM"}, {"SUBJECT"}, {"FOR", Align::right}, {"SINCE"}, {"WHY"}});
  for (const value& each : list_at(alarms, "active")) {
    table.add({{text_at(each, "name"), Colour::bad},
               text_at(each, "subject"),
               shown_seconds(find_number(each, "age_seconds")),
               text_at(each, "since"),
               text_at(each, "why")});
  }
  return table.empty() ? painted("no alarm is active", Colour::good, paint) + "\n" : table.text(paint);
}

std::string cleared(const value& alarms, Paint paint) {
  Table table({{"CLEARED"}, {"SUBJECT"}, {"SINCE"}, {"UNTIL"}, {"WHY"}});
  for (const value& each : list_at(alarms, "cleared")) {
    table.add({text_at(each, "name"), text_at(each, "subject"), text_at(each, "since"), text_at(each, "cleared_at"),
               text_at(each, "why")});
  }
  return table.empty() ? "" : "\n" + table.text(paint);
}

void alarms_command(const Access& access) {
  const Reply reply = Client(access).get("/v1/alarms");
  if (access.json) return print_reply(reply);
  if (!reply.json.is_object()) throw CommandFailed(kFailed, "the answer is not a list of alarms");
  print(active(reply.json, paint_of_output()) + cleared(reply.json, paint_of_output()));
}

}  // namespace

void add_alarms_command(CLI::App& program, int& status) {
  auto access = std::make_shared<Access>();
  CLI::App* command = program.add_subcommand("alarms", "What is wrong now and since when, and what was");
  add_access(*command, *access);
  command->footer(
      "Examples:\n"
      "  holdfast alarms\n"
      "  holdfast alarms --json | jq -e '.active == []' > /dev/null || echo look at it");
  command->callback([access, &status] { status = run_command("alarms", [&access] { alarms_command(*access); }); });
}

}  // namespace holdfast::app
