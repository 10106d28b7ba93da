// Relays over real sockets on a loop that the test turns by hand.
#include "gateway/relays.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <deque>
#include <functional>
#include <string>

#include "gateway/acceptor.h"

namespace holdfast::gateway {

extern std::atomic<std::uint64_t> allocations;  // allocations_test.cc

namespace {

using namespace std::chrono_literals;

// A blocking-free socket of the test's own: a client or a server.
class Peer {
 public:
  explicit Peer(int fd) : fd_(fd) {}
  Peer(Peer&&) = default;

  [[nodiscard]] int fd() const { return fd_.get(); }
  void send(const std::string& text) {
    ASSERT_EQ(::send(fd(), text.data(), text.size(), MSG_NOSIGNAL), static_cast<ssize_t>(text.size()));
  }
  // As much as goes without waiting.
  std::size_t send_some(const std::string& text) {
    const ssize_t sent = ::send(fd(), text.data(), text.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    return sent < 0 ? 0 : static_cast<std::size_t>(sent);
  }
  // What has come so far; `ended` and `error` say how it stopped.
  void drain() {
    char buffer[65'536];
    for (;;) {
      const ssize_t count = ::recv(fd(), buffer, sizeof buffer, MSG_DONTWAIT);
      if (count > 0) {
        got.append(buffer, static_cast<std::size_t>(count));
        continue;
      }
      if (count == 0) ended = true;
      if (count < 0 && errno != EAGAIN) error = errno;
      return;
    }
  }
  void end_writing() { ::shutdown(fd(), SHUT_WR); }
  void close() { fd_ = net::Fd(); }
  void reset() { net::Transport(fd_.release()).abort(); }

  std::string got;
  bool ended = false;
  int error = 0;

 private:
  net::Fd fd_;
};

net::SocketAddress loopback() { return *net::SocketAddress::from(*base::parse_endpoint("127.0.0.1:0")); }

// A gateway's worker without its thread: one listener, one pool, servers that the test plays itself.
class Rig {
 public:
  explicit Rig(std::size_t servers = 1) : snapshot_(make_pools(servers)), notices_(1024, wake_) {
    rules_[0].max_connections = 1000;
    rules_[0].handshake_timeout = 10s;
    rules_[0].idle_timeout = 0s;
    rules_[0].connections = &live;
    context_ = {.listeners = rules_,
                .listener_counters = counters,
                .counters = &worker_counters,
                .servers = &slots,
                .pools = &snapshot_,
                .descriptors = &descriptors,
                .notices = &notices_};
  }

  // The parts are made late, so that a test can change the rules first.
  void open() {
    relays_ = std::make_unique<Relays>(loop, context_);
    acceptor_ = std::make_unique<Acceptor>(loop, context_, *relays_);
    listener_ = *net::open_listener(loopback(), {}, net::Sharing::alone);
    address_ = *net::SocketAddress::local_of(listener_.get());
    ASSERT_TRUE(acceptor_->add(listener_.get(), 0, net::Loop::Watch::both_ways));
  }

  // Turns the loop until `done`, which is looked at between turns. Fails after ten seconds.
  void until(const std::function<bool()>& done) {
    const auto deadline = base::Clock::now() + 10s;
    while (!done()) {
      ASSERT_LT(base::Clock::now(), deadline) << "it did not come to pass";
      loop.turn(5ms, [this] { relays_->refresh(); });
    }
  }
  // So many turns that whatever is under way has happened.
  void settle() {
    for (int i = 0; i < 20; ++i) loop.turn(1ms, [] {});
  }

  Peer connect() { return Peer(*net::dial(address_, {})); }
  Peer accept(std::size_t server = 0) {
    int fd = -1;
    until([&] {
      fd = ::accept4(servers_[server].get(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
      return fd >= 0;
    });
    return Peer(fd);
  }
  void stop_server(std::size_t server) { servers_[server] = net::Fd(); }

  std::uint64_t closed(CloseReason reason) { return counters[0].closed[static_cast<std::size_t>(reason)].value(); }
  Relays& relays() { return *relays_; }
  std::size_t take_notices(const std::function<void(const Notice&)>& see = [](const Notice&) {}) {
    return notices_.take(see);
  }
  ListenerRules& rules() { return rules_[0]; }
  void set_pool(const std::function<void(Pool&)>& change) {
    auto pools = std::make_shared<Pools>(*snapshot_.newest());
    change(pools->pools[0]);
    snapshot_.publish(std::move(pools));
  }

  net::Loop loop;
  ServerSlots slots;
  std::atomic<std::uint32_t> live{0};
  std::vector<ListenerCounters> counters{1};
  WorkerCounters worker_counters;
  net::DescriptorBudget descriptors{1000};

 private:
  std::shared_ptr<const Pools> make_pools(std::size_t count) {
    auto pools = std::make_shared<Pools>();
    Pool pool{"p", policy::Kind::round_robin, 5s, 3, {}, {}};
    for (std::size_t i = 0; i < count; ++i) {
      servers_.push_back(*net::open_listener(loopback(), {}, net::Sharing::alone));
      slots.emplace_back("p", "s" + std::to_string(i));
      pool.servers.push_back({static_cast<std::uint16_t>(i),
                              slots[i].server,
                              100,
                              {*net::SocketAddress::local_of(servers_.back().get())}});
      pool.seen.push_back({.weight = 100, .load = &slots[i].load});
    }
    pools->pools.push_back(pool);
    return pools;
  }

  std::vector<net::Fd> servers_;
  base::Snapshot<Pools> snapshot_;
  base::EventFd wake_;
  Notices notices_;
  std::vector<ListenerRules> rules_{1};
  WorkerContext context_;
  std::unique_ptr<Relays> relays_;
  std::unique_ptr<Acceptor> acceptor_;
  net::Fd listener_;
  net::SocketAddress address_;
};

class RelaysTest : public testing::Test {
 protected:
  void SetUp() override { rig.open(); }
  Rig rig;
};

TEST_F(RelaysTest, CarriesBytesBothWays) {
  Peer client = rig.connect();
  client.send("hello");  // before a server is connected
  Peer server = rig.accept();
  rig.until([&] { return server.drain(), server.got == "hello"; });
  server.send("world");
  rig.until([&] { return client.drain(), client.got == "world"; });
  EXPECT_EQ(rig.counters[0].bytes[0].value(), 5U);
  EXPECT_EQ(rig.counters[0].bytes[1].value(), 5U);
  EXPECT_EQ(rig.slots[0].load.connections, 1U);
}

TEST_F(RelaysTest, HalfCloseIsPassedOnInBothDirections) {
  for (const bool client_first : {true, false}) {
    SCOPED_TRACE(client_first ? "client first" : "server first");
    Peer client = rig.connect();
    Peer server = rig.accept();
    Peer& first = client_first ? client : server;
    Peer& second = client_first ? server : client;
    first.send("last words");
    first.end_writing();
    rig.until([&] { return second.drain(), second.ended; });
    EXPECT_EQ(second.got, "last words");
    second.send("and yet I speak");
    rig.until([&] { return first.drain(), first.got == "and yet I speak"; });
    EXPECT_FALSE(first.ended);
    second.end_writing();
    rig.until([&] { return first.drain(), first.ended; });
    rig.until([&] { return rig.relays().size() == 0; });
    EXPECT_EQ(rig.closed(client_first ? CloseReason::client_closed : CloseReason::server_closed), 1U);
  }
  EXPECT_EQ(rig.live, 0U);
  EXPECT_EQ(rig.slots[0].load.connections, 0U);
}

TEST_F(RelaysTest, AResetIsPassedOnAsAReset) {
  for (const bool by_client : {true, false}) {
    SCOPED_TRACE(by_client ? "client" : "server");
    Peer client = rig.connect();
    Peer server = rig.accept();
    rig.settle();
    Peer& other = by_client ? server : client;
    (by_client ? client : server).reset();
    rig.until([&] { return other.drain(), other.error != 0; });
    EXPECT_EQ(other.error, ECONNRESET);
    EXPECT_EQ(rig.closed(by_client ? CloseReason::client_reset : CloseReason::server_reset), 1U);
  }
}

TEST_F(RelaysTest, WhatWasSentBeforeAnOrderlyCloseArrivesEvenWhenAnswersAreRefused) {
  // The client sends and closes; then the server, which has read nothing yet, answers, and gets a reset for it.
  Peer client = rig.connect();
  Peer server = rig.accept();
  const std::string last_words(1'000'000, 'x');
  std::size_t sent = 0;
  for (int calm = 0; calm < 20;) {
    const std::size_t more = client.send_some(last_words.substr(sent, 20'000));
    sent += more;
    calm = more == 0 ? calm + 1 : 0;
    rig.loop.turn(1ms, [] {});
  }
  ASSERT_GT(sent, kPendingMax);
  while (!net::Transport(client.fd()).all_delivered()) {  // what the client's kernel holds, a reset would destroy
    server.drain();
    rig.loop.turn(1ms, [] {});
  }
  client.close();
  server.send("an answer that nobody reads");
  rig.settle();
  rig.until([&] { return server.drain(), server.ended || server.error != 0; });
  EXPECT_EQ(server.got.size(), sent);
  EXPECT_TRUE(server.ended);
  rig.until([&] { return rig.relays().size() == 0; });
  EXPECT_EQ(rig.closed(CloseReason::client_closed), 1U);
}

TEST_F(RelaysTest, AReaderThatStopsCostsAtMostOneRead) {
  Peer client = rig.connect();
  Peer server = rig.accept();
  const std::string flood(1'000'000, 'f');
  std::size_t sent = 0;
  for (int calm = 0; calm < 20;) {  // until neither kernel nor relay takes more
    const std::size_t more = server.send_some(flood);
    sent += more;
    calm = more == 0 ? calm + 1 : 0;
    rig.loop.turn(1ms, [&] { rig.relays().refresh(); });
  }
  const auto held = static_cast<std::uint64_t>(rig.worker_counters.buffer_memory_bytes.value());
  EXPECT_GT(held, 0U);
  EXPECT_LE(held, kPendingMax + net::BufferPool::kChunkBytes * 64) << "one block more at most";
  rig.until([&] { return client.drain(), client.got.size() == sent; });
  EXPECT_EQ(client.got, std::string(sent, 'f'));
}

// Sends until neither kernels nor relay take more.
void stuff(Rig& rig, Peer& from) {
  const std::string flood(1'000'000, 'f');
  for (int calm = 0; calm < 20;) {
    calm = from.send_some(flood) == 0 ? calm + 1 : 0;
    rig.loop.turn(1ms, [] {});
  }
}

TEST_F(RelaysTest, AResetIsNoticedWhileTheOtherEndTakesNothing) {
  for (const bool by_client : {true, false}) {
    SCOPED_TRACE(by_client ? "client" : "server");
    Peer client = rig.connect();
    Peer server = rig.accept();
    Peer& sender = by_client ? client : server;
    Peer& reader = by_client ? server : client;
    stuff(rig, sender);
    sender.reset();
    rig.until([&] { return rig.relays().size() == 0; });
    reader.drain();
    EXPECT_EQ(reader.error, ECONNRESET) << "what was cut does not look as if it had come to its end";
    EXPECT_FALSE(reader.ended);
    EXPECT_EQ(rig.closed(by_client ? CloseReason::client_reset : CloseReason::server_reset), 1U);
  }
}

TEST_F(RelaysTest, AStreamThatIsCutWithBytesWaitingEndsWithAReset) {
  Peer client = rig.connect();
  Peer server = rig.accept();
  stuff(rig, client);
  rig.relays().end_all(CloseReason::stopped);
  server.drain();
  EXPECT_EQ(server.error, ECONNRESET);
  EXPECT_FALSE(server.ended);
}

TEST_F(RelaysTest, BytesBehindUrgentDataAreRelayed) {
  Peer client = rig.connect();
  Peer server = rig.accept();
  client.send("abc");
  ASSERT_EQ(::send(client.fd(), "X", 1, MSG_OOB), 1);
  client.send("efg");
  rig.until([&] { return server.drain(), server.got.find("efg") != std::string::npos; });
}

TEST_F(RelaysTest, AnIdleConnectionIsEndedAtItsTimeoutAndABusyOneIsNot) {
  rig.rules().idle_timeout = 150ms;
  Peer idle = rig.connect();
  Peer idle_server = rig.accept();
  Peer busy = rig.connect();
  Peer busy_server = rig.accept();
  rig.until([&] {
    busy.send_some("x");
    idle.drain();
    return idle.ended;
  });
  EXPECT_EQ(rig.closed(CloseReason::idle_timeout), 1U);
  EXPECT_EQ(rig.relays().size(), 1U);
}

TEST_F(RelaysTest, MoreThanTheListenerAllowsAreRefused) {
  rig.rules().max_connections = 2;
  Peer a = rig.connect();
  Peer b = rig.connect();
  Peer c = rig.connect();
  rig.until([&] { return c.drain(), c.ended || c.error != 0; });
  EXPECT_EQ(rig.relays().size(), 2U);
  EXPECT_EQ(rig.counters[0].refused[static_cast<std::size_t>(RefuseReason::max_connections)].value(), 1U);
  a.reset();
  rig.until([&] { return rig.live == 1; });
  Peer d = rig.connect();
  rig.until([&] { return rig.live == 2; });
}

TEST_F(RelaysTest, AMessageInSteadyStateAllocatesNothing) {
  Peer client = rig.connect();
  Peer server = rig.accept();
  const auto round_trip = [&](const std::string& text) {
    char buffer[64];
    client.send_some(text);
    for (ssize_t got = 0; got < 64;) {
      rig.loop.turn(5ms, [] {});
      if (const ssize_t n = ::recv(server.fd(), buffer, sizeof buffer, MSG_DONTWAIT); n > 0) got += n;
    }
    if (::send(server.fd(), buffer, sizeof buffer, 0) != 64) std::abort();
    for (ssize_t got = 0; got < 64;) {
      rig.loop.turn(5ms, [] {});
      if (const ssize_t n = ::recv(client.fd(), buffer, sizeof buffer, MSG_DONTWAIT); n > 0) got += n;
    }
  };
  const std::string message(64, 'm');
  round_trip(message);
  const std::uint64_t before = allocations;
  for (int i = 0; i < 1000; ++i) round_trip(message);
  EXPECT_EQ(allocations - before, 0U);
}

TEST(Relays, GoesToTheNextServerWhenOneRefuses) {
  Rig rig(3);
  rig.open();
  rig.stop_server(0);
  rig.stop_server(1);
  Peer client = rig.connect();
  Peer server = rig.accept(2);
  client.send("hi");
  rig.until([&] { return server.drain(), server.got == "hi"; });
  EXPECT_EQ(rig.slots[0].connect_failures_total, 1U);
  EXPECT_EQ(rig.slots[1].connect_failures_total, 1U);
  EXPECT_EQ(rig.slots[0].load.connections, 0U);
  EXPECT_EQ(rig.slots[2].load.connections, 1U);
}

TEST(Relays, GivesUpWhenEveryServerRefuses) {
  Rig rig(2);
  rig.open();
  rig.stop_server(0);
  rig.stop_server(1);
  Peer client = rig.connect();
  rig.until([&] { return client.drain(), client.ended || client.error != 0; });
  EXPECT_EQ(rig.closed(CloseReason::connect_failed), 1U);
  EXPECT_EQ(rig.slots[0].connect_failures_total + rig.slots[1].connect_failures_total, 4U) << "1 and 3 retries";
  EXPECT_EQ(rig.slots[0].load.connections, 0U);
}

TEST(Relays, AServerThatComesBackDuringTheRetriesIsReached) {
  Rig rig(1);
  rig.open();
  rig.stop_server(0);
  Peer client = rig.connect();
  rig.until([&] { return rig.slots[0].connect_failures_total == 1; });
  const net::Fd back = *net::open_listener(loopback(), {}, net::Sharing::alone);
  const auto address = *net::SocketAddress::local_of(back.get());
  rig.set_pool([&](Pool& pool) { pool.servers[0].addresses = {address}; });
  rig.until([&] { return rig.slots[0].connections_total == 1; });
}

TEST(Relays, HandshakeTimeoutHoldsDuringThePauseBetweenRetries) {
  Rig rig(1);
  rig.rules().handshake_timeout = 100ms;
  rig.open();
  rig.stop_server(0);
  Peer client = rig.connect();
  const auto start = base::Clock::now();
  rig.until([&] { return rig.closed(CloseReason::handshake_timeout) == 1; });
  EXPECT_LT(base::Clock::now() - start, 450ms) << "the pause is 500 ms";
  EXPECT_EQ(rig.slots[0].connect_failures_total, 1U);
}

TEST(Relays, EveryAddressOfAServerIsTriedBeforeThePause) {
  Rig rig(1);
  rig.open();
  net::SocketAddress dead;
  {
    const net::Fd closed_at_once = *net::open_listener(loopback(), {}, net::Sharing::alone);
    dead = *net::SocketAddress::local_of(closed_at_once.get());
  }
  rig.set_pool([&](Pool& pool) { pool.servers[0].addresses.insert(pool.servers[0].addresses.begin(), dead); });
  rig.loop.turn(1ms, [&] { rig.relays().refresh(); });
  const auto start = base::Clock::now();
  Peer first = rig.connect();
  Peer second = rig.connect();  // one of the two begins with the dead address
  rig.until([&] { return rig.slots[0].connections_total == 2; });
  EXPECT_LT(base::Clock::now() - start, 450ms);
  EXPECT_EQ(rig.slots[0].connect_failures_total, 1U);
}

TEST(Relays, ASilentServerIsLeftForAnotherAfterTheConnectTimeout) {
  Rig rig(2);
  rig.open();
  // A full accept queue: the kernel drops further handshakes, as a stopped machine would.
  const net::Fd deaf(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  net::SocketAddress address = loopback();
  ASSERT_EQ(::bind(deaf.get(), address.get(), address.size()), 0);
  ASSERT_EQ(::listen(deaf.get(), 0), 0);
  address = *net::SocketAddress::local_of(deaf.get());
  std::vector<net::Fd> fillers;
  for (int i = 0; i < 3; ++i) fillers.emplace_back(*net::dial(address, {}));
  rig.set_pool([&](Pool& pool) {
    pool.connect_timeout = 100ms;
    pool.servers[0].addresses = {address};
  });
  rig.loop.turn(1ms, [&] { rig.relays().refresh(); });
  Peer client = rig.connect();
  Peer server = rig.accept(1);
  EXPECT_EQ(rig.slots[0].connect_failures_total, 1U);
  rig.take_notices([](const Notice& notice) {
    const auto* failed = std::get_if<ConnectFailed>(&notice);
    EXPECT_TRUE(failed == nullptr || failed->error == ETIMEDOUT);
  });
}

TEST(Relays, NothingUsableInThePoolEndsTheClientAtOnce) {
  Rig rig(1);
  rig.open();
  rig.set_pool([](Pool& pool) { pool.seen[0].weight = 0; });
  rig.loop.turn(1ms, [&] { rig.relays().refresh(); });
  Peer client = rig.connect();
  rig.until([&] { return client.drain(), client.ended; });
  EXPECT_EQ(rig.closed(CloseReason::no_server), 1U);
}

TEST(Acceptor, PausesWithoutDescriptorsAndGoesOnWhenThereAreSome) {
  Rig rig(1);
  rig.descriptors.give(4 - rig.descriptors.free());  // two connections
  rig.open();
  Peer a = rig.connect();
  Peer b = rig.connect();
  Peer c = rig.connect();
  Peer server_a = rig.accept();
  Peer server_b = rig.accept();
  rig.until([&] { return rig.worker_counters.accept_paused.value() == 1; });
  const std::uint64_t turns = rig.loop.counters().turns.value();
  const auto start = base::Clock::now();
  while (base::Clock::now() - start < 300ms) rig.loop.turn(300ms, [] {});
  EXPECT_LT(rig.loop.counters().turns.value() - turns, 30U) << "it does not spin";
  EXPECT_EQ(rig.relays().size(), 2U);
  a.close();
  server_a.close();
  Peer server_c = rig.accept();
  c.send("at last");
  rig.until([&] { return server_c.drain(), server_c.got == "at last"; });
  b.close();
  server_b.close();
  rig.until([&] { return rig.worker_counters.accept_paused.value() == 0; });
  EXPECT_EQ(rig.worker_counters.accept_pauses.value(), 1U);
  int lines = 0;
  rig.take_notices([&](const Notice& notice) { lines += std::holds_alternative<AcceptChanged>(notice) ? 1 : 0; });
  EXPECT_EQ(lines, 2) << "one when it paused, one when it went on";
}

TEST(Relays, AnEndedConnectionIsToldInFull) {
  Rig rig(1);
  rig.open();
  Peer client = rig.connect();
  Peer server = rig.accept();
  client.send("12345");
  rig.until([&] { return server.drain(), server.got.size() == 5; });
  client.close();
  server.close();
  rig.until([&] { return rig.relays().size() == 0; });
  ConnectionEnded ended;
  rig.take_notices([&](const Notice& notice) {
    if (const auto* it = std::get_if<ConnectionEnded>(&notice)) ended = *it;
  });
  EXPECT_EQ(ended.reason, CloseReason::client_closed);
  EXPECT_EQ(ended.bytes_from_client, 5U);
  EXPECT_EQ(ended.server, 0U);
  EXPECT_EQ(ended.client.text().substr(0, 10), "127.0.0.1:");
  EXPECT_GT(ended.duration.count(), 0);
}

}  // namespace
}  // namespace holdfast::gateway
