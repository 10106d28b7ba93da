// gateway/server_change.h: what a command asks of a server.
//
// Thread: values.
#pragma once

#include <cstdint>
#include <optional>

#include "base/endpoint.h"
#include "base/units.h"
#include "config/settings.h"

namespace holdfast::gateway {

// MAINT is not probed and takes nothing, DRAIN is only given no new connections; as in HAProxy.
enum class ServerMode : std::uint8_t { ready, drain, maint };

[[nodiscard]] const char* name(ServerMode mode) noexcept;

// What a command asks of a server. What is not set stays as it is.
struct ServerChange {
  std::optional<ServerMode> mode{};  // `ready` ends a drain at once
  // With drain or maint, or while one of them holds: how fast the live connections are closed, and how long after the
  // command the rest are closed at once. Without them they end by themselves.
  std::optional<base::Rate> rate{};
  std::optional<config::Duration> deadline{};
  std::optional<std::uint32_t> weight{};
  std::optional<std::uint32_t> max_connections{};
  std::optional<base::Rate> max_accept_rate{};
  std::optional<base::Endpoint> address{};
  std::optional<bool> backup{};
};

}  // namespace holdfast::gateway
