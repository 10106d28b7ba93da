// Other rules, sockets and pools under the relays of one worker, turn by turn.
#include <gtest/gtest.h>

#include "gateway/relays_rig.h"

namespace holdfast::gateway {
namespace {

TEST(Renewal, WhatASocketHasQueuedIsAcceptedBeforeItIsLeft) {
  Rig rig;
  rig.open();
  std::vector<Peer> clients;
  for (int i = 0; i < 20; ++i) clients.push_back(rig.connect());
  rig.sockets.clear();
  rig.publish();
  rig.until([&] { return rig.relays().size() == 20; });
  Peer late = rig.connect();
  rig.until([&] { return late.drain(), late.ended || late.error != 0; });
  EXPECT_EQ(rig.relays().size(), 20U);
}

TEST(Renewal, ASocketThatIsHandedOnKeepsItsQueue) {
  Rig rig;
  rig.open();
  const auto before = rig.sockets.front();
  std::vector<Peer> clients;
  for (int i = 0; i < 5; ++i) clients.push_back(rig.connect());
  before->handed_on = true;
  ASSERT_TRUE(rig.others.take(1));
  rig.sockets = {std::make_shared<entry::ListenSocket>(*net::duplicate(before->fd()), before->address(),
                                                       std::uint16_t{0}, rig.others)};
  rig.publish();
  clients.push_back(rig.connect());
  rig.until([&] { return rig.relays().size() == 6; });
}

TEST(Renewal, TheDeadlineOfALivingConnectionFollowsTheRules) {
  Rig rig;
  rig.open();
  Peer client = rig.connect();
  Peer server = rig.accept();
  client.send("x");
  rig.until([&] { return server.drain(), server.got == "x"; });
  rig.rules().idle_timeout = 1h;
  rig.publish();
  rig.settle();
  EXPECT_EQ(rig.relays().size(), 1U);
  rig.rules().idle_timeout = 100ms;
  rig.publish();
  rig.until([&] { return rig.closed(CloseReason::idle_timeout) == 1; });
}

TEST(Renewal, APoolThatGoesEndsThoseWhoStillSeekAServerThere) {
  Rig rig;
  rig.open();
  rig.stop_server(0);
  Peer client = rig.connect();
  rig.until([&] { return rig.slots[0].connect_failures_total == 1; });
  ASSERT_EQ(rig.relays().size(), 1U) << "it is to try again";
  rig.remove_pool();
  rig.until([&] { return rig.closed(CloseReason::no_server) == 1; });
  Peer next = rig.connect();
  rig.until([&] { return rig.closed(CloseReason::no_server) == 2; });
}

TEST(Renewal, WhoWaitsAndWhoIsServedStayWithThePoolTheyCameFor) {
  Rig rig;
  rig.open();
  rig.set_pool([](Pool& pool) {
    Rig::set_max_connections(pool, 0, 1);
    pool.queue = 5;
    pool.queue_timeout = 10s;
  });
  Peer served = rig.connect();
  Peer server = rig.accept();
  Peer waits = rig.connect();
  rig.until([&] { return rig.load.waiting == 1; });
  rig.rules().pool = kNoPool;
  rig.publish();
  Peer next = rig.connect();
  rig.until([&] { return rig.closed(CloseReason::no_server) == 1; });
  EXPECT_EQ(rig.load.waiting, 1U);
  served.send("x");
  rig.until([&] { return server.drain(), server.got == "x"; });
  served.close();
  server.close();
  Peer second = rig.accept();
  waits.send("y");
  rig.until([&] { return second.drain(), second.got == "y"; });
}

}  // namespace
}  // namespace holdfast::gateway
