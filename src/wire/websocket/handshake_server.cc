#include <algorithm>
#include <optional>

#include "wire/websocket/handshake.h"

namespace holdfast::wire::websocket {
namespace {

constexpr Refusal kNotHttp{HttpStatus::bad_request, "RFC9112 2.2", "WebSocket: not an HTTP request"};
constexpr Refusal kTooLong{HttpStatus::head_too_large, "RFC6585 5", "WebSocket: the head of the request is too long"};
constexpr Refusal kMethod{HttpStatus::method_not_allowed, "RFC6455 4.1", "WebSocket: not a GET"};
constexpr Refusal kHost{HttpStatus::bad_request, "RFC6455 4.2.1", "WebSocket: not one Host"};
constexpr Refusal kNoUpgrade{HttpStatus::upgrade_required, "RFC6455 4.2.1", "WebSocket: a plain HTTP request"};
constexpr Refusal kVersion{HttpStatus::upgrade_required, "RFC6455 4.4", "WebSocket: not version 13"};
constexpr Refusal kKey{HttpStatus::bad_request, "RFC6455 4.2.1", "WebSocket: not one key of 16 bytes"};
constexpr Refusal kTwice{HttpStatus::bad_request, "RFC6455 11.3", "WebSocket: a field that must be there once is not"};
constexpr Refusal kBody{HttpStatus::bad_request, "RFC6455 4.1", "WebSocket: a request with a body"};
constexpr Refusal kOrigin{HttpStatus::forbidden, "RFC6455 10.2", "WebSocket: a page of an origin that is not allowed"};
constexpr Refusal kPath{HttpStatus::not_found, "RFC6455 4.2.2", "WebSocket: another path"};
//= MQTT5 [MQTT-6.0.0-3]
//= MQTT311 [MQTT-6.0.0-3]
constexpr Refusal kSubprotocol{HttpStatus::bad_request, "MQTT5 [MQTT-6.0.0-3]",
                               "WebSocket: no sub-protocol that is spoken here"};

struct RequestLine {
  std::string_view method;
  std::string_view target;
};

//= RFC9112 3
std::optional<RequestLine> parse_line(std::string_view line) {
  const std::size_t behind_method = line.find(' ');
  const std::size_t behind_target = line.rfind(' ');
  if (behind_method == std::string_view::npos || behind_method == behind_target) return std::nullopt;
  const RequestLine parsed{line.substr(0, behind_method),
                           line.substr(behind_method + 1, behind_target - behind_method - 1)};
  const std::string_view version = line.substr(behind_target + 1);
  const bool is_http = version.size() == 8 && version.starts_with("HTTP/1.") && version[7] >= '1' && version[7] <= '9';
  const bool is_target = !parsed.target.empty() && parsed.target.find_first_of(" \t#") == std::string_view::npos;
  if (!is_http || !is_target || !is_token(parsed.method)) return std::nullopt;
  return parsed;
}

//= RFC6455 4.2.1
// The origin form of a target; a server takes the absolute form too.
std::string_view origin_form(std::string_view target) {
  if (target.starts_with('/')) return target;
  const std::size_t scheme_end = target.find("://");
  if (scheme_end == std::string_view::npos) return target;
  const std::size_t path = target.find_first_of("/?", scheme_end + 3);
  return path == std::string_view::npos ? "/" : target.substr(path);
}

//= RFC6455 4.1
// The base64 of 16 bytes.
bool is_key(std::string_view key) {
  constexpr std::size_t kDigits = 22;
  const auto is_digit = [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '+' || c == '/';
  };
  return key.size() == kDigits + 2 && key.ends_with("==") && std::ranges::all_of(key.substr(0, kDigits), is_digit);
}

const Refusal* check(const HttpHead& head, std::string_view method) {
  if (method != "GET") return &kMethod;
  if (head.count("Host") != 1) return &kHost;
  //= RFC6455 4.2.1
  if (!head.lists("Upgrade", "websocket") || !head.lists("Connection", "upgrade")) return &kNoUpgrade;
  //= RFC6455 11.3
  if (head.count("Sec-WebSocket-Version") > 1 || head.count("Origin") > 1) return &kTwice;
  //= RFC6455 4.4
  if (head.last("Sec-WebSocket-Version") != "13") return &kVersion;
  if (head.count("Sec-WebSocket-Key") != 1 || !is_key(head.last("Sec-WebSocket-Key"))) return &kKey;
  const std::string_view length = head.last("Content-Length");
  if (head.count("Transfer-Encoding") != 0 || (!length.empty() && length != "0")) return &kBody;
  return nullptr;
}

Request request_of(const HttpHead& head, std::string_view target) {
  const std::string_view whole = origin_form(target);
  Request request;
  request.path = whole.substr(0, whole.find('?'));
  if (request.path.size() < whole.size()) request.query = whole.substr(request.path.size() + 1);
  request.host = head.last("Host");
  request.origin = head.last("Origin");
  request.forwarded_for = head.last("X-Forwarded-For");
  request.key = head.last("Sec-WebSocket-Key");
  request.head = head;
  return request;
}

const char* phrase_of(HttpStatus status) {
  switch (status) {
    case HttpStatus::bad_request: return "Bad Request";
    case HttpStatus::forbidden: return "Forbidden";
    case HttpStatus::not_found: return "Not Found";
    case HttpStatus::method_not_allowed: return "Method Not Allowed";
    case HttpStatus::upgrade_required: return "Upgrade Required";
    case HttpStatus::head_too_large: return "Request Header Fields Too Large";
    case HttpStatus::service_unavailable: return "Service Unavailable";
  }
  return "";
}

}  // namespace

bool Request::offers(std::string_view subprotocol) const noexcept {
  bool found = false;
  head.each("Sec-WebSocket-Protocol", [&found, subprotocol](std::string_view list) {
    while (!list.empty()) found = take_item(list) == subprotocol || found;
  });
  return found;
}

RequestRead read_request(std::span<const std::byte> input, std::size_t bytes_max) noexcept {
  const auto refused = [](const Refusal& why) { return RequestRead{HandshakeStatus::refused, 0, {}, &why}; };
  const HttpHead head = read_http_head({reinterpret_cast<const char*>(input.data()), input.size()}, bytes_max);
  switch (head.status) {
    case HeadStatus::more: return {};
    case HeadStatus::too_long: return refused(kTooLong);
    case HeadStatus::malformed: return refused(kNotHttp);
    case HeadStatus::whole: break;
  }
  const std::optional<RequestLine> line = parse_line(head.first_line);
  if (!line) return refused(kNotHttp);
  if (const Refusal* refusal = check(head, line->method)) return refused(*refusal);
  return {HandshakeStatus::whole, head.bytes, request_of(head, line->target), nullptr};
}

const Refusal* match_request(const Request& request, std::string_view path,
                             std::span<const std::string_view> subprotocols, std::string_view& chosen) noexcept {
  if (request.path != path) return &kPath;
  for (const std::string_view each : subprotocols) {
    if (request.offers(each)) return chosen = each, nullptr;
  }
  return &kSubprotocol;
}

namespace {

bool is_same_text(std::string_view a, std::string_view b) noexcept {
  const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; };
  return std::ranges::equal(a, b, {}, lower, lower);
}

// An origin without its port, and the port: empty when it is the one that the scheme has anyway.
std::pair<std::string_view, std::string_view> split_port(std::string_view origin) noexcept {
  const auto host = origin.find("://");
  const auto colon = origin.rfind(':');
  const auto bracket = origin.rfind(']');
  const bool has_port = host != std::string_view::npos && colon > host && colon != std::string_view::npos &&
                        (bracket == std::string_view::npos || colon > bracket);
  if (!has_port) return {origin, ""};
  const std::string_view port = origin.substr(colon + 1);
  const bool is_usual = (is_same_text(origin.substr(0, host), "http") && port == "80") ||
                        (is_same_text(origin.substr(0, host), "https") && port == "443");
  return {origin.substr(0, colon), is_usual ? "" : port};
}

}  // namespace

