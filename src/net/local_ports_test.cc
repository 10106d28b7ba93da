// The range of local ports, as the kernel of this machine has it.
#include "net/local_ports.h"

#include <gtest/gtest.h>

#include <fstream>

namespace holdfast::net {
namespace {

TEST(LocalPorts, AreAsManyAsTheKernelHas) {
  std::ifstream file("/proc/sys/net/ipv4/ip_local_port_range");
  std::uint32_t first = 0;
  std::uint32_t last = 0;
  const bool readable = static_cast<bool>(file >> first >> last);
  EXPECT_EQ(local_ports(), readable ? last - first + 1 : 28'232U);
}

}  // namespace
}  // namespace holdfast::net
