// holdfast events: what happens in a running process, as it happens.
#include <fmt/chrono.h>
#include <fmt/format.h>

#include <algorithm>
#include <boost/json.hpp>
#include <ctime>
#include <memory>
#include <vector>

#include "client/client.h"
#include "client/fields.h"
#include "client/table.h"
#include "control/event_reader.h"
#include "control/json.h"

namespace holdfast::app {
namespace {

using boost::json::value;

struct Options {
  Access access;
  std::vector<std::string> types;
  std::uint64_t count = 0;  // 0: without an end
};

bool is_wanted(const Options& options, const control::ServerEvent& event) {
  return options.types.empty() || std::ranges::find(options.types, event.type) != options.types.end();
}

value data_of(const control::ServerEvent& event) {
  auto data = control::parse_json(event.data);
  return data ? *data : value(boost::json::string(event.data));
}

Colour colour_of(const control::ServerEvent& event, const value& data) {
  const bool bad = event.type == "reload_failed" || event.type == "lost" || text_at(data, "phase") == "raised";
  if (bad) return Colour::bad;
  return event.type == "drain" || event.type == "alarm" ? Colour::warning : Colour::title;
}

// The time that the event has, or else that of its arrival.
std::string time_of(const value& data) {
  const std::string time = text_at(data, "at");
  if (!time.empty()) return clean(time);
  std::tm now{};
  const std::time_t seconds = std::time(nullptr);
  ::localtime_r(&seconds, &now);
  return fmt::format("{:%H:%M:%S}", now);
}

// "server_state  pool=brokers server=b1 to=DOWN"
std::string line_of(const control::ServerEvent& event, Paint paint) {
  const value data = data_of(event);
  std::string text = fmt::format("{}  {}", time_of(data),
                                 painted(fmt::format("{:<14}", clean(event.type)), colour_of(event, data), paint));
  for (const auto& field : object_at(data, "")) {
    if (field.key() == "at" || field.value().is_null()) continue;
    text += fmt::format("  {}={}", clean({field.key().data(), field.key().size()}), clean(text_at(field.value(), "")));
  }
  return text + (data.is_object() ? "" : "  " + clean(text_at(data, ""))) + "\n";
}

// One line of JSON for each event, because a stream of them has no other end.
std::string json_of(const control::ServerEvent& event) {
  return boost::json::serialize(boost::json::object{{"id", event.id}, {"type", event.type}, {"data", data_of(event)}}) +
         "\n";
}

void events_command(const Options& options) {
  const Client client(options.access);
  const Paint paint = paint_of_output();
  control::EventReader reader;
  std::uint64_t seen = 0;
  const auto show = [&](const control::ServerEvent& event) {
    if (!is_wanted(options, event)) return true;
    print(options.access.json ? json_of(event) : line_of(event, paint));
    return ++seen != options.count;
  };
  client.stream("/v1/events", [&](std::string_view text) { return std::ranges::all_of(reader.feed(text), show); });
  if (options.count == 0 || seen < options.count)
    throw CommandFailed(kNobodyAnswers, client.where() + ": the process has ended the stream");
}

}  // namespace

void add_events_command(CLI::App& program, int& status) {
  auto options = std::make_shared<Options>();
  CLI::App* command = program.add_subcommand("events", "What happens, as it happens: states, reloads, drains, alarms");
  command
      ->add_option("--type", options->types,
                   "only these: server_state reload reload_failed drain alarm listener server_added server_removed "
                   "server_changed")
      ->type_name("TYPE");
  command->add_option("--count", options->count, "end after so many")->type_name("NUMBER");
  add_access(*command, options->access);
  command->footer(
      "Examples:\n"
      "  holdfast events\n"
      "  holdfast events --type alarm --type server_state\n"
      "  holdfast events --json | jq -c 'select(.type == \"alarm\") | .data'\n"
      "\n"
      "--json gives one line for each event. Ctrl-C ends it.");
  command->callback([options, &status] { status = run_command("events", [&options] { events_command(*options); }); });
}

}  // namespace holdfast::app
