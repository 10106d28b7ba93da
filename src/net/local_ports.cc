#include "net/local_ports.h"

#include <cstdio>

namespace holdfast::net {

std::uint32_t local_ports() noexcept {
  constexpr std::uint32_t kDefault = 28'232;
  std::FILE* file = std::fopen("/proc/sys/net/ipv4/ip_local_port_range", "re");
  if (file == nullptr) return kDefault;
  unsigned first = 0;
  unsigned last = 0;
  const bool read = std::fscanf(file, "%u %u", &first, &last) == 2 && last >= first;
  std::fclose(file);
  return read ? last - first + 1 : kDefault;
}

}  // namespace holdfast::net
