// The range of local ports, as the kernel of this machine has it.
#include "net/local_ports.h"

#include <gtest/gtest.h>

#include <fstream>

namespace holdfast::net {
namespace {

TEST(LocalPorts, AreAsManyAsTheKernelHas) {
  std::ifstream file("/proc/sys/net/ipv4/ip_local_port_range");
  PortRange expected;
  PortRange read;
  if (file >> read.first >> read.last) expected = read;
  EXPECT_EQ(local_ports().first, expected.first);
  EXPECT_EQ(local_ports().last, expected.last);
}

TEST(PortRange, HasBothItsEnds) {
  const PortRange range{1000, 1999};
  EXPECT_EQ(range.count(), 1000U);
  EXPECT_TRUE(range.contains(1000) && range.contains(1999));
  EXPECT_FALSE(range.contains(999) || range.contains(2000));
  EXPECT_EQ((PortRange{1, 65'535}.count()), 65'535U);
}

}  // namespace
}  // namespace holdfast::net
