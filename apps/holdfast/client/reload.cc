// holdfast reload: apply the changed file, and say what that does to live connections.
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

struct Options {
  Access access;
  bool dry_run = false;
  bool keep_runtime = false;
};

std::string what_of(const value& change) {
  const std::string key = text_at(change, "key");
  const std::string what = text_at(change, "what");
  return key.empty() ? what : what.empty() ? key : what + ": " + key;
}

Cell how(const value& change) {
  const std::string text = text_at(change, "change");
  return {text, text == "added" ? Colour::good : text == "removed" ? Colour::bad : Colour::warning};
}

Cell applies(const value& change) {
  const std::string text = text_at(change, "applies");
  if (text == "restart") return {"after a restart", Colour::bad};
  return text == "new_connections" ? "to new ones" : text == "live" ? "at once" : text;
}

std::string or_nothing(std::string text) { return text.empty() ? kNothing : text; }

std::string changes_table(const value& result, Paint paint) {
  Table table({{"CHANGE"}, {"WHAT"}, {"FROM"}, {"TO"}, {"APPLIES"}, {"CONNECTIONS", Align::right}, {"EFFECT"}});
  for (const value& each : list_at(result, "changes")) {
    table.add({how(each), what_of(each), or_nothing(text_at(each, "from")), or_nothing(text_at(each, "to")),
               applies(each), shown_count(number_at(each, "connections")), or_nothing(text_at(each, "effect"))});
  }
  return table.empty() ? "" : table.text(paint) + "\n";
}

std::string runtime_table(const value& result, Paint paint) {
  Table table({{"CHANGED BY COMMAND"}, {"IN THE FILE"}, {"NOW"}, {"RELOAD"}});
  for (const value& each : list_at(result, "runtime")) {
    table.add({text_at(each, "what"), or_nothing(text_at(each, "file")), or_nothing(text_at(each, "now")),
               flag_at(each, "kept") ? Cell("kept") : Cell("dropped", Colour::warning)});
  }
  return table.empty() ? "" : table.text(paint) + "\n";
}

std::string counted(std::size_t count, std::string_view one) {
  return fmt::format("{} {}{}", count, one, count == 1 ? "" : "s");
}

std::size_t restarts(const value& result) {
  return static_cast<std::size_t>(std::ranges::count_if(
      list_at(result, "changes"), [](const value& each) { return text_at(each, "applies") == "restart"; }));
}

// A connection may be touched by several changes; each says of how many.
double most_connections(const value& result) {
  double most = 0;
  for (const value& each : list_at(result, "changes")) most = std::max(most, number_at(each, "connections"));
  return most;
}

std::string concerned(const value& result) {
  const double most = most_connections(result);
  if (most == 0) return "; no live connection is concerned";
  return fmt::format("; the widest concerns {} live connection{}", shown_count(most), most == 1 ? "" : "s");
}

std::string summary(const value& result) {
  const std::size_t changes = list_at(result, "changes").size();
  const bool dry = flag_at(result, "dry_run");
  if (changes == 0 && list_at(result, "runtime").empty())
    return dry ? "dry run: the file is as what runs\n" : "reloaded: the file is as what runs, nothing has changed\n";
  std::string text = dry ? "dry run, nothing was changed: a reload would make " : "reloaded: ";
  text += counted(changes, "change");
  if (!dry) text += " in " + shown_seconds(number_at(result, "took_seconds"));
  if (const std::size_t later = restarts(result); later > 0) text += fmt::format(", {} only after a restart", later);
  if (const auto runtime = list_at(result, "runtime").size(); runtime > 0) {
    const bool kept = flag_at(list_at(result, "runtime").front(), "kept");
    text += fmt::format(", {} by command {}", counted(runtime, "change"), kept ? "kept" : "dropped");
  }
  return text + concerned(result) + "\n";
}

void reload_command(const Options& options) {
  const Client client(options.access);
  const Reply reply = client.ask(control::Method::post, "/v1/reload",
                                 {{"dry_run", options.dry_run}, {"keep_runtime", options.keep_runtime}});
  if (options.access.json) return print_reply(reply);
  if (!reply.json.is_object()) throw CommandFailed(kFailed, "the answer does not say what has changed");
  const Paint paint = paint_of_output();
  print(changes_table(reply.json, paint) + runtime_table(reply.json, paint) + summary(reply.json));
}

}  // namespace

void add_reload_command(CLI::App& program, int& status) {
  auto options = std::make_shared<Options>();
  options->access.timeout = std::chrono::seconds{60};  // host names of new servers may have to be looked up
  CLI::App* command = program.add_subcommand("reload", "Apply the changed file to the running process");
  command->add_flag("--dry-run", options->dry_run, "only print what would change");
  command->add_flag("--keep-runtime", options->keep_runtime, "changes made by command stay on top of the file");
  add_access(*command, options->access);
  command->footer(
      "The whole file is validated and compared with what runs; only differences are applied, and connections that no\n"
      "change names stay as they are. When anything fails nothing is changed, and the exit status is 1.\n"
      "\n"
      "Examples:\n"
      "  holdfast reload --dry-run\n"
      "  holdfast reload\n"
      "  holdfast reload --keep-runtime");
  command->callback([options, &status] { status = run_command("reload", [&options] { reload_command(*options); }); });
}

}  // namespace holdfast::app
