// Relays that are ended on purpose, over real sockets: what was under way arrives, and a part never looks whole.
#include <gtest/gtest.h>

#include "gateway/relays_rig.h"

namespace holdfast::gateway {
namespace {

class PartingTest : public testing::Test {
 protected:
  void SetUp() override { rig.open(); }

  // Closes all connections of the one server, as a drain at once does.
  void drain_server() {
    rig.set_pool([](Pool& pool) {
      pool.servers[0].closing = Closing::at_once;
      pool.servers[0].closing_reason = CloseReason::server_drained;
    });
  }
  // A pair that has talked, so that both legs are at rest.
  std::pair<Peer, Peer> pair() {
    Peer client = rig.connect();
    Peer server = rig.accept();
    client.send("hello");
    rig.until([&] { return server.drain(), server.got == "hello"; });
    server.got.clear();
    return {std::move(client), std::move(server)};
  }
  // Sends until neither kernels nor relay take more. Returns how much that was.
  std::size_t stuff(Peer& from) {
    const std::string flood(1'000'000, 'f');
    std::size_t sent = 0;
    for (int calm = 0; calm < 20;) {
      const std::size_t more = from.send_some(flood);
      sent += more;
      calm = more == 0 ? calm + 1 : 0;
      rig.loop.turn(1ms, [] {});
    }
    return sent;
  }
  // Until everything that was sent is in the kernel of the machine in the middle.
  static void wait_sent(const Peer& from) {
    while (!net::Transport(from.fd()).all_delivered()) sched_yield();
  }
  void until_gone() {
    rig.until([&] { return rig.relays().size() == 0; });
    EXPECT_EQ(rig.closed(CloseReason::server_drained), 1U);
    EXPECT_EQ(rig.slots[0].load.connections, 0U);
    EXPECT_LE(rig.worker_counters.buffer_memory_bytes.value(), 64 * 4096) << "the one block that is kept";
  }

