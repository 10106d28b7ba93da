// Relays over real sockets on a loop that the test turns by hand.
#include "gateway/relays.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <functional>

#include "gateway/relays_rig.h"

namespace holdfast::gateway {

extern std::atomic<std::uint64_t> allocations;  // allocations_test.cc

namespace {

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
  EXPECT_EQ(rig.admission.connections(), 0U);
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

TEST_F(RelaysTest, AStreamThatIsCutWithBytesUnreadEndsWithAReset) {
  Peer client = rig.connect();
  Peer server = rig.accept();
  const std::string flood(4'000'000, 'f');
  const auto& bytes = rig.counters[0].bytes[0];
  for (std::uint64_t turn_bytes = 0; turn_bytes < kTurnBytesMax;) {  // until a turn leaves something unread
    client.send_some(flood);
    server.drain();
    const std::uint64_t before = bytes.value();
    rig.loop.turn(1ms, [] {});
    turn_bytes = rig.worker_counters.buffer_memory_bytes.value() == 0 ? bytes.value() - before : 0;
  }
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
  rig.publish();
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

TEST(Relays, MoreThanTheListenerAllowsAreRefused) {
  config::Listener listener = Rig::plain_listener();
  listener.max_connections = 2;
  Rig rig(1, listener);
  rig.open();
  Peer a = rig.connect();
  Peer b = rig.connect();
  Peer c = rig.connect();
  rig.until([&] { return c.drain(), c.ended || c.error != 0; });
  EXPECT_EQ(rig.relays().size(), 2U);
  EXPECT_EQ(rig.counters[0].refused[static_cast<std::size_t>(entry::RefuseReason::max_connections)].value(), 1U);
  a.reset();
  rig.until([&] { return rig.admission.connections() == 1; });
  Peer d = rig.connect();
  rig.until([&] { return rig.admission.connections() == 2; });
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

// The pause between retries is 500 ms. A machine that stands still makes one try late, and hardly each of five.
void expect_before_the_pause(const std::function<base::Duration()>& took) {
  base::Duration shortest = took();
  for (int i = 1; i < 5 && shortest >= 450ms; ++i) shortest = std::min(shortest, took());
  EXPECT_LT(shortest, 450ms);
}

TEST(Relays, HandshakeTimeoutHoldsDuringThePauseBetweenRetries) {
  expect_before_the_pause([] {
    Rig rig(1);
    rig.rules().handshake_timeout = 100ms;
    rig.open();
    rig.stop_server(0);
    Peer client = rig.connect();
    const auto start = base::Clock::now();
    rig.until([&] { return rig.closed(CloseReason::handshake_timeout) == 1; });
    const auto took = base::Clock::now() - start;
    EXPECT_TRUE(rig.slots[0].connect_failures_total == 1 || took >= 450ms);
    return took;
  });
}

TEST(Relays, EveryAddressOfAServerIsTriedBeforeThePause) {
  expect_before_the_pause([] {
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
    EXPECT_EQ(rig.slots[0].connect_failures_total, 1U);
    return base::Clock::now() - start;
  });
}

TEST(Relays, EveryAddressOfEveryServerIsTried) {
  for (const std::size_t dead_first : {0U, 1U}) {
    Rig rig(2);
    rig.open();
    net::SocketAddress dead;
    {
      const net::Fd closed_at_once = *net::open_listener(loopback(), {}, net::Sharing::alone);
      dead = *net::SocketAddress::local_of(closed_at_once.get());
    }
    rig.set_pool([&](Pool& pool) {
      for (std::size_t i = 0; i < 2; ++i) {
        auto& addresses = pool.servers[i].addresses;
        addresses.insert(i == dead_first ? addresses.begin() : addresses.end(), dead);
      }
    });
    rig.loop.turn(1ms, [&] { rig.relays().refresh(); });
    std::vector<Peer> clients;
    for (std::size_t count = 1; count <= 4; ++count) {
      clients.push_back(rig.connect());
      const auto settled = [&] {
        return rig.slots[0].connections_total + rig.slots[1].connections_total +
                   rig.closed(CloseReason::connect_failed) ==
               count;
      };
      rig.until(settled);
    }
    EXPECT_EQ(rig.closed(CloseReason::connect_failed), 0U) << "there were good addresses";
  }
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

TEST(Relays, AServerThatEndsManyConnectionsAtOnceIsTold) {
  Rig rig(1);
  rig.open();
  std::vector<Peer> clients;
  std::vector<Peer> servers;
  for (int i = 0; i < 40; ++i) {
    clients.push_back(rig.connect());
    servers.push_back(rig.accept());
    rig.until([&] { return rig.slots[0].connections_total == servers.size(); });
  }
  int lost = 0;
  const auto count = [&lost](const Notice& notice) {
    const auto* it = std::get_if<ConnectionsLost>(&notice);
    if (it == nullptr) return;
    EXPECT_EQ(it->server, 0);
    ++lost;
  };
  for (int i = 0; i < 5; ++i) servers[static_cast<std::size_t>(i)].reset();
  rig.until([&] { return rig.closed(CloseReason::server_reset) == 5; });
  rig.take_notices(count);
  EXPECT_EQ(lost, 0) << "a few are nothing unusual";
  for (std::size_t i = 5; i < servers.size(); ++i) servers[i].reset();
  rig.until([&] { return rig.closed(CloseReason::server_reset) == 40; });
  rig.take_notices(count);
  EXPECT_GE(lost, 1);
  EXPECT_LE(lost, 2) << "not for each of them";
}

TEST(Relays, AServerThatDoesNotAnswerInTheTimeOfTheListenerIsAvoidedByTheNext) {
  Rig rig(2);
  rig.rules().handshake_timeout = 100ms;  // less than the pool's connect_timeout
  rig.open();
  const net::Fd deaf(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  net::SocketAddress address = loopback();
  ASSERT_EQ(::bind(deaf.get(), address.get(), address.size()), 0);
  ASSERT_EQ(::listen(deaf.get(), 0), 0);
  address = *net::SocketAddress::local_of(deaf.get());
  std::vector<net::Fd> fillers;
  for (int i = 0; i < 3; ++i) fillers.emplace_back(*net::dial(address, {}));
  rig.set_pool([&](Pool& pool) { pool.servers[0].addresses = {address}; });
  rig.loop.turn(1ms, [&] { rig.relays().refresh(); });
  Peer unlucky = rig.connect();
  rig.until([&] { return rig.closed(CloseReason::handshake_timeout) == 1; });
  EXPECT_EQ(rig.slots[0].connect_failures_total, 1U);
  EXPECT_EQ(rig.slots[0].load.connections, 0U);
  EXPECT_EQ(rig.load.connections, 0U);
  for (int i = 0; i < 3; ++i) {
    Peer client = rig.connect();
    Peer server = rig.accept(1);
  }
}

TEST(Relays, NothingUsableInThePoolEndsTheClientAtOnce) {
  Rig rig(1);
  rig.open();
  rig.set_pool([](Pool& pool) { Rig::set_weight(pool, 0, 0); });
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
