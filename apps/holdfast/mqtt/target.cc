#include "mqtt/target.h"

#include <fmt/format.h>

#include <algorithm>

#include "client/table.h"
#include "control/uri.h"

namespace holdfast::app {
namespace {

constexpr const char* kForm = "must be like mqtt://127.0.0.1:1883, ws://127.0.0.1:8083/mqtt or unix:/path";
constexpr std::string_view kMqtt = "mqtt://";
constexpr std::string_view kWebSocket = "ws://";

// Takes "USER:PASSWORD@" from the front.
bool take_user(std::string_view& authority, Target& out) {
  const std::size_t at = authority.rfind('@');
  if (at == std::string_view::npos) return true;
  const std::string_view all = authority.substr(0, at);
  authority.remove_prefix(at + 1);
  const std::size_t colon = std::min(all.find(':'), all.size());
  const auto user = control::decode_percent(all.substr(0, colon));
  if (!user) return false;
  out.user = *user;
  if (colon == all.size()) return true;
  const auto password = control::decode_percent(all.substr(colon + 1));
  if (!password) return false;
  out.password = *password;
  return true;
}

bool has_port(std::string_view authority) {
  const std::size_t bracket = authority.find(']');  // the colons of IPv6 stand before it
  return authority.find(':', bracket == std::string_view::npos ? 0 : bracket) != std::string_view::npos;
}

}  // namespace

std::string Target::text() const {
  return kind == Kind::websocket ? std::string(kWebSocket) + endpoint.text() + path : endpoint.text();
}

std::string parse_host(std::string_view host, std::optional<std::uint16_t> port, base::Endpoint& out) {
  const bool is_bare_v6 = !host.starts_with('[') && host.find(':') != host.rfind(':');
  if (!is_bare_v6 && has_port(host) && port)
    return fmt::format("--host {} has a port, and --port another", clean(host));
  const std::string name = is_bare_v6 ? fmt::format("[{}]", host) : std::string(host);
  const auto endpoint =
      base::parse_endpoint(!is_bare_v6 && has_port(host) ? name : fmt::format("{}:{}", name, port.value_or(1883)));
  if (!endpoint || endpoint->port == 0) return fmt::format("--host {} is no name or address", clean(host));
  out = *endpoint;
  return "";
}

std::string parse_target(std::string_view url, Target& out) {
  out = Target{};
  for (const std::string_view scheme : {"mqtts://", "ssl://", "wss://"}) {
    if (url.starts_with(scheme)) return "TLS is not there yet";
  }
  const bool is_websocket = url.starts_with(kWebSocket);
  std::string_view authority = url;
  if (is_websocket || url.starts_with(kMqtt)) {
    authority.remove_prefix(is_websocket ? kWebSocket.size() : kMqtt.size());
    const std::size_t end = std::min(authority.find('/'), authority.size());
    out.path = authority.substr(end);
    authority = authority.substr(0, end);
    if (!take_user(authority, out)) return "the user or the password before the @ is not encoded right";
  } else if (!url.starts_with("unix:")) {
    return kForm;
  }
  out.kind = is_websocket ? Target::Kind::websocket : Target::Kind::mqtt;
  if (is_websocket && out.path.empty()) out.path = "/mqtt";
  if (!is_websocket && out.path == "/") out.path.clear();
  if (!is_websocket && !out.path.empty()) return "has a path, which only ws:// may have";
  if (std::ranges::any_of(out.path, [](char c) { return c <= ' ' || c > '~'; })) return "the path is not encoded right";
  const bool is_complete = url.starts_with("unix:") || has_port(authority);
  const auto endpoint = base::parse_endpoint(std::string(authority) + (is_complete    ? ""
                                                                       : is_websocket ? ":80"
                                                                                      : ":1883"));
  if (!endpoint) return kForm;
  out.endpoint = *endpoint;
  return "";
}

}  // namespace holdfast::app
