// control/router.h: which handler answers a request.
//
// Thread: filled before the server starts, then only read, on the control thread.
// Cost:   one pass over the routes (tens of them).
// Lifetime: a router outlives the requests it handles.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "control/http_message.h"
#include "control/task.h"

namespace holdfast::control {

class Router {
 public:
  // A handler answers at once, or as a coroutine; a coroutine bounds its own waits. An exception that escapes it
  // becomes a 500 and a line in the log.
  using Handler = std::function<Response(const Request&)>;
  using TaskHandler = std::function<Task<Response>(Request)>;

  // `pattern` is like "/v1/pools/{pool}/servers/{name}"; a parameter is one segment, not empty. Where two patterns
  // match, the one that is literal earlier wins. HEAD is answered by the handler for GET. Adding HEAD, a method
  // twice, or two patterns that differ only in the names of their parameters is a programming error.
  void add(Method method, std::string_view pattern, Handler handler);
  void add(Method method, std::string_view pattern, TaskHandler handler);

  // Answers 404, 405 (with Allow) and 400 (a path that does not decode) itself.
  [[nodiscard]] Task<Response> handle(Request request) const;

 private:
  using AnyHandler = std::variant<Handler, TaskHandler>;
  struct Segment {
    std::string text;  // the literal, or the parameter's name
    bool is_parameter = false;
    friend bool operator==(const Segment&, const Segment&) = default;
  };
  struct MethodHandler {
    Method method;
    AnyHandler handler;
  };
  struct Route {
    std::string pattern;
    std::vector<Segment> segments;
    std::vector<MethodHandler> handlers;
  };

  void add_any(Method method, std::string_view pattern, AnyHandler handler);
  static std::vector<Segment> parse_pattern(std::string_view pattern);
  static bool same_shape(const std::vector<Segment>& a, const std::vector<Segment>& b);
  static bool matches(const Route& route, const std::vector<std::string>& path);
  static bool more_literal(const Route& a, const Route& b);
  static const AnyHandler* find_handler(const Route& route, Method method);
  static void fill_parameters(const Route& route, std::vector<std::string> path, Request& request);
  [[nodiscard]] const Route* find_route(const std::vector<std::string>& path) const;
  [[nodiscard]] Response not_found(std::string_view path) const;
  static Response not_allowed(const Route& route, Method method);

  std::vector<Route> routes_;
};

}  // namespace holdfast::control
