// holdfast connections: who is connected, found by listener, pool, server, client id, address, age, idle time and
// bytes.
#include <fmt/format.h>

#include <algorithm>
#include <boost/json.hpp>
#include <memory>
#include <vector>

#include "client/client.h"
#include "client/fields.h"
#include "client/shown.h"
#include "client/table.h"

namespace holdfast::app {
namespace {

using boost::json::value;

constexpr std::uint32_t kPageMax = 1000;

struct Options {
  Access access;
  std::string listener, pool, server, client_id, address, min_age, min_idle, min_bytes;
  std::string sort = "id";
  std::uint32_t limit = 100;
  bool all = false;
};

// The server as other commands call it: POOL/NAME.
void split_server(Options& options) {
  const auto slash = options.server.find('/');
  if (slash == std::string::npos) return;
  const std::string pool = options.server.substr(0, slash);
  if (!options.pool.empty() && options.pool != pool)
    throw CommandFailed(kUsageOrFaults,
                        fmt::format("--pool {} and --server {} are not the same pool", options.pool, options.server));
  options.pool = pool;
  options.server.erase(0, slash + 1);
}

// The question: what is asked for on every page.
std::string query(const Options& options) {
  std::string text = "/v1/connections?sort=" + control::encode_percent(options.sort);
  const auto add = [&text](const char* name, const std::string& wanted) {
    if (!wanted.empty()) text += fmt::format("&{}={}", name, control::encode_percent(wanted));
  };
  add("listener", options.listener);
  add("pool", options.pool);
  add("server", options.server);
  add("client_id", options.client_id);
  add("address", options.address);
  add("min_age", options.min_age);
  add("min_idle", options.min_idle);
  add("min_bytes", options.min_bytes);
  return text + fmt::format("&limit={}", options.all ? kPageMax : options.limit);
}

std::string server_of(const value& connection) {
  if (!is_there(connection, "server")) return kNothing;
  const std::string address = text_at(connection, "server_address");
  return text_at(connection, "server") + (address.empty() ? "" : " " + address);
}

// Whether some of them are the broker's: then there is more to tell.
bool has_mqtt(const value& page) {
  const auto& connections = list_at(page, "connections");
  return std::ranges::any_of(connections, [](const value& each) { return is_there(each, "mqtt"); });
}

Table new_table(bool mqtt) {
  std::vector<Table::Column> columns = {{"ID", Align::right}, {"CLIENT"}};
  if (mqtt) columns.insert(columns.end(), {{"CLIENT ID"}, {"USER"}, {"MQTT"}});
  columns.insert(columns.end(), {{"LISTENER"},
                                 {"POOL"},
                                 {"SERVER"},
                                 {"STAGE"},
                                 {"AGE", Align::right},
                                 {"IDLE", Align::right},
                                 {"FROM CLIENT", Align::right},
                                 {"FROM SERVER", Align::right},
                                 {"CONNECT", Align::right},
                                 {"WORKER", Align::right}});
  return Table(columns);
}

std::string or_nothing(std::string text) { return text.empty() ? kNothing : text; }

void add_rows(Table& table, const value& page, bool mqtt) {
  for (const value& each : list_at(page, "connections")) {
    const std::string stage = text_at(each, "stage");
    const bool serves = stage == "relaying" || stage == "open";
    std::vector<Cell> cells = {text_at(each, "id"), text_at(each, "client")};
    if (mqtt) {
      for (const char* what : {"mqtt.client_id", "mqtt.user", "mqtt.version"}) {
        cells.emplace_back(or_nothing(is_there(each, what) ? text_at(each, what) : ""));
      }
    }
    cells.insert(cells.end(), {text_at(each, "listener"),
                               is_there(each, "pool") ? text_at(each, "pool") : kNothing,
                               server_of(each),
                               {stage, serves ? Colour::none : Colour::warning},
                               shown_seconds(find_number(each, "age_seconds")),
                               shown_seconds(find_number(each, "idle_seconds")),
                               shown_bytes(number_at(each, "bytes_from_client")),
                               shown_bytes(number_at(each, "bytes_from_server")),
                               shown_seconds(find_number(each, "connect_seconds")),
                               text_at(each, "worker")});
    table.add(std::move(cells));
  }
}

// Pages until there is no next one. Each is shown when it has come: there may be 100,000 connections.
std::vector<value> read_pages(const Client& client, const Options& options) {
  std::vector<value> pages;
  std::string after;
  do {
    pages.push_back(client.get(query(options) + after).json);
    const bool more = options.all && is_there(pages.back(), "next");
    after = more ? "&after=" + control::encode_percent(text_at(pages.back(), "next")) : "";
  } while (!after.empty());
  return pages;
}

void show_json(const Client& client, const Options& options) {
  if (!options.all) return print_reply(client.get(query(options)));
  boost::json::array connections;
  for (value& page : read_pages(client, options)) {
    for (const value& each : list_at(page, "connections")) connections.push_back(each);
  }
  const std::size_t count = connections.size();
  print(boost::json::serialize(
            boost::json::object{{"connections", std::move(connections)}, {"next", nullptr}, {"matched", count}}) +
        "\n");
}

std::string summary(std::size_t shown, double matched) {
  if (matched == 0 && shown == 0) return "no connection matches\n";
  const double all = std::max(matched, static_cast<double>(shown));
  if (static_cast<double>(shown) == all) return fmt::format("{} connection{}\n", shown, shown == 1 ? "" : "s");
  return fmt::format("{} of {} connections that match; --limit or --all shows more\n", shown, shown_count(all));
}

void connections_command(Options options) {
  split_server(options);
  const Client client(options.access);
  if (options.access.json) return show_json(client, options);
  const std::vector<value> pages = read_pages(client, options);
  const bool mqtt = std::ranges::any_of(pages, has_mqtt);
  Table table = new_table(mqtt);
  std::size_t shown = 0;
  double matched = 0;
  for (const value& page : pages) {
    add_rows(table, page, mqtt);
    shown += list_at(page, "connections").size();
    matched = std::max(matched, number_at(page, "matched"));
  }
  if (shown > 0) print(table.text(paint_of_output()) + "\n");
  print(summary(shown, options.all ? 0 : matched));
}

void add_filters(CLI::App& command, Options& options) {
  command.add_option("--listener", options.listener, "that came in there")->type_name("LISTENER");
  command.add_option("--pool", options.pool, "that are of this pool")->type_name("POOL");
  command.add_option("--server", options.server, "that this server has: NAME, or POOL/NAME")->type_name("NAME");
  command.add_option("--client-id", options.client_id, "that MQTT client")->type_name("CLIENT-ID");
  command.add_option("--address", options.address, "of this client or network: 10.1.2.3, 10.1.0.0/16, 2001:db8::/32")
      ->type_name("CIDR");
  command.add_option("--min-age", options.min_age, "at least this old: 10m")->type_name("TIME");
  command.add_option("--min-idle", options.min_idle, "silent for at least this long: 1h")->type_name("TIME");
  command.add_option("--min-bytes", options.min_bytes, "that moved at least this much: 10MiB")->type_name("SIZE");
}

}  // namespace

void add_connections_command(CLI::App& program, int& status) {
  auto options = std::make_shared<Options>();
  CLI::App* command =
      program.add_subcommand("connections", "Find connections: by client, server, age, idle time, bytes");
  add_filters(*command, *options);
  auto* sort = command->add_option("--sort", options->sort, "what comes first; of age, idle and bytes the most");
  sort->check([](const std::string& text) {
    const bool known = text == "id" || text == "age" || text == "idle" || text == "bytes";
    return known ? "" : "must be id, age, idle or bytes";
  });
  sort->type_name("id|age|idle|bytes")->capture_default_str();
  command->add_option("--limit", options->limit, "at most this many, up to 1000")
      ->check(CLI::Range(1U, kPageMax))
      ->type_name("NUMBER")
      ->capture_default_str();
  command->add_flag("--all", options->all, "all that match, in the order of their ids")
      ->excludes("--limit")
      ->excludes(sort);
  add_access(*command, options->access);
  command->footer(
      "Examples:\n"
      "  holdfast connections --address 10.1.2.3\n"
      "  holdfast connections --client-id sensor-7\n"
      "  holdfast connections --server brokers/b1 --sort idle --limit 20\n"
      "  holdfast connections --min-idle 1h --all --json | jq -r '.connections[].id' | xargs holdfast kick");
  command->callback(
      [options, &status] { status = run_command("connections", [&options] { connections_command(*options); }); });
}

}  // namespace holdfast::app
