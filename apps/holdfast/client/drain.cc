// holdfast drain and ready: a listener, or the whole node.
#include <fmt/format.h>

#include <boost/json.hpp>
#include <memory>
#include <optional>

#include "client/client.h"
#include "client/fields.h"
#include "client/pace.h"
#include "client/progress.h"
#include "client/server_text.h"
#include "client/shown.h"
#include "client/table.h"

namespace holdfast::app {
namespace {

using boost::json::object;
using boost::json::value;

struct Options {
  Access access;
  std::string listener;  // empty: the node
  Pace pace;
  std::string wait;
  bool watch = false;
};

std::string path_of(const std::string& listener) { return "/v1/listeners/" + control::encode_percent(listener); }

std::string left_of(const value& drained) {
  const std::string progress = drain_progress(drained);
  return progress.empty() ? shown_count(number_at(drained, "connections")) + " left" : clean(progress);
}

bool nothing_is_left(const value& drained) {
  return number_at(drained, is_there(drained, "drain") ? "drain.remaining" : "connections") == 0;
}

// A listener that was removed meanwhile is not there any more when its last connection has gone.
Progress look_at_listener(const Client& client, const std::string& listener) {
  const std::string name = "listener " + clean(listener);
  const value listeners = client.get("/v1/listeners").json;
  for (const value& each : list_at(listeners, "")) {
    if (text_at(each, "name") != listener) continue;
    if (text_at(each, "state") == "accepting") return {Progress::State::given_up, name + ": accepting"};
    if (nothing_is_left(each)) return {Progress::State::ended, name + ": drained, no connection is left"};
    return {Progress::State::going_on, name + ": " + left_of(each)};
  }
  return {Progress::State::ended, name + ": it is no longer there"};
}

Progress look_at_node(const Client& client) {
  try {
    const value status = client.get("/v1/status").json;
    const std::string phase = text_at(status, "phase");
    if (phase == "serving") return {Progress::State::given_up, "node: serving"};
    const bool ended = phase == "drained" || (!is_there(status, "drain") && nothing_is_left(status));
    if (ended) return {Progress::State::ended, "node: drained, no connection is left"};
    const double wait = number_at(status, "drain.wait_seconds_left");
    const std::string waits = wait > 0 ? ", accepts for another " + shown_seconds(wait) : "";
    return {Progress::State::going_on, "node: " + left_of(status) + waits};
  } catch (const CommandFailed& failure) {
    if (failure.status() != kNobodyAnswers) throw;
    return {Progress::State::ended, "node: the process has ended"};
  }
}

object body_of(const Options& options) {
  object body;
  add_to(body, options.pace);
  if (!options.wait.empty()) body["wait"] = options.wait;
  return body;
}

void drain_node(const Options& options, const Client& client) {
  const Reply reply = client.ask(control::Method::post, "/v1/drain", body_of(options));
  if (options.access.json) {
    print_reply(reply);
  } else {
    print("node: draining: not ready from now on; holdfast ready ends it\n");
  }
  if (options.watch) watch([&client] { return look_at_node(client); });
}

void drain_listener(const Options& options, const Client& client) {
  if (!options.wait.empty()) throw CommandFailed(kUsageOrFaults, "--wait is for a drain of the node");
  object body = body_of(options);
  body["state"] = "drain";
  const Reply reply = client.ask(control::Method::patch, path_of(options.listener), body);
  if (options.access.json) {
    print_reply(reply);
  } else {
    print(fmt::format("listener {}: draining: {}\n", clean(options.listener), left_of(reply.json)));
  }
  if (options.watch) watch([&] { return look_at_listener(client, options.listener); });
}

void drain_command(const Options& options) {
  const Client client(options.access);
  if (options.listener.empty()) return drain_node(options, client);
  drain_listener(options, client);
}

void ready_command(const Options& options) {
  const Client client(options.access);
  const Reply reply = options.listener.empty()
                          ? client.ask(control::Method::del, "/v1/drain")
                          : client.ask(control::Method::patch, path_of(options.listener), {{"state", "ready"}});
  if (options.access.json) return print_reply(reply);
  print(options.listener.empty() ? "node: serving\n"
                                 : fmt::format("listener {}: accepting\n", clean(options.listener)));
}

}  // namespace

void add_drain_command(CLI::App& program, int& status) {
  auto options = std::make_shared<Options>();
  CLI::App* command = program.add_subcommand("drain", "Accept no more on a listener, or on the whole node");
  command->add_option("LISTENER", options->listener, "only this one")->type_name("");
  add_pace(*command, options->pace);
  command
      ->add_option("--wait", options->wait,
                   "how long /readyz says 503 before accepting ends (default: node.drain_wait)")
      ->check(check_duration)
      ->type_name("TIME");
  auto* const watched = command->add_flag("--watch", options->watch, "show the progress until no connection is left");
  add_access(*command, options->access);
  watched->excludes("--json");
  command->footer(
      "Examples:\n"
      "  holdfast drain --wait 15s --rate 200/s --deadline 10m --watch\n"
      "  holdfast drain mqtt --rate 200/s\n"
      "  holdfast ready\n"
      "\n"
      "The process does not end with the drain; SIGTERM drains and ends it.");
  command->callback([options, &status] { status = run_command("drain", [&options] { drain_command(*options); }); });
}

void add_ready_command(CLI::App& program, int& status) {
  auto options = std::make_shared<Options>();
  CLI::App* command = program.add_subcommand("ready", "End a drain: accept again on a listener, or on the whole node");
  command->add_option("LISTENER", options->listener, "only this one")->type_name("");
  add_access(*command, options->access);
  command->footer(
      "Examples:\n"
      "  holdfast ready\n"
      "  holdfast ready mqtt");
  command->callback([options, &status] { status = run_command("ready", [&options] { ready_command(*options); }); });
}

}  // namespace holdfast::app
