// net/local_ports.h: how many connections one local address can have to one place.
//
// Thread: any. Cost: a small file of /proc is read. Source: ip(7), ip_local_port_range.
#pragma once

#include <cstdint>

namespace holdfast::net {

// The size of the kernel's range of ports for outgoing connections; 28,232, the kernel's own default, when it cannot be
// read. IPv6 has the same range.
[[nodiscard]] std::uint32_t local_ports() noexcept;

}  // namespace holdfast::net
