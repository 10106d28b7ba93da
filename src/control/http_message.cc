#include "control/http_message.h"

#include <strings.h>

#include <algorithm>
#include <array>
#include <boost/beast/http/status.hpp>
#include <boost/json.hpp>
#include <cstdlib>

#include "base/utf8.h"

namespace holdfast::control {
namespace {

constexpr std::size_t kKnownMax = 100;
constexpr std::array<std::string_view, 7> kMethodNames = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"};

bool equal_in_any_case(std::string_view a, std::string_view b) noexcept {
  return a.size() == b.size() && ::strncasecmp(a.data(), b.data(), a.size()) == 0;
}

boost::json::array strings(std::vector<std::string> texts) {
  boost::json::array array;
  for (std::string& text : texts) array.emplace_back(base::to_utf8(std::move(text)));
  return array;
}

}  // namespace

std::string_view name(Method method) noexcept { return kMethodNames[static_cast<std::size_t>(method)]; }

std::optional<Method> parse_method(std::string_view text) noexcept {
  const auto found = std::ranges::find(kMethodNames, text);
  if (found == kMethodNames.end()) return std::nullopt;
  return static_cast<Method>(found - kMethodNames.begin());
}

const std::string& Request::path_parameter(std::string_view parameter) const {
  const auto found = std::ranges::find(path_parameters, parameter, &NamedValue::name);
  if (found == path_parameters.end()) std::abort();
  return found->value;
}

const std::string* Request::find_query(std::string_view parameter) const noexcept {
  const auto found = std::ranges::find(query, parameter, &NamedValue::name);
  return found == query.end() ? nullptr : &found->value;
}

const std::string* Request::find_header(std::string_view header) const noexcept {
  const auto found =
      std::ranges::find_if(headers, [header](const NamedValue& h) { return equal_in_any_case(h.name, header); });
  return found == headers.end() ? nullptr : &found->value;
}

std::string_view reason(unsigned status) noexcept {
  return boost::beast::http::obsolete_reason(boost::beast::http::int_to_status(status));
}

//= RFC9457 3.1
Response problem(unsigned status, std::string detail, ProblemMembers members) {
  boost::json::object document = {{"type", "about:blank"},
                                  {"title", std::string(reason(status))},
                                  {"status", status},
                                  {"detail", base::to_utf8(std::move(detail))}};
  if (members.known) {
    members.known->resize(std::min(members.known->size(), kKnownMax));
    document["known"] = strings(std::move(*members.known));
  }
  if (members.faults) document["faults"] = strings(std::move(*members.faults));
  return {
      .status = status, .content_type = "application/problem+json", .body = boost::json::serialize(document) + "\n"};
}

}  // namespace holdfast::control
