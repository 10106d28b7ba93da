#include "control/json_body.h"

#include <fmt/format.h>
#include <strings.h>

#include <algorithm>
#include <boost/json.hpp>
#include <string>

namespace holdfast::control {
namespace {

constexpr std::string_view kJson = "application/json";

std::vector<std::string> texts(const std::vector<std::string_view>& views) { return {views.begin(), views.end()}; }

// "weight, state", or what is said when there is nothing to choose from.
std::string list(const std::vector<std::string_view>& known) {
  if (known.empty()) return "none";
  return fmt::format("{}", fmt::join(known, ", "));
}

bool is_known(std::string_view name, const std::vector<std::string_view>& known) {
  return std::ranges::find(known, name) != known.end();
}

//= RFC9110 8.3.1
bool is_json(const Request& request) {
  const std::string* const header = request.find_header("Content-Type");
  if (header == nullptr) return false;
  std::string_view type = std::string_view(*header).substr(0, header->find(';'));
  while (type.ends_with(' ') || type.ends_with('\t')) type.remove_suffix(1);
  return type.size() == kJson.size() && ::strncasecmp(type.data(), kJson.data(), kJson.size()) == 0;
}

Response not_json(std::size_t at, const std::string& why) {
  return problem(400, fmt::format("the body is not JSON: {} at byte {}", why, at + 1));
}

OrProblem<boost::json::value> parse(const std::string& body) {
  boost::json::stream_parser parser;
  boost::system::error_code error;
  const std::size_t end = parser.write_some(body, error);
  if (error) return not_json(end, error.message());
  const std::size_t rest = body.find_first_not_of(" \t\r\n", end);
  if (rest != std::string::npos) return not_json(rest, "something after its end");
  parser.finish(error);
  if (error) return not_json(body.size(), error.message());
  return parser.release();
}

std::optional<Response> check_keys(const boost::json::object& object, const std::vector<std::string_view>& known) {
  for (const auto& member : object) {
    const std::string_view key(member.key().data(), member.key().size());
    if (is_known(key, known)) continue;
    return problem(400, fmt::format("the key \"{}\" is not known here; known are: {}", printable(key), list(known)),
                   {.known = texts(known)});
  }
  return std::nullopt;
}

}  // namespace

OrProblem<boost::json::object> read_json_body(const Request& request, const std::vector<std::string_view>& known) {
  if (request.body.empty()) return boost::json::object();
  if (!is_json(request)) return problem(415, "a body here is JSON, with Content-Type: application/json");
  OrProblem<boost::json::value> value = parse(request.body);
  if (!value) return value.problem();
  if (!value->is_object()) return problem(400, "the body is not a JSON object");
  if (std::optional<Response> unknown = check_keys(value->get_object(), known)) return std::move(*unknown);
  return std::move(value->get_object());
}

std::optional<Response> check_query(const Request& request, const std::vector<std::string_view>& known) {
  for (const NamedValue& parameter : request.query) {
    const std::string name = printable(parameter.name);
    if (!is_known(parameter.name, known)) {
      return problem(400, fmt::format("the parameter \"{}\" is not known here; known are: {}", name, list(known)),
                     {.known = texts(known)});
    }
    if (request.find_query(parameter.name) != &parameter.value) {
      return problem(400, fmt::format("the parameter \"{}\" is there twice", name));
    }
  }
  return std::nullopt;
}

}  // namespace holdfast::control
