#include "entry/binds.h"

#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>

#include <filesystem>
#include <stdexcept>
#include <string>
#include <vector>

#include "base/temporary_directory.h"
#include "net/address.h"
#include "net/socket.h"
#include "net/transport.h"

namespace holdfast::entry {
namespace {

constexpr std::size_t kWorkers = 3;
constexpr std::int64_t kFree = 100;

base::Endpoint endpoint(const std::string& text) { return *base::parse_endpoint(text); }

bool can_connect(const net::SocketAddress& address) {
  const auto fd = net::dial(address, {});
  if (!fd) return false;
  net::Transport(*fd).close();
  return true;
}

struct Binds : testing::Test {
  Binds() {
    entrance.name = "front";
    entrance.tcp_keepalive = std::chrono::seconds(30);
  }
  [[nodiscard]] Bind open(const std::string& text) const { return binder.open(entrance, endpoint(text), {}); }
  [[nodiscard]] std::string refusal(const std::string& text) const {
    try {
      (void)open(text);
    } catch (const std::runtime_error& error) {
      return error.what();
    }
    return "";
  }

  config::Entrance entrance;
  net::DescriptorBudget budget{net::DescriptorBudget::kReserve + kFree};
  Binder binder{kWorkers, budget};
  base::TemporaryDirectory directory;
};

TEST_F(Binds, EveryWorkerHasASocketOfItsOwnAtOneAddress) {
  {
    const Bind bind = open("127.0.0.1:0");
    ASSERT_EQ(bind.sockets.size(), kWorkers);
    for (std::uint16_t worker = 0; worker < kWorkers; ++worker) {
      EXPECT_EQ(bind.sockets[worker]->address().text(), bind.address.text());
      EXPECT_TRUE(bind.sockets[worker]->is_of(worker));
      EXPECT_FALSE(bind.sockets[worker]->is_of(static_cast<std::uint16_t>(worker + 1)));
      EXPECT_FALSE(bind.sockets[worker]->is_shared());
    }
    EXPECT_NE(bind.address.peer().port, 0);
    EXPECT_EQ(budget.free(), kFree - 3);
    int keepalive = 0;
    socklen_t size = sizeof keepalive;
    ASSERT_EQ(::getsockopt(bind.sockets[0]->fd(), SOL_SOCKET, SO_KEEPALIVE, &keepalive, &size), 0);
    EXPECT_EQ(keepalive, 1);
  }
  EXPECT_EQ(budget.free(), kFree);
}

TEST_F(Binds, AUnixSocketIsSharedAndGoesWithItsPath) {
  const std::string path = directory.path() / "s";
  {
    const Bind bind = open("unix:" + path);
    ASSERT_EQ(bind.sockets.size(), 1U);
    EXPECT_TRUE(bind.sockets[0]->is_shared());
    EXPECT_TRUE(bind.sockets[0]->is_of(0) && bind.sockets[0]->is_of(2));
    EXPECT_TRUE(std::filesystem::exists(path));
    EXPECT_TRUE(binder.for_more_workers(entrance, bind).empty());
  }
  EXPECT_FALSE(std::filesystem::exists(path));
}

TEST_F(Binds, NobodyCanConnectBeforeItListens) {
  const Bind bind = open("127.0.0.1:0");
  int listens = 1;
  socklen_t size = sizeof listens;
  ASSERT_EQ(::getsockopt(bind.sockets[0]->fd(), SOL_SOCKET, SO_ACCEPTCONN, &listens, &size), 0);
  EXPECT_EQ(listens, 0);
  begin_listening(bind);
  ASSERT_EQ(::getsockopt(bind.sockets[0]->fd(), SOL_SOCKET, SO_ACCEPTCONN, &listens, &size), 0);
  EXPECT_EQ(listens, 1);
  EXPECT_TRUE(can_connect(bind.address));
}

TEST_F(Binds, AnAddressThatSomebodyHasIsRefusedByName) {
  const Bind bind = open("127.0.0.1:0");
  begin_listening(bind);
  const std::string text = refusal(bind.address.text());
  EXPECT_EQ(text.find("listener front: " + bind.address.text() + ": "), 0U) << text;
  EXPECT_NE(text.find("in use"), std::string::npos) << text;
  EXPECT_EQ(budget.free(), kFree - 3) << "nothing is left of the attempt";
}

TEST_F(Binds, WithoutDescriptorsNothingIsOpened) {
  budget.give(2 - budget.free());
  EXPECT_NE(refusal("127.0.0.1:0").find("LimitNOFILE"), std::string::npos);
  EXPECT_EQ(budget.free(), 2);
}

TEST_F(Binds, WorkersThatComeGetSocketsAtTheSameAddress) {
  const Bind bind = open("127.0.0.1:0");
  const auto more = Binder(kWorkers + 2, budget).for_more_workers(entrance, bind);
  ASSERT_EQ(more.size(), 2U);
  EXPECT_TRUE(more[1]->is_of(kWorkers + 1));
  EXPECT_EQ(more[1]->address().text(), bind.address.text());
}

TEST_F(Binds, WhatIsHandedOnIsTheSameQueue) {
  Bind former = open("127.0.0.1:0");
  begin_listening(former);
  ASSERT_TRUE(can_connect(former.address));
  const Bind next = binder.hand_on(entrance, former.endpoint, former);
  former.sockets.clear();
  ASSERT_EQ(next.sockets.size(), kWorkers);
  std::vector<pollfd> waiting;
  for (const auto& socket : next.sockets) waiting.push_back({socket->fd(), POLLIN, 0});
  ASSERT_EQ(::poll(waiting.data(), waiting.size(), 10'000), 1);
  int accepted = 0;
  for (const auto& socket : next.sockets) {
    const net::Fd fd(::accept4(socket->fd(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
    accepted += fd.get() >= 0 ? 1 : 0;
  }
  EXPECT_EQ(accepted, 1);
}

}  // namespace
}  // namespace holdfast::entry