bool is_among(std::string_view origin, std::span<const std::string> allowed) noexcept {
  const auto [page, port] = split_port(origin);
  return std::ranges::any_of(allowed, [page = page, port = port](const std::string& each) {
    const auto [wanted, wanted_port] = split_port(each);
    return is_same_text(page, wanted) && (wanted_port == "*" || port == wanted_port);
  });
}

//= RFC6455 10.2
const Refusal* match_origin(const Request& request, std::span<const std::string> allowed) noexcept {
  return allowed.empty() || request.origin.empty() || is_among(request.origin, allowed) ? nullptr : &kOrigin;
}

//= RFC6455 4.2.2
//= MQTT5 [MQTT-6.0.0-4]
//= MQTT311 [MQTT-6.0.0-4]
std::string accepting_response(const Request& request, std::string_view subprotocol) {
  std::string out = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n";
  out.append("Sec-WebSocket-Accept: ").append(accept_of(request.key)).append("\r\n");
  if (!subprotocol.empty()) out.append("Sec-WebSocket-Protocol: ").append(subprotocol).append("\r\n");
  return out.append("\r\n");
}

std::string refusing_response(HttpStatus status) {
  std::string out = "HTTP/1.1 " + std::to_string(static_cast<int>(status)) + ' ' + phrase_of(status) + "\r\n";
  switch (status) {
    //= RFC9110 15.5.6
    case HttpStatus::method_not_allowed: out += "Allow: GET\r\nConnection: close\r\n"; break;
    //= RFC6455 4.4
    //= RFC9110 15.5.22
    case HttpStatus::upgrade_required:
      out += "Upgrade: websocket\r\nConnection: Upgrade, close\r\nSec-WebSocket-Version: 13\r\n";
      break;
    default: out += "Connection: close\r\n";
  }
  return out + "Content-Length: 0\r\n\r\n";
}

}  // namespace holdfast::wire::websocket
