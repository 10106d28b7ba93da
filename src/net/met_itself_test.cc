// A connection that has met itself, made on purpose: a socket that connects to the port that it is bound to.
#include <gtest/gtest.h>

#include "net/socket.h"

namespace holdfast::net {
namespace {

TEST(MetItself, IsTrueOfAConnectionWithBothEndsInOneSocket) {
  const Fd socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const auto any_port = *SocketAddress::from(*base::parse_endpoint("127.0.0.1:0"));
  ASSERT_EQ(::bind(socket.get(), any_port.get(), any_port.size()), 0);
  const auto own = *SocketAddress::local_of(socket.get());
  ASSERT_EQ(::connect(socket.get(), own.get(), own.size()), 0);
  EXPECT_TRUE(met_itself(socket.get(), own.peer().port));
  EXPECT_FALSE(met_itself(socket.get(), 1)) << "it was not that port that was meant";
}

TEST(MetItself, IsFalseOfAnyOther) {
  for (const char* where : {"127.0.0.1:0", "[::1]:0"}) {
    const auto listener = open_listener(*SocketAddress::from(*base::parse_endpoint(where)), {}, Sharing::alone);
    ASSERT_TRUE(listener);
    const auto fd = dial(*SocketAddress::local_of(listener->get()), {});
    ASSERT_TRUE(fd);
    const Fd client(*fd);
    EXPECT_FALSE(met_itself(client.get(), SocketAddress::local_of(listener->get())->peer().port));
    EXPECT_FALSE(met_itself(client.get(), SocketAddress::local_of(client.get())->peer().port));
  }
  EXPECT_FALSE(met_itself(-1, 1));
}

}  // namespace
}  // namespace holdfast::net
