// base/endpoint.h: where to listen or connect, as users write it: "10.0.0.1:1883", "[::1]:1883",
// "b1.local:1883", "unix:/path".
//
// Thread: values. A host name is only kept here; the control plane resolves it.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"

namespace holdfast::base {

struct Endpoint {
  enum class Kind : std::uint8_t { ipv4, ipv6, host_name, unix_path };

  Kind kind = Kind::ipv4;
  std::string host;        // the address without brackets, the name, or the path
  std::uint16_t port = 0;  // 0 for a unix path

  // As it was written: "[::1]:1883".
  [[nodiscard]] std::string text() const;
  friend bool operator==(const Endpoint&, const Endpoint&) = default;
};

// Errors: malformed. A unix path is at most 107 bytes (the size of sockaddr_un), a host name at most 253.
[[nodiscard]] Result<Endpoint> parse_endpoint(std::string_view text);

}  // namespace holdfast::base
