// holdfast listeners: where clients come in, and how many.
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

std::string addresses(const value& listener) {
  std::string text;
  for (const value& address : list_at(listener, "addresses")) text += (text.empty() ? "" : " ") + text_at(address, "");
  return text.empty() ? kNothing : text;
}

std::string connections(const value& listener) {
  const double most = number_at(listener, "max_connections");
  return shown_count(number_at(listener, "connections")) + (most > 0 ? "/" + shown_count(most) : "");
}

Cell state(const value& listener) {
  std::string text = text_at(listener, "state");
  if (is_there(listener, "drain"))
    text += fmt::format(" ({} left)", shown_count(number_at(listener, "drain.remaining")));
  return {text, text == "accepting" ? Colour::good : Colour::warning};
}

// By whom ever: before a byte of it was read, or by CONNACK.
Cell refused(const value& listener) {
  const double all = sum_of(object_at(listener, "refused")) + sum_of(object_at(listener, "connects_refused"));
  return {shown_count(all), all > 0 ? Colour::warning : Colour::none};
}

bool is_of_broker(const value& listener) { return text_at(listener, "role") == "broker"; }

std::string pool(const value& listener) {
  return is_of_broker(listener) ? "broker, " + text_at(listener, "protocol") : text_at(listener, "pool");
}

std::string show(const boost::json::array& listeners, Paint paint) {
  Table table({{"LISTENER"},
               {"STATE"},
               {"POOL"},
               {"CONNECTIONS", Align::right},
               {"TOTAL", Align::right},
               {"REFUSED", Align::right},
               {"CONNECT P99", Align::right},
               {"TO SERVER", Align::right},
               {"TO CLIENT", Align::right},
               {"ADDRESSES"}});
  for (const value& listener : listeners) {
    table.add({text_at(listener, "name"), state(listener), pool(listener), connections(listener),
               shown_count(number_at(listener, "connections_total")), refused(listener),
               shown_seconds(find_number(listener, "connect.p99_seconds")),
               shown_bytes(number_at(listener, "bytes_to_server")), shown_bytes(number_at(listener, "bytes_to_client")),
               addresses(listener)});
  }
  return table.text(paint);
}

void listeners_command(const Access& access) {
  const Reply reply = Client(access).get("/v1/listeners");
  if (access.json) return print_reply(reply);
  if (!reply.json.is_array()) throw CommandFailed(kFailed, "the answer is not a list of listeners");
  print(show(reply.json.get_array(), paint_of_output()));
}

}  // namespace

void add_listeners_command(CLI::App& program, int& status) {
  auto access = std::make_shared<Access>();
  CLI::App* command = program.add_subcommand("listeners", "Where clients come in: state, connections, refused, bytes");
  add_access(*command, *access);
  command->footer(
      "Examples:\n"
      "  holdfast listeners\n"
      "  holdfast listeners --json | jq '.[] | {name, refused}'");
  command->callback(
      [access, &status] { status = run_command("listeners", [&access] { listeners_command(*access); }); });
}

}  // namespace holdfast::app
