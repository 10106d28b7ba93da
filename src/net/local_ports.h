// net/local_ports.h: the ports that the kernel gives to outgoing connections.
//
// Thread: any. Cost: a small file of /proc is read. Source: ip(7), ip_local_port_range; IPv6 has the same range.
#pragma once

#include <cstdint>

namespace holdfast::net {

// Ends included. As many connections can one local address have to one place.
struct PortRange {
  std::uint16_t first = 32'768;  // the kernel's own default
  std::uint16_t last = 60'999;

  [[nodiscard]] std::uint32_t count() const noexcept { return last - first + 1U; }
  [[nodiscard]] bool contains(std::uint16_t port) const noexcept { return port >= first && port <= last; }
};

// The default when it cannot be read.
[[nodiscard]] PortRange local_ports() noexcept;

}  // namespace holdfast::net
