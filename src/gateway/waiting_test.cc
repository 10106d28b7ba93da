// The queue of a pool, over real sockets. With several workers: tests/blackbox/test_queue.py.
#include <gtest/gtest.h>

#include "gateway/relays_rig.h"

namespace holdfast::gateway {
namespace {

// Servers that take one connection each, and a queue.
class WaitingTest : public ::testing::Test {
 protected:
  void open(std::size_t servers, std::uint32_t queue = 10) {
    rig = std::make_unique<Rig>(servers);
    rig->set_pool([&](Pool& pool) {
      for (std::size_t i = 0; i < servers; ++i) Rig::set_max_connections(pool, i, 1);
      pool.queue = queue;
      pool.queue_timeout = 1min;
    });
    rig->open();
    for (std::size_t i = 0; i < servers; ++i) {
      served.push_back(rig->connect());
      held.push_back(rig->accept(i));
    }
  }
  Peer& come_and_wait() {
    waiting.push_back(rig->connect());
    const auto count = static_cast<std::uint32_t>(waiting.size());
    waiting.back().send(std::to_string(count));
    rig->until([&] { return rig->load.waiting == count; });
    return waiting.back();
  }
  // Whoever is served by this server next, by what it says.
  std::string next(std::size_t server) {
    held[server].reset();
    Peer peer = rig->accept(server);
    rig->until([&] { return peer.drain(), !peer.got.empty(); });
    held[server] = std::move(peer);
    return held[server].got;
  }

