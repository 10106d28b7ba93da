#include "control/router.h"

#include <fmt/format.h>

#include <algorithm>
#include <boost/asio/awaitable.hpp>
#include <cstdlib>
#include <optional>

namespace holdfast::control {
namespace {

constexpr std::size_t kRoutesShownMax = 40;

// "/a/b" is {"a", "b"}, "/" is {""}: a slash at the end makes a difference.
std::vector<std::string_view> split(std::string_view path) {
  std::vector<std::string_view> pieces;
  while (path.starts_with('/')) {
    path.remove_prefix(1);
    const std::size_t end = std::min(path.find('/'), path.size());
    pieces.push_back(path.substr(0, end));
    path.remove_prefix(end);
  }
  return pieces;
}

// Decoded piece by piece, so that an encoded slash stays inside its piece. None when one does not decode.
std::optional<std::vector<std::string>> decode_path(std::string_view path) {
  std::vector<std::string> decoded;
  for (const std::string_view piece : split(path)) {
    auto text = decode_percent(piece);
    if (!text) return std::nullopt;
    decoded.push_back(std::move(*text));
  }
  return decoded;
}

}  // namespace

std::vector<Router::Segment> Router::parse_pattern(std::string_view pattern) {
  if (!pattern.starts_with('/')) std::abort();
  std::vector<Segment> segments;
  for (const std::string_view piece : split(pattern)) {
    const bool is_parameter = piece.size() > 2 && piece.front() == '{' && piece.back() == '}';
    segments.push_back({std::string(is_parameter ? piece.substr(1, piece.size() - 2) : piece), is_parameter});
  }
  return segments;
}

bool Router::same_shape(const std::vector<Segment>& a, const std::vector<Segment>& b) {
  return std::ranges::equal(
      a, b, [](const Segment& x, const Segment& y) { return x == y || (x.is_parameter && y.is_parameter); });
}

void Router::add(Method method, std::string_view pattern, Handler handler) {
  add_any(method, pattern, std::move(handler));
}

void Router::add(Method method, std::string_view pattern, TaskHandler handler) {
  add_any(method, pattern, std::move(handler));
}

void Router::add_any(Method method, std::string_view pattern, AnyHandler handler) {
  std::vector<Segment> segments = parse_pattern(pattern);
  auto route = std::ranges::find_if(routes_, [&](const Route& r) { return same_shape(r.segments, segments); });
  if (route == routes_.end()) {
    route = routes_.insert(route, Route{std::string(pattern), std::move(segments), {}});
  }
  if (method == Method::head || route->pattern != pattern || find_handler(*route, method) != nullptr) std::abort();
  route->handlers.push_back({method, std::move(handler)});
}

bool Router::matches(const Route& route, const std::vector<std::string>& path) {
  return std::ranges::equal(route.segments, path, [](const Segment& segment, const std::string& piece) {
    return segment.is_parameter ? !piece.empty() : segment.text == piece;
  });
}

bool Router::more_literal(const Route& a, const Route& b) {
  return std::ranges::lexicographical_compare(a.segments, b.segments, {}, &Segment::is_parameter,
                                              &Segment::is_parameter);
}

const Router::Route* Router::find_route(const std::vector<std::string>& path) const {
  const Route* best = nullptr;
  for (const Route& route : routes_) {
    if (matches(route, path) && (best == nullptr || more_literal(route, *best))) best = &route;
  }
  return best;
}

const Router::AnyHandler* Router::find_handler(const Route& route, Method method) {
  const Method wanted = method == Method::head ? Method::get : method;
  const auto found = std::ranges::find(route.handlers, wanted, &MethodHandler::method);
  return found == route.handlers.end() ? nullptr : &found->handler;
}

void Router::fill_parameters(const Route& route, std::vector<std::string> path, Request& request) {
  for (std::size_t i = 0; i < path.size(); ++i) {
    const Segment& segment = route.segments[i];
    if (segment.is_parameter) request.path_parameters.push_back({segment.text, std::move(path[i])});
  }
}

Task<Response> Router::handle(Request request) const {
  auto path = decode_path(request.path);
  if (!path) co_return problem(400, "the path " + printable(request.path) + " is not valid percent-encoded UTF-8");
  const Route* const route = find_route(*path);
  if (route == nullptr) co_return not_found(request.path);
  const AnyHandler* const handler = find_handler(*route, request.method);
  if (handler == nullptr) co_return not_allowed(*route, request.method);
  fill_parameters(*route, std::move(*path), request);

  if (const auto* plain = std::get_if<Handler>(handler)) co_return (*plain)(request);
  Response response = co_await std::get<TaskHandler>(*handler)(std::move(request));
  co_return response;
}

Response Router::not_found(std::string_view path) const {
  std::string detail = "there is nothing at " + printable(path) + "; there is:";
  for (std::size_t i = 0; i < std::min(routes_.size(), kRoutesShownMax); ++i) detail += " " + routes_[i].pattern;
  if (routes_.size() > kRoutesShownMax) detail += " ...";
  return problem(404, std::move(detail));
}

//= RFC9110 15.5.6
Response Router::not_allowed(const Route& route, Method method) {
  std::string allow;
  for (const MethodHandler& handler : route.handlers) {
    if (!allow.empty()) allow += ", ";
    allow += name(handler.method);
    if (handler.method == Method::get) allow += ", HEAD";
  }
  Response response = problem(405, fmt::format("{} takes {}, not {}", route.pattern, allow, name(method)));
  response.headers.push_back({"Allow", std::move(allow)});
  return response;
}

}  // namespace holdfast::control
