#include "net/local_ports.h"

#include <cstdio>

namespace holdfast::net {

PortRange local_ports() noexcept {
  std::FILE* file = std::fopen("/proc/sys/net/ipv4/ip_local_port_range", "re");
  if (file == nullptr) return {};
  PortRange range;
  const bool read = std::fscanf(file, "%hu %hu", &range.first, &range.last) == 2 && range.first <= range.last;
  std::fclose(file);
  return read ? range : PortRange{};
}

}  // namespace holdfast::net
