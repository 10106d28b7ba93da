#include "client/server_text.h"

#include <fmt/format.h>

#include "client/fields.h"
#include "client/shown.h"

namespace holdfast::app {
namespace {

using boost::json::value;

void add(std::string& text, const std::string& remark) {
  if (!remark.empty()) text += (text.empty() ? "" : "; ") + remark;
}

// "drain by operator: 107 left, 0 closed"
std::string mode(const value& server) {
  const std::string by = text_at(server, "mode_by");
  const std::string mode = text_at(server, "mode");
  const std::string progress = drain_progress(server);
  if (by.empty() || mode == "ready") return progress;
  return fmt::format("{} by {}{}{}", mode, by, progress.empty() ? "" : ": ", progress);
}

// The operator's drain or maintenance is said once.
bool says_what_the_mode_says(const value& server) {
  return text_at(server, "mode_by") == "operator" && text_at(server, "mode") != "ready";
}

std::string differs(const value& server) {
  std::string text;
  for (const value& each : list_at(server, "differs")) {
    const std::string key = text_at(each, "key");
    if (key == "state" || key == "added" || key == "removed") continue;  // said by other remarks
    text +=
        fmt::format("{}{} {} (file: {})", text.empty() ? "" : ", ", key, text_at(each, "now"), text_at(each, "file"));
  }
  return text;
}

}  // namespace

Cell server_state(const value& server) {
  const std::string state = text_at(server, "state");
  if (flag_at(server, "leaving")) return {"LEAVING", Colour::warning};
  if (state.starts_with("UP")) return {state, flag_at(server, "up") ? Colour::good : Colour::warning};
  return {state, state.starts_with("DOWN") ? Colour::bad : Colour::warning};
}

std::string drain_progress(const value& of) {
  if (!is_there(of, "drain")) return {};
  std::string text = fmt::format("{} left, {} closed", shown_count(number_at(of, "drain.remaining")),
                                 shown_count(number_at(of, "drain.closed")));
  if (const std::string rate = text_at(of, "drain.rate"); !rate.empty() && rate != "0") text += ", at " + rate;
  if (const auto left = find_number(of, "drain.deadline_seconds_left"); left && *left >= 0)
    text += ", " + shown_seconds(*left) + " to go";
  return text;
}

std::string server_remarks(const value& server) {
  std::string text;
  if (!says_what_the_mode_says(server)) add(text, text_at(server, "cause"));
  add(text, mode(server));
  if (flag_at(server, "held_by_panic")) add(text, "held by panic");
  if (flag_at(server, "ejected")) add(text, "ejected");
  if (flag_at(server, "backup")) add(text, "backup");
  if (text_at(server, "origin") == "runtime") add(text, "not in the file");
  add(text, differs(server));
  return text.empty() ? kNothing : text;
}

std::string server_connections(const value& server) {
  const double most = number_at(server, "max_connections");
  return shown_count(number_at(server, "connections")) + (most > 0 ? "/" + shown_count(most) : "");
}

}  // namespace holdfast::app
