#include "admin/api.h"

#include <fmt/format.h>

#include <algorithm>
#include <boost/asio/awaitable.hpp>
#include <boost/json.hpp>
#include <optional>

#include "control/json.h"

namespace holdfast::admin {
namespace {

using control::Request;
using control::Response;
using Names = std::vector<std::string>;

std::optional<Response> unknown_parameter(const Request& request, const Names& known) {
  for (const control::NamedValue& parameter : request.query) {
    if (std::ranges::find(known, parameter.name) != known.end()) continue;
    const std::string shown = control::printable(parameter.name);
    return control::problem(400, fmt::format("there is no query parameter \"{}\" here", shown), {.known = known});
  }
  return std::nullopt;
}

control::Task<Response> answer(Response response) { co_return response; }

}  // namespace

void Api::add(control::Method method, std::string_view pattern, Known known, control::Router::Handler handler) {
  list(method, pattern);
  router_.add(method, pattern,
              [known = Names(known.begin(), known.end()), handler = std::move(handler)](const Request& request) {
                auto wrong = unknown_parameter(request, known);
                return wrong ? std::move(*wrong) : handler(request);
              });
}

void Api::add(control::Method method, std::string_view pattern, Known known, control::Router::TaskHandler handler) {
  list(method, pattern);
  router_.add(method, pattern,
              [known = Names(known.begin(), known.end()), handler = std::move(handler)](Request request) {
                auto wrong = unknown_parameter(request, known);
                return wrong ? answer(std::move(*wrong)) : handler(std::move(request));
              });
}

void Api::list(control::Method method, std::string_view pattern) {
  auto path = std::ranges::find(paths_, pattern, &Path::pattern);
  if (path == paths_.end()) path = paths_.insert(path, {std::string(pattern), {}});
  path->methods.emplace_back(name(method));
}

control::Router Api::take() {
  list(control::Method::get, "/v1");
  boost::json::array paths;
  for (const Path& path : paths_) {
    boost::json::array methods(path.methods.begin(), path.methods.end());
    paths.push_back(boost::json::object{{"path", path.pattern}, {"methods", std::move(methods)}});
  }
  const boost::json::object index = {{"paths", std::move(paths)}};
  router_.add(control::Method::get, "/v1", [index](const Request& request) {
    auto wrong = unknown_parameter(request, {});
    return wrong ? std::move(*wrong) : control::json_response(index);
  });
  return std::move(router_);
}

}  // namespace holdfast::admin
