// holdfast servers: the pools and their servers.
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

struct Options {
  Access access;
  std::string pool;
};

const boost::json::array& demand_list(const Reply& reply) {
  if (const auto* list = reply.json.if_array()) return *list;
  throw CommandFailed(kFailed, "the answer is not a list");
}

Table new_table() {
  return Table({{"SERVER"},
                {"ADDRESS"},
                {"STATE"},
                {"SINCE", Align::right},
                {"WEIGHT", Align::right},
                {"CONNECTIONS", Align::right},
                {"TOTAL", Align::right},
                {"FAILED", Align::right},
                {"CONNECT", Align::right},
                {"CHECK"},
                {"REMARKS"}});
}

std::string weight(const value& server) {
  const std::string now = text_at(server, "weight_now");
  const std::string configured = text_at(server, "weight");
  return now == configured ? configured : now + "/" + configured;
}

// What it saw is not said twice: mostly it is the cause of the state.
std::string check(const value& server) {
  const auto ago = find_number(server, "check.seconds_ago");
  if (!ago) return kNothing;
  const std::string result = text_at(server, "check.result");
  return fmt::format("{}{}, {} ago", result == text_at(server, "cause") ? "" : result + " in ",
                     shown_seconds(find_number(server, "check.took_seconds")), shown_seconds(*ago));
}

void add_rows(Table& table, const std::string& pool, const boost::json::array& servers) {
  for (const value& server : servers) {
    const double failed = number_at(server, "connect_failures_total");
    table.add({pool + "/" + text_at(server, "name"),
               text_at(server, "address"),
               server_state(server),
               shown_seconds(find_number(server, "state_seconds")),
               weight(server),
               server_connections(server),
               shown_count(number_at(server, "connections_total")),
               {shown_count(failed), failed > 0 ? Colour::warning : Colour::none},
               shown_seconds(find_number(server, "connect_mean_seconds")),
               check(server),
               server_remarks(server)});
  }
}

// One line about a pool, when something about it is not as it should be.
void note_pool(const value& pool, Paint paint) {
  const std::string name = clean(text_at(pool, "name"));
  if (flag_at(pool, "panic"))
    print(painted(fmt::format("pool {}: panic: the checks are doubted, the last good servers serve on\n", name),
                  Colour::bad, paint));
  if (const double waiting = number_at(pool, "waiting"); waiting > 0)
    print(painted(fmt::format("pool {}: {} clients wait for a server\n", name, shown_count(waiting)), Colour::warning,
                  paint));
  if (const std::string error = text_at(pool, "discovery.error"); !error.empty())
    print(painted(fmt::format("pool {}: discovery: {}\n", name, clean(error)), Colour::bad, paint));
}

std::string servers_path(const std::string& pool) { return "/v1/pools/" + control::encode_percent(pool) + "/servers"; }

// Pool by pool, as {"name of the pool": [its servers]}: the answers as they came.
void print_all_as_json(const Client& client, const boost::json::array& pools) {
  boost::json::object all;
  for (const value& pool : pools) all[text_at(pool, "name")] = client.get(servers_path(text_at(pool, "name"))).json;
  print(boost::json::serialize(all) + "\n");
}

void show_all(const Access& access) {
  const Client client(access);
  const Reply pools = client.get("/v1/pools");
  if (access.json) return print_all_as_json(client, demand_list(pools));
  Table table = new_table();
  for (const value& pool : demand_list(pools)) {
    const std::string name = text_at(pool, "name");
    add_rows(table, name, demand_list(client.get(servers_path(name))));
    note_pool(pool, paint_of_output());
  }
  print(table.text(paint_of_output()));
}

void show_pool(const Options& options) {
  const Reply reply = Client(options.access).get(servers_path(options.pool));
  if (options.access.json) return print_reply(reply);
  Table table = new_table();
  add_rows(table, options.pool, demand_list(reply));
  print(table.text(paint_of_output()));
}

}  // namespace

void add_servers_command(CLI::App& program, int& status) {
  auto options = std::make_shared<Options>();
  CLI::App* command = program.add_subcommand("servers", "The servers of a pool, or of all: state, connections, checks");
  command->add_option("POOL", options->pool, "only this pool")->type_name("");
  add_access(*command, options->access);
  command->footer(
      "Examples:\n"
      "  holdfast servers\n"
      "  holdfast servers brokers\n"
      "  holdfast servers brokers --json | jq -r '.[] | select(.up | not) | .name'\n"
      "\n"
      "FAILED counts connects that failed, CONNECT is the mean time of those that did not. WEIGHT shows what counts "
      "now\n"
      "(slow start, agent) before what is configured. --json of all pools is an object with a list for each pool.");
  command->callback([options, &status] {
    status = run_command("servers", [&options] {
      if (options->pool.empty()) return show_all(options->access);
      show_pool(*options);
    });
  });
}

}  // namespace holdfast::app
