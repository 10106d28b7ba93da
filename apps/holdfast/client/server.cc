// holdfast server: one server of a pool: take it out, bring it back, change, add and remove it.
#include <fmt/format.h>

#include <boost/json.hpp>
#include <limits>
#include <memory>

#include "client/client.h"
#include "client/fields.h"
#include "client/pace.h"
#include "client/progress.h"
#include "client/server_text.h"
#include "client/shown.h"

namespace holdfast::app {
namespace {

using boost::json::object;
using boost::json::value;

// What the user typed, for whichever of the commands below.
struct Options {
  Access access;
  std::string target;  // POOL or POOL/NAME
  std::string name, address;
  Pace pace;
  std::uint32_t weight = 0;
  std::uint32_t max_connections = 0;
  std::string max_accept_rate;
  bool backup = false;
  bool watch = false;
};

struct Target {
  std::string pool, server;
  [[nodiscard]] std::string path() const {
    return "/v1/pools/" + control::encode_percent(pool) + "/servers" +
           (server.empty() ? "" : "/" + control::encode_percent(server));
  }
  [[nodiscard]] std::string text() const { return clean(pool + "/" + server); }
};

Target target_with_name(const std::string& text) {
  const auto slash = text.find('/');
  if (slash == std::string::npos || slash == 0 || slash + 1 == text.size())
    throw CommandFailed(kUsageOrFaults, clean(text) + ": must be POOL/NAME, like brokers/b1");
  return {text.substr(0, slash), text.substr(slash + 1)};
}

Target target_of_pool(const std::string& text) {
  if (text.find('/') == std::string::npos) return {text, ""};
  throw CommandFailed(kUsageOrFaults, clean(text) + ": must be a POOL; the server comes after add or remove");
}

// "brokers/b1: DRAIN, 412 connections, weight 100; 412 left, 0 closed, at 200/s"
std::string describe(const std::string& name, const value& server) {
  return fmt::format("{}: {}, {} connections, weight {}; {}\n", name, clean(server_state(server).text),
                     server_connections(server), clean(text_at(server, "weight")), clean(server_remarks(server)));
}

void show(const Options& options, const std::string& name, const Reply& reply) {
  if (options.access.json) return print_reply(reply);
  print(describe(name, reply.json));
}

bool is_gone(const CommandFailed& failure, const Client& client, const Target& target) {
  if (failure.status() != kFailed) return false;
  const Reply all = client.get(Target{target.pool, ""}.path());
  const auto& servers = list_at(all.json, "");
  return std::ranges::none_of(servers, [&](const value& each) { return text_at(each, "name") == target.server; });
}

Progress look_at(const Client& client, const Target& target) {
  try {
    const value server = client.get(target.path()).json;
    const double left =
        is_there(server, "drain") ? number_at(server, "drain.remaining") : number_at(server, "connections");
    if (text_at(server, "mode") != "drain")
      return {Progress::State::given_up, target.text() + ": " + clean(server_state(server).text)};
    if (left == 0) return {Progress::State::ended, target.text() + ": drained, no connection is left"};
    const std::string progress = drain_progress(server);
    return {Progress::State::going_on,
            target.text() + ": " + (progress.empty() ? shown_count(left) + " left" : clean(progress))};
  } catch (const CommandFailed& failure) {
    if (!is_gone(failure, client, target)) throw;
    return {Progress::State::ended, target.text() + ": it is no longer there"};
  }
}

void change(const Options& options, const object& body) {
  const Target target = target_with_name(options.target);
  const Client client(options.access);
  show(options, target.text(), client.ask(control::Method::patch, target.path(), body));
  if (options.watch) watch([&] { return look_at(client, target); });
}

void set_state(const Options& options, const char* state) {
  object body = {{"state", state}};
  add_to(body, options.pace);
  change(options, body);
}

void add_server(const Options& options) {
  const Target target = target_of_pool(options.target);
  object body = {{"address", options.address}, {"weight", options.weight}};
  if (!options.name.empty()) body["name"] = options.name;
  if (options.max_connections != 0) body["max_connections"] = options.max_connections;
  if (!options.max_accept_rate.empty()) body["max_accept_rate"] = options.max_accept_rate;
  if (options.backup) body["backup"] = true;
  const Reply reply = Client(options.access).ask(control::Method::post, target.path(), body);
  show(options, Target{target.pool, text_at(reply.json, "name")}.text() + " is added", reply);
}

void remove_server(const Options& options) {
  const Target target{target_of_pool(options.target).pool, options.name};
  const Reply reply = Client(options.access).ask(control::Method::del, target.path());
  if (options.access.json) return print_reply(reply);
  print(fmt::format("{} is removed: {} connections remain, on_remove is {}\n", target.text(),
                    shown_count(number_at(reply.json, "remaining")), clean(text_at(reply.json, "on_remove"))));
}

using Shared = std::shared_ptr<Options>;

// One of the words that may follow the server. Options of `server` are taken after it too.
CLI::App& add_word(CLI::App& server, const char* name, const char* about, const Shared& options, int& status,
                   std::function<void(const Options&)> work) {
  CLI::App* const word = server.add_subcommand(name, about);
  word->fallthrough();
  word->callback(
      [options, &status, work = std::move(work)] { status = run_command("server", [&] { work(*options); }); });
  return *word;
}

void add_states(CLI::App& server, const Shared& options, int& status) {
  add_word(server, "ready", "Bring it back: new connections, and the end of a drain", options, status,
           [](const Options& typed) { set_state(typed, "ready"); });
  CLI::App& drain = add_word(server, "drain", "No new connections; the live ones end by themselves, or paced", options,
                             status, [](const Options& typed) { set_state(typed, "drain"); });
  add_pace(drain, options->pace);
  drain.add_flag("--watch", options->watch, "show the progress until no connection is left")
      ->excludes(server.get_option("--json"));
  CLI::App& maint = add_word(server, "maint", "No new connections and no checks", options, status,
                             [](const Options& typed) { set_state(typed, "maint"); });
  add_pace(maint, options->pace);
}

void add_weight(CLI::App& server, const Shared& options, int& status) {
  CLI::App& weight =
      add_word(server, "weight", "Its share of new connections, 0 to 1000", options, status, [](const Options& typed) {
        change(typed, {{"weight", typed.weight}});
      });
  weight.add_option("N", options->weight, "the new weight; 0: no new connections")
      ->required()
      ->check(CLI::Range(0, 1000))
      ->type_name("");
}

void add_add(CLI::App& server, const Shared& options, int& status) {
  CLI::App& add = add_word(server, "add", "A new server of the pool", options, status, add_server);
  add.add_option("ADDRESS", options->address, "HOST:PORT, [IPV6]:PORT or unix:/path")->required()->type_name("");
  add.add_option("--name", options->name, "its name (default: the address)")->type_name("WORD");
  add.add_option("--weight", options->weight, "its share of new connections")
      ->check(CLI::Range(0, 1000))
      ->type_name("N")
      ->default_val(100);
  add.add_option("--max-connections", options->max_connections, "at most so many at once (default: any)")
      ->check(CLI::Range(1U, std::numeric_limits<std::uint32_t>::max()))
      ->type_name("N");
  add.add_option("--max-accept-rate", options->max_accept_rate, "new connections at most at this rate: 500/s")
      ->check(check_rate)
      ->type_name("RATE");
  add.add_flag("--backup", options->backup, "only when no other server of the pool is up");
}

void add_remove(CLI::App& server, const Shared& options, int& status) {
  CLI::App& remove = add_word(server, "remove", "Take it out of the pool; pool.on_remove says what its connections do",
                              options, status, remove_server);
  remove.add_option("NAME", options->name, "the server")->required()->type_name("");
}

}  // namespace

void add_server_command(CLI::App& program, int& status) {
  auto options = std::make_shared<Options>();
  CLI::App* command = program.add_subcommand("server", "Change one server: ready, drain, maint, weight; add, remove");
  command->add_option("POOL/NAME", options->target, "the server; before add and remove: POOL")
      ->required()
      ->type_name("");
  add_access(*command, options->access);
  add_states(*command, options, status);
  add_weight(*command, options, status);
  add_add(*command, options, status);
  add_remove(*command, options, status);
  command->require_subcommand(1);
  command->footer(
      "Examples:\n"
      "  holdfast server brokers/b1 drain\n"
      "  holdfast server brokers/b1 drain --rate 200/s --deadline 10m --watch\n"
      "  holdfast server brokers/b1 ready\n"
      "  holdfast server brokers/b1 weight 50\n"
      "  holdfast server brokers add 10.0.0.14:1883 --name b4 --max-accept-rate 500/s\n"
      "  holdfast server brokers remove b4\n"
      "\n"
      "Changes by command stay until a reload, which forgets them unless it has --keep-runtime.");
}

}  // namespace holdfast::app