  std::unique_ptr<Rig> rig;
  std::vector<Peer> served, held, waiting;
};

TEST(WaitingLine, WhoeverComesBackStandsWhereItsTicketSays) {
  base::Slab<Relay> relays;
  WaitingLine line(relays);
  std::vector<std::uint32_t> index;
  for (std::uint64_t ticket = 1; ticket <= 4; ++ticket) {
    index.push_back(relays.add().index);
    relays[index.back()].ticket() = ticket;
  }
  line.join(index[3]);
  for (const std::size_t back : {1U, 0U, 2U}) line.join_again(index[back]);
  for (const std::uint32_t next : index) {
    EXPECT_EQ(line.first(), next);
    line.leave(next);
  }
  EXPECT_TRUE(line.empty());
  for (const std::size_t back : {1U, 0U, 2U}) line.join_again(index[back]);
  line.join(index[3]);
  for (const std::uint32_t next : index) {
    EXPECT_EQ(line.head(), relays[next].ticket());
    line.leave(next);
  }
}

TEST_F(WaitingTest, TheFirstInLineIsServedFirst) {
  open(1);
  for (int i = 0; i < 3; ++i) come_and_wait();
  EXPECT_EQ(next(0), "1");
  EXPECT_EQ(next(0), "2");
  EXPECT_EQ(next(0), "3");
  EXPECT_EQ(rig->load.waiting, 0U);
}

TEST_F(WaitingTest, WhoGivesUpLeavesTheLineHoweverItGoes) {
  open(1);
  for (int i = 0; i < 5; ++i) come_and_wait();
  waiting[0].close();
  rig->until([&] { return rig->load.waiting == 4; });
  waiting[2].end_writing();
  rig->until([&] { return rig->load.waiting == 3; });
  EXPECT_EQ(rig->closed(CloseReason::client_closed), 2U);
  waiting[4].reset();
  rig->until([&] { return rig->load.waiting == 2; });
  EXPECT_EQ(rig->closed(CloseReason::client_reset), 1U);
  EXPECT_EQ(next(0), "2");
  EXPECT_EQ(next(0), "4");
}

TEST_F(WaitingTest, UrgentDataIsNoEnd) {
  open(1);
  Peer& client = come_and_wait();
  ASSERT_EQ(::send(client.fd(), "!", 1, MSG_OOB), 1);
  rig->settle();
  EXPECT_EQ(rig->load.waiting, 1U);
  EXPECT_EQ(next(0), "1");
}

TEST_F(WaitingTest, WhoseTurnWasInVainIsFirstAgainAlsoInAFullQueue) {
  open(2, 2);
  come_and_wait();
  come_and_wait();
  rig->stop_server(0);
  held[0].reset();  // a place at a server that refuses
  rig->until([&] { return rig->slots[0].connect_failures_total == 1; });
  EXPECT_EQ(rig->load.waiting, 2U);
  EXPECT_EQ(next(1), "1");
  EXPECT_EQ(next(1), "2");
}

TEST_F(WaitingTest, AServerThatFailedBeforeTheWaitIsAskedAgainAfterIt) {
  open(2);
  rig->stop_server(0);
  served[0].reset();
  rig->until([&] { return rig->slots[0].load.connections == 0; });
  waiting.push_back(rig->connect());
  waiting.back().send("x");
  rig->until([&] { return rig->load.waiting == 1 && rig->slots[0].connect_failures_total == 1; });
  const net::Fd back = *net::open_listener(loopback(), {}, net::Sharing::alone);
  const auto address = *net::SocketAddress::local_of(back.get());
  rig->set_pool([&](Pool& pool) { pool.servers[0].addresses = {address}; });
  rig->slots[0].load.aside.take_back();
  rig->until([&] { return rig->slots[0].load.connections == 1 && rig->load.waiting == 0; });
}

TEST_F(WaitingTest, WhenAllGoDownWhoWaitsIsTreatedAsWhoComes) {
  open(1);
  come_and_wait();
  come_and_wait();
  rig->set_pool([](Pool& pool) {
    Rig::set_weight(pool, 0, 0);
    pool.when_all_down = config::WhenAllDown::queue;
  });
  rig->until([&] { return rig->loop.counters().turns.value() > 50; });
  EXPECT_EQ(rig->load.waiting, 2U);
  rig->set_pool([](Pool& pool) { pool.when_all_down = config::WhenAllDown::refuse; });
  rig->until([&] { return rig->closed(CloseReason::no_server) == 2; });
  EXPECT_EQ(rig->load.waiting, 0U);
}

TEST_F(WaitingTest, OneMoreThanTheQueueHoldsIsClosed) {
  open(1, 2);
  come_and_wait();
  come_and_wait();
  Peer late = rig->connect();
  rig->until([&] { return rig->closed(CloseReason::queue_full) == 1; });
  EXPECT_EQ(rig->load.waiting, 2U);
  EXPECT_EQ(next(0), "1");
}

TEST_F(WaitingTest, TheEndOfAllEndsTheLine) {
  open(1);
  come_and_wait();
  rig->relays().end_all(CloseReason::stopped);
  EXPECT_EQ(rig->load.waiting, 0U);
  EXPECT_EQ(rig->load.heads[0], PoolLoad::kNobody);
  EXPECT_EQ(rig->admission.connections(), 0U);
}

// The choice sees no limit, so it is as if another worker had taken the place after it.
TEST(Claim, APlaceThatAnotherHasTakenSinceTheChoiceIsNotTakenTwice) {
  for (const std::uint32_t queue : {0U, 5U}) {
    Rig rig;
    rig.set_pool([queue](Pool& pool) {
      pool.servers[0].max_connections = 1;
      pool.queue = queue;
      pool.queue_timeout = 1min;
    });
    rig.open();
    Peer first = rig.connect();
    Peer server = rig.accept();
    Peer second = rig.connect();
    rig.until([&] { return queue > 0 ? rig.load.waiting == 1 : rig.closed(CloseReason::servers_full) == 1; });
    EXPECT_EQ(rig.slots[0].load.connections, 1U);
    EXPECT_EQ(rig.load.connections, 1U);
    if (queue == 0) continue;
    server.reset();
    rig.until([&] { return rig.load.waiting == 0 && rig.slots[0].connections_total == 2; });
  }
}

TEST(Claim, WhoComesBackToTheQueueDoesNotWaitLongerForIt) {
  Rig rig;
  rig.set_pool([](Pool& pool) {
    pool.servers[0].max_connections = 1;
    pool.queue = 5;
    pool.queue_timeout = 200ms;
  });
  rig.open();
  Peer first = rig.connect();
  Peer server = rig.accept();
  Peer second = rig.connect();
  rig.until([&] { return rig.closed(CloseReason::queue_timeout) == 1; });
  EXPECT_EQ(rig.load.waiting, 0U);
  rig.take_notices([](const Notice& notice) {
    const auto* ended = std::get_if<ConnectionEnded>(&notice);
    EXPECT_TRUE(ended == nullptr || ended->bytes_from_client == 0);
  });
}

TEST(WaitingLine, KeepsTheOrderWhateverLeaves) {
  base::Slab<Relay> relays;
  WaitingLine line(relays);
  std::vector<std::uint32_t> in;
  for (int i = 0; i < 5; ++i) in.push_back(relays.add().index);
  const auto order = [&] {
    std::vector<std::uint32_t> found;
    for (std::uint32_t at = line.first(); at != Relay::kNobody; at = relays[at].behind) found.push_back(at);
    return found;
  };
  EXPECT_EQ(line.head(), PoolLoad::kNobody);
  for (int i = 0; i < 4; ++i) line.join(in[static_cast<std::size_t>(i)]);
  line.leave(in[1]);
  line.leave(in[3]);
  EXPECT_EQ(order(), (std::vector{in[0], in[2]}));
  line.join_again(in[4]);
  line.join(in[1]);
  EXPECT_EQ(order(), (std::vector{in[4], in[0], in[2], in[1]}));
  line.leave(in[4]);
  for (const auto each : order()) line.leave(each);
  EXPECT_TRUE(line.empty());
  line.join_again(in[3]);
  line.join(in[2]);
  EXPECT_EQ(order(), (std::vector{in[3], in[2]}));
}

}  // namespace
}  // namespace holdfast::gateway
