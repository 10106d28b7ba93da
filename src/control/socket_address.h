// control/socket_address.h: an endpoint as the kernel takes it.
//
// Thread: values.
#pragma once

#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "base/endpoint.h"

namespace holdfast::control {

struct SocketAddress {
  union {
    sockaddr_storage any{};
    sockaddr_in v4;
    sockaddr_in6 v6;
    sockaddr_un local;
  };
  socklen_t length = sizeof any;

  [[nodiscard]] sockaddr* get() { return reinterpret_cast<sockaddr*>(&any); }
  [[nodiscard]] const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&any); }
};

// A host name has no address here: length 0.
[[nodiscard]] SocketAddress address_of(const base::Endpoint& endpoint);
// Also for a unix socket without a name, whose path is empty.
[[nodiscard]] base::Endpoint endpoint_of(const SocketAddress& address);

}  // namespace holdfast::control
