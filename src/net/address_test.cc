#include "net/address.h"

#include <gtest/gtest.h>
#include <netinet/in.h>

#include "net/socket.h"

namespace holdfast::net {
namespace {

SocketAddress address_of(std::string_view text) { return *SocketAddress::from(*base::parse_endpoint(text)); }

TEST(SocketAddress, ReadsBackAsItWasWritten) {
  const std::string longest = "unix:/" + std::string(106, 'p');
  for (const std::string& text :
       {std::string("127.0.0.1:80"), std::string("255.255.255.255:65535"), std::string("[::1]:1883"),
        std::string("[2001:db8::5]:0"), std::string("unix:/run/x.sock"), longest}) {
    EXPECT_EQ(address_of(text).text(), text);
  }
}

TEST(SocketAddress, HasTheKernelsSizeAndFamily) {
  EXPECT_EQ(address_of("1.2.3.4:5").family(), AF_INET);
  EXPECT_EQ(address_of("1.2.3.4:5").size(), sizeof(sockaddr_in));
  EXPECT_EQ(address_of("[::1]:5").family(), AF_INET6);
  EXPECT_EQ(address_of("[::1]:5").size(), sizeof(sockaddr_in6));
  EXPECT_TRUE(address_of("unix:/x").is_unix());
  EXPECT_EQ(address_of("unix:/x").path(), "/x");
  EXPECT_EQ(address_of("1.2.3.4:5").path(), "");
}

TEST(SocketAddress, RefusesANameThatWasNotResolved) {
  const auto address = SocketAddress::from(*base::parse_endpoint("b1.local:1883"));
  ASSERT_FALSE(address);
  EXPECT_EQ(address.error().code, base::Errc::unsupported);
}

TEST(SocketAddress, LocalOfTellsThePortThatWasGiven) {
  const auto listener = open_listener(address_of("127.0.0.1:0"), {}, Sharing::alone);
  ASSERT_TRUE(listener);
  const auto local = SocketAddress::local_of(listener->get());
  ASSERT_TRUE(local);
  EXPECT_EQ(local->family(), AF_INET);
  EXPECT_NE(local->peer().port, 0);
  const auto error = SocketAddress::local_of(-1);
  ASSERT_FALSE(error);
  EXPECT_EQ(error.error().system_errno, EBADF);
}

TEST(SocketAddress, RemoteOfTellsWhoIsAtTheOtherEnd) {
  const auto listener = open_listener(address_of("127.0.0.1:0"), {}, Sharing::alone);
  const auto local = SocketAddress::local_of(listener->get());
  const Fd client(*dial(*local, {}));
  while (!SocketAddress::remote_of(client.get())) {  // until it is connected
  }
  EXPECT_EQ(SocketAddress::remote_of(client.get())->text(), local->text());
  EXPECT_EQ(SocketAddress::remote_of(-1).error().system_errno, EBADF);
}

TEST(SocketAddress, TellsThePeer) {
  EXPECT_EQ(address_of("10.0.0.1:4711").peer().text(), "10.0.0.1:4711");
  EXPECT_EQ(address_of("[::1]:4711").peer().text(), "[::1]:4711");
  EXPECT_EQ(address_of("unix:/run/x.sock").peer().text(), "unix");
}

}  // namespace
}  // namespace holdfast::net
