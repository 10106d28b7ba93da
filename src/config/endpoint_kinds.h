// config/endpoint_kinds.h: the kinds of addresses that keys have. What each may be depends on what it is for.
//
// Thread: as kind.h.
#pragma once

#include <vector>

#include "base/cidr.h"
#include "base/endpoint.h"
#include "config/kind.h"

namespace holdfast::config {

// Where to listen: an IP address and a port, 0 for any free one, or a unix socket. Never a host name, because what
// it stands for may change while the socket stays.
[[nodiscard]] Kind<base::Endpoint> bind_address();
// Where to connect: any endpoint that has a port.
[[nodiscard]] Kind<base::Endpoint> server_address();
// An IP address alone; the endpoint has port 0.
[[nodiscard]] Kind<base::Endpoint> ip_address();
// A network: "10.0.0.0/8", or one address.
[[nodiscard]] Kind<base::Cidr> cidr();
// Up to a million of them.
[[nodiscard]] Kind<std::vector<base::Cidr>> cidrs();

// Whether it can be reached from this machine alone. A host name is not known to be.
[[nodiscard]] bool is_loopback(const base::Endpoint& endpoint);

// One text for all the ways to write one address: "[::1]:80" and "[0:0::1]:80" are the same place.
[[nodiscard]] std::string same_place(const base::Endpoint& endpoint);

}  // namespace holdfast::config
