// Transport and the sockets under it, over the three kinds of address.
#include "net/transport.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <filesystem>
#include <string>
#include <thread>
#include <vector>

#include "base/temporary_directory.h"
#include "net/socket.h"

namespace holdfast::net {
namespace {

constexpr int kPatienceMs = 10'000;

SocketAddress address_of(const std::string& text) { return *SocketAddress::from(*base::parse_endpoint(text)); }

std::string fresh_unix_address() {
  static const base::TemporaryDirectory directory;
  static int count = 0;
  return "unix:" + (directory / std::to_string(++count)).native();
}

int wait_for(int fd, short events) {
  pollfd one{fd, events, 0};
  EXPECT_EQ(::poll(&one, 1, kPatienceMs), 1);
  return one.revents;
}

// A listening socket and the two ends of one connection to it.
struct Link {
  Fd listener;
  Transport client;
  Transport server;

  Link(Fd listening, Transport dialled, Transport accepted)
      : listener(std::move(listening)), client(dialled), server(accepted) {}
  Link(Link&& other) noexcept
      : listener(std::move(other.listener)),
        client(std::exchange(other.client, {})),
        server(std::exchange(other.server, {})) {}
  ~Link() {
    if (client.open()) client.close();
    if (server.open()) server.close();
  }
};

Link link_over(const std::string& text, TcpOptions options = {}) {
  auto listener = open_listener(address_of(text), options, Sharing::alone);
  EXPECT_TRUE(listener);
  const auto client = dial(*SocketAddress::local_of(listener->get()), options);
  EXPECT_TRUE(client);
  wait_for(listener->get(), POLLIN);
  const int server = ::accept4(listener->get(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
  EXPECT_GE(server, 0);
  wait_for(*client, POLLOUT);
  return Link(std::move(*listener), Transport(*client), Transport(server));
}

std::vector<std::string> every_kind() { return {"127.0.0.1:0", "[::1]:0", fresh_unix_address()}; }

std::string read_once(Transport& from) {
  std::array<std::byte, 64> buffer;
  wait_for(from.fd(), POLLIN);
  const IoResult got = from.read(buffer);
  EXPECT_EQ(got.status, IoStatus::ok);
  return std::string(reinterpret_cast<const char*>(buffer.data()), got.bytes);
}

IoStatus read_status(Transport& from) {
  std::array<std::byte, 64> buffer;
  return from.read(buffer).status;
}

bool write_all(Transport& to, std::string_view text) {
  return to.write(std::as_bytes(std::span(text))).bytes == text.size();
}

int option(int fd, int level, int name) {
  int value = 0;
  socklen_t size = sizeof value;
  EXPECT_EQ(::getsockopt(fd, level, name, &value, &size), 0);
  return value;
}

TEST(Transport, CarriesBytesBothWaysOverEveryKindOfAddress) {
  for (const std::string& text : every_kind()) {
    SCOPED_TRACE(text);
    Link link = link_over(text);
    EXPECT_EQ(link.client.take_error(), 0);
    EXPECT_EQ(read_status(link.server), IoStatus::again);
    EXPECT_TRUE(write_all(link.client, "there"));
    EXPECT_EQ(read_once(link.server), "there");
    char back[] = "back";
    char again[] = " again";
    const std::array<iovec, 2> pieces = {iovec{back, 4}, iovec{again, 6}};
    EXPECT_EQ(link.server.write(pieces).bytes, 10U);
    EXPECT_EQ(read_once(link.client), "back again");
  }
}

TEST(Transport, WhatIsPeekedAtStaysToBeRead) {
  for (const std::string& text : every_kind()) {
    SCOPED_TRACE(text);
    Link link = link_over(text);
    std::array<std::byte, 64> buffer;
    EXPECT_EQ(link.server.peek(buffer).status, IoStatus::again);
    EXPECT_TRUE(write_all(link.client, "PROXY"));
    wait_for(link.server.fd(), POLLIN);
    for (const std::size_t room : {3U, 64U, 64U}) {
      const IoResult seen = link.server.peek(std::span(buffer).first(room));
      EXPECT_EQ(seen.status, IoStatus::ok);
      EXPECT_EQ(seen.bytes, std::min<std::size_t>(room, 5));
    }
    EXPECT_EQ(read_once(link.server), "PROXY");
    link.client.end_writing();
    wait_for(link.server.fd(), POLLIN);
    EXPECT_EQ(link.server.peek(buffer).status, IoStatus::end);
    EXPECT_EQ(link.server.peek(buffer).status, IoStatus::end) << "an end stays as well";
  }
}

TEST(Transport, EndOfWritingLeavesTheOtherDirectionOpen) {
  for (const std::string& text : every_kind()) {
    SCOPED_TRACE(text);
    Link link = link_over(text);
    EXPECT_TRUE(write_all(link.client, "last words"));
    link.client.end_writing();
    EXPECT_EQ(read_once(link.server), "last words");
    wait_for(link.server.fd(), POLLIN);
    EXPECT_EQ(read_status(link.server), IoStatus::end);
    EXPECT_TRUE(write_all(link.server, "heard"));
    EXPECT_EQ(read_once(link.client), "heard");
  }
}

TEST(Transport, AbortIsSeenAsAReset) {
  for (const char* const text : {"127.0.0.1:0", "[::1]:0"}) {
    Link link = link_over(text);
    link.client.abort();
    EXPECT_FALSE(link.client.open());
    wait_for(link.server.fd(), POLLIN);
    std::array<std::byte, 8> buffer;
    const IoResult got = link.server.read(buffer);
    EXPECT_EQ(got.status, IoStatus::failed);
    EXPECT_EQ(got.error, ECONNRESET);
  }
}

TEST(Transport, WritingToOneThatHasGoneFailsWithoutASignal) {
  for (const std::string& text : every_kind()) {
    Link link = link_over(text);
    link.server.abort();
    wait_for(link.client.fd(), POLLIN);
    const std::array<std::byte, 8> bytes{};
    IoResult sent = link.client.write(bytes);
    EXPECT_EQ(sent.status, IoStatus::failed);
    EXPECT_TRUE(sent.error == ECONNRESET || sent.error == EPIPE) << sent.error;
  }
}

TEST(Transport, KnowsHowMuchIsUnread) {
  Link link = link_over("127.0.0.1:0");
  EXPECT_EQ(link.server.unread_bytes(), 0U);
  const std::array<std::byte, 8> bytes{};
  ASSERT_EQ(link.client.write(bytes).bytes, 8U);
  link.client.end_writing();
  wait_for(link.server.fd(), POLLRDHUP);
  EXPECT_EQ(link.server.unread_bytes(), 8U) << "the end of the stream does not count";
  std::array<std::byte, 5> few{};
  ASSERT_EQ(link.server.read(few).bytes, 5U);
  EXPECT_EQ(link.server.unread_bytes(), 3U);
  EXPECT_EQ(Transport().unread_bytes(), 0U);
}

TEST(Transport, KnowsWhenAllWasDelivered) {
  Link link = link_over("127.0.0.1:0");
  EXPECT_TRUE(link.client.all_delivered());
  const std::vector<std::byte> bytes(1 << 20);
  std::size_t sent = 0;
  while (true) {
    const IoResult result = link.client.write(bytes);
    if (result.status == IoStatus::ok) {
      sent += result.bytes;
    } else if (!link.client.all_delivered()) {
      break;
    }
  }
  std::vector<std::byte> buffer(1 << 20);
  std::size_t received = 0;
  while (received < sent) {
    wait_for(link.server.fd(), POLLIN);
    received += link.server.read(buffer).bytes;
  }
  EXPECT_EQ(received, sent);
  while (!link.client.all_delivered()) std::this_thread::yield();  // the last acknowledgement may be delayed
}

TEST(Sockets, CarryTheOptionsThatLongLivedConnectionsWant) {
  Link link = link_over("127.0.0.1:0",
                        {.keepalive = std::chrono::seconds{40}, .user_timeout = std::chrono::milliseconds{30'000}});
  for (const int fd : {link.client.fd(), link.server.fd()}) {
    EXPECT_EQ(option(fd, IPPROTO_TCP, TCP_NODELAY), 1);
    EXPECT_EQ(option(fd, SOL_SOCKET, SO_KEEPALIVE), 1);
    EXPECT_EQ(option(fd, IPPROTO_TCP, TCP_KEEPIDLE), 40);
    EXPECT_EQ(option(fd, IPPROTO_TCP, TCP_KEEPINTVL), 10);
    EXPECT_EQ(option(fd, IPPROTO_TCP, TCP_KEEPCNT), 3);
    EXPECT_EQ(option(fd, IPPROTO_TCP, TCP_USER_TIMEOUT), 30'000);
  }
}

TEST(Dial, TellsThatNobodyListens) {
  SocketAddress gone;
  {
    const auto listener = open_listener(address_of("127.0.0.1:0"), {}, Sharing::alone);
    gone = *SocketAddress::local_of(listener->get());
  }
  const auto fd = dial(gone, {});
  if (!fd) {
    EXPECT_EQ(fd.error().code, base::Errc::refused);
    return;
  }
  Transport transport(*fd);
  EXPECT_NE(wait_for(transport.fd(), POLLOUT) & POLLERR, 0);
  EXPECT_EQ(transport.take_error(), ECONNREFUSED);
  transport.close();
}

TEST(Dial, ConnectsFromTheAddressThatItIsTold) {
  const auto listener = open_listener(address_of("127.0.0.1:0"), {}, Sharing::alone);
  const SocketAddress to = *SocketAddress::local_of(listener->get());
  for (const char* const text : {"127.0.0.2:0", "127.0.0.3:0"}) {
    const SocketAddress from = address_of(text);
    const auto fd = dial(to, {}, &from);
    ASSERT_TRUE(fd);
    const Fd owner(*fd);
    const base::PeerAddress local = SocketAddress::local_of(*fd)->peer();
    EXPECT_EQ(local.bytes, from.peer().bytes);
    EXPECT_NE(local.port, 0) << "chosen by connect";
    EXPECT_EQ(option(*fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT), 1);
  }
}

TEST(Dial, TellsAnAddressOfAnotherMachineFromAShortageOfPorts) {
  const auto listener = open_listener(address_of("127.0.0.1:0"), {}, Sharing::alone);
  const SocketAddress from = address_of("192.0.2.1:0");  // RFC 5737: for documentation, nobody has it
  const auto fd = dial(*SocketAddress::local_of(listener->get()), {}, &from);
  ASSERT_FALSE(fd);
  EXPECT_EQ(fd.error().code, base::Errc::not_found);
  EXPECT_EQ(fd.error().system_errno, EADDRNOTAVAIL);
  EXPECT_EQ(fd.error().side, base::Side::internal);
}

TEST(Dial, TellsThatThereIsNoSuchUnixSocket) {
  const auto fd = dial(address_of(fresh_unix_address()), {});
  ASSERT_FALSE(fd);
  EXPECT_EQ(fd.error().code, base::Errc::not_found);
}

TEST(OpenListener, SharesAPortOnlyWhenAsked) {
  const auto first = open_listener(address_of("127.0.0.1:0"), {}, Sharing::reuse_port);
  ASSERT_TRUE(first);
  const SocketAddress taken = *SocketAddress::local_of(first->get());
  EXPECT_TRUE(open_listener(taken, {}, Sharing::reuse_port));
  const auto alone = open_listener(taken, {}, Sharing::alone);
  ASSERT_FALSE(alone);
  EXPECT_EQ(alone.error().system_errno, EADDRINUSE);
}

TEST(OpenListener, LetsBothFamiliesStandSideBySide) {
  const auto v6 = open_listener(address_of("[::]:0"), {}, Sharing::alone);
  ASSERT_TRUE(v6);
  const std::uint16_t port = SocketAddress::local_of(v6->get())->peer().port;
  EXPECT_TRUE(open_listener(address_of("0.0.0.0:" + std::to_string(port)), {}, Sharing::alone));
}

TEST(OpenListener, ReplacesAUnixSocketThatNobodyHolds) {
  const SocketAddress address = address_of(fresh_unix_address());
  { ASSERT_TRUE(open_listener(address, {}, Sharing::alone)); }
  ASSERT_TRUE(std::filesystem::is_socket(address.path())) << "the file stays behind";
  const auto listener = open_listener(address, {}, Sharing::alone);
  ASSERT_TRUE(listener);
  const auto client = dial(address, {});
  EXPECT_TRUE(client);
  Fd(client ? *client : -1);
}

TEST(OpenListener, LeavesALiveUnixSocketAlone) {
  const SocketAddress address = address_of(fresh_unix_address());
  const auto first = open_listener(address, {}, Sharing::alone);
  ASSERT_TRUE(first);
  const auto second = open_listener(address, {}, Sharing::alone);
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().system_errno, EADDRINUSE);
}

TEST(OpenListener, LeavesAFileThatIsNoSocketAlone) {
  const SocketAddress address = address_of(fresh_unix_address());
  { const Fd file(::creat(address.path().c_str(), 0600)); }
  EXPECT_FALSE(open_listener(address, {}, Sharing::alone));
  EXPECT_TRUE(std::filesystem::is_regular_file(address.path()));
  ::unlink(address.path().c_str());
}

}  // namespace
}  // namespace holdfast::net