  Rig rig;
};

TEST_F(PartingTest, BothEndsAreToldInOrderAndTheRelayWaitsForTheirs) {
  auto [client, server] = pair();
  drain_server();
  rig.until([&] { return client.drain(), server.drain(), client.ended && server.ended; });
  rig.settle();
  EXPECT_EQ(rig.relays().size(), 1U) << "what they still say must not be answered with a reset";
  EXPECT_EQ(rig.slots[0].load.connections, 1U) << "it counts until it has ended";
  client.send("thrown away");
  server.send("thrown away");
  rig.settle();
  client.close();
  server.close();
  until_gone();
  EXPECT_EQ(rig.counters[0].bytes[0].value(), 5U) << "what was thrown away was not relayed";
}

TEST_F(PartingTest, WhatTheKernelHasReceivedIsDeliveredBothWays) {
  auto [client, server] = pair();
  const std::string request(100'000, 'q');
  const std::string answer(100'000, 'a');
  client.send_some(request);  // the loop has not turned since: all of it is still unread
  server.send_some(answer);
  wait_sent(client);
  wait_sent(server);
  drain_server();
  rig.until([&] { return client.drain(), server.drain(), client.ended && server.ended; });
  EXPECT_EQ(server.got, request);
  EXPECT_EQ(client.got, answer);
  client.close();
  server.close();
  until_gone();
}

TEST_F(PartingTest, AnEndThatHasClosedAlreadyIsHeardToItsEnd) {
  auto [client, server] = pair();
  const std::size_t sent = stuff(client);  // the server takes nothing: kernels and relay are full
  client.end_writing();
  while (!net::Transport(client.fd()).all_delivered()) {  // until its end has come, and much is still in the middle
    server.take(20'000);
    for (int turn = 0; turn < 3; ++turn) rig.loop.turn(1ms, [] {});
  }
  ASSERT_LT(server.got.size(), sent);
  drain_server();
  rig.until([&] { return client.drain(), client.ended; });
  rig.until([&] { return server.drain(), server.ended || server.error != 0; });
  EXPECT_EQ(server.got.size(), sent);
  EXPECT_TRUE(server.ended) << "it was whole";
  server.close();
  until_gone();
}

TEST_F(PartingTest, ASlowReaderGetsWhatWasUnderWayAndThenAResetWhenThatIsAPart) {
  auto [client, server] = pair();
  const std::size_t sent = stuff(client);
  const auto under_way = rig.counters[0].bytes[0].value();
  drain_server();
  rig.until([&] { return client.drain(), client.ended; });
  rig.until([&] { return server.take(20'000), server.ended || server.error != 0; });
  EXPECT_EQ(server.error, ECONNRESET) << "the client had not come to an end";
  EXPECT_GE(server.got.size(), under_way - 5) << "all that had been read, and what the kernel had, without the hello";
  EXPECT_LT(server.got.size(), sent);
  client.close();
  until_gone();
}

TEST_F(PartingTest, AReaderThatTakesNothingIsCutAndTheOtherEndIsNot) {
  auto [client, server] = pair();
  stuff(client);
  drain_server();
  const auto begin = base::Clock::now();
  rig.until([&] { return client.drain(), client.ended; });
  EXPECT_LT(base::Clock::now() - begin, kLingerTimeout / 2) << "one direction does not wait for the other";
  client.close();
  const auto patience = begin + kLingerTimeout + 5s;
  while (rig.relays().size() > 0 && base::Clock::now() < patience) rig.loop.turn(20ms, [] {});
  EXPECT_GE(base::Clock::now() - begin, kLingerTimeout);
  until_gone();
  server.drain();
  EXPECT_EQ(server.error, ECONNRESET);
  EXPECT_FALSE(server.ended);
}

TEST_F(PartingTest, AnEndThatTalksOnForeverDoesNotKeepTheRelay) {
  auto [client, server] = pair();
  drain_server();
  rig.until([&] { return server.drain(), server.ended; });
  server.close();
  const std::string noise(50'000, 'n');
  const auto begin = base::Clock::now();
  rig.until([&] { return client.send_some(noise), rig.relays().size() == 0; });
  EXPECT_GE(base::Clock::now() - begin, 1s) << "it is given a while to read what it was sent";
  until_gone();
}

TEST_F(PartingTest, AResetMeanwhileIsPassedOnWhenItsStreamWasNotWhole) {
  auto [client, server] = pair();
  stuff(client);
  drain_server();
  rig.until([&] { return client.drain(), client.ended; });
  client.reset();
  rig.until([&] { return server.drain(), server.ended || server.error != 0; });
  EXPECT_EQ(server.error, ECONNRESET);
  until_gone();
}

TEST_F(PartingTest, WhoTakesNothingMoreDoesNotKeepTheOtherFromBeingTold) {
  auto [client, server] = pair();
  stuff(client);
  drain_server();
  rig.settle();
  server.reset();
  rig.until([&] { return client.drain(), client.ended || client.error != 0; });
  client.close();
  until_gone();
}

TEST_F(PartingTest, TheProcessMayStopInTheMiddle) {
  auto [client, server] = pair();
  stuff(client);
  drain_server();
  rig.settle();
  rig.relays().end_all(CloseReason::stopped);
  server.drain();
  EXPECT_EQ(server.error, ECONNRESET) << "there was more for it";
}

TEST_F(PartingTest, OneThatHadNoServerYetIsEndedAtOnce) {
  rig.stop_server(0);
  Peer client = rig.connect();
  rig.until([&] { return rig.slots[0].connect_failures_total == 1; });
  rig.rules().closing = {Closing::at_once, {}, CloseReason::listener_drained};
  rig.publish();
  rig.until([&] { return rig.relays().size() == 0; });
  EXPECT_EQ(rig.closed(CloseReason::listener_drained), 1U);
}

}  // namespace
}  // namespace holdfast::gateway
