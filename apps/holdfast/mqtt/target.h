// apps/holdfast/mqtt/target.h: where a broker is, as a user writes it.
//
// Thread: values; pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/endpoint.h"

namespace holdfast::app {

struct Target {
  enum class Kind : std::uint8_t { mqtt, websocket };

  Kind kind = Kind::mqtt;
  base::Endpoint endpoint;
  std::string path;  // of a WebSocket: "/mqtt", with a query if there is one
  std::optional<std::string> user;
  std::optional<std::string> password;

  // "127.0.0.1:1883", "ws://127.0.0.1:8083/mqtt": without user and password.
  [[nodiscard]] std::string text() const;
};

// "mqtt://[USER[:PASSWORD]@]HOST[:1883]", "ws://[...]HOST[:80][/mqtt]", "unix:/PATH". Returns what is wrong with it;
// empty when nothing is.
[[nodiscard]] std::string parse_target(std::string_view url, Target& out);

// "HOST", "HOST:PORT", "[::1]:PORT" or "::1", and a port by itself, which must not be said twice; without one 1883.
// Returns as parse_target() does.
[[nodiscard]] std::string parse_host(std::string_view host, std::optional<std::uint16_t> port, base::Endpoint& out);

}  // namespace holdfast::app
