// control/http_message.h: a request as a handler sees it, and what it answers.
//
// Thread: values. Everything a client sent is decoded and UTF-8, except `body` and the headers, which are as sent.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "control/uri.h"

namespace holdfast::control {

class Stream;

enum class Method : std::uint8_t { get, head, post, put, patch, del, options };

[[nodiscard]] std::string_view name(Method method) noexcept;  // "DELETE"
[[nodiscard]] std::optional<Method> parse_method(std::string_view text) noexcept;

struct Request {
  Method method = Method::get;
  std::string path = "/";       // as sent, still encoded
  NamedValues path_parameters;  // filled by the router
  NamedValues query;
  NamedValues headers;
  std::string body;
  std::string peer;  // "127.0.0.1:50412" or "unix"

  // A parameter of the route's pattern. Asking for one that the pattern has not is a programming error.
  [[nodiscard]] const std::string& path_parameter(std::string_view parameter) const;
  // The first of that name, null when there is none.
  [[nodiscard]] const std::string* find_query(std::string_view parameter) const noexcept;
  [[nodiscard]] const std::string* find_header(std::string_view header) const noexcept;  // in any case
};

// Date, Content-Length and Connection are the server's to say.
struct Response {
  unsigned status = 200;
  std::string content_type = "text/plain; charset=utf-8";
  std::string body{};
  NamedValues headers{};
  std::shared_ptr<Stream> stream{};  // in the place of a body: stream.h
};

// What a problem says besides its detail, for programs. What is not set is left out.
struct ProblemMembers {
  std::optional<std::vector<std::string>> known{};   // what would have been right: names, parameters, keys; 100 at most
  std::optional<std::vector<std::string>> faults{};  // each thing that is wrong, with its place when it has one
};

// An error, as application/problem+json (RFC 9457). `detail` says what is wrong and what would be right.
[[nodiscard]] Response problem(unsigned status, std::string detail, ProblemMembers members = {});
[[nodiscard]] std::string_view reason(unsigned status) noexcept;  // "Not Found"

}  // namespace holdfast::control
