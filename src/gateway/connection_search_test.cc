// Finding connections over several workers, each a thread of its own. The records are the test's own.
#include "gateway/connection_search.h"

#include <gtest/gtest.h>

#include <set>
#include <thread>

#include "control/runtime.h"

namespace holdfast::gateway {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t kWorkers = 3;

// A worker as far as searches know it.
class Looker {
 public:
  Looker(std::uint16_t number, ScanResults& results)
      : scan_(loop_, relays, number, &results,
              {.pool_of = [](const Relay&) { return std::uint16_t{0}; },
               .kick = [this](base::Key key) { relays.remove(key); }}),
        orders_(ConnectionSearches::kUnderWayMax, loop_) {}
  ~Looker() { stop(); }

  void start() {
    thread_ = std::thread([this] {
      loop_.run(
          [this] { orders_.take([this](std::shared_ptr<const ScanOrder> order) { scan_.begin(std::move(order)); }); });
    });
  }
  void stop() {
    loop_.stop();
    if (thread_.joinable()) thread_.join();
  }
  void send(std::shared_ptr<const ScanOrder> order) { ASSERT_TRUE(orders_.post(std::move(order))); }

  base::Slab<Relay> relays;  // before start() and after stop(): the test's

 private:
  net::Loop loop_;
  ConnectionScan scan_;
  base::Mailbox<std::shared_ptr<const ScanOrder>> orders_;
  std::thread thread_;
};

class ConnectionSearchTest : public testing::Test {
 protected:
  ConnectionSearchTest() : pools_(make_pools()), searches_(runtime_, world()) {
    for (std::uint16_t i = 0; i < kWorkers; ++i) lookers_.push_back(std::make_unique<Looker>(i, searches_.results()));
  }
  ~ConnectionSearchTest() override {
    for (const auto& looker : lookers_) looker->stop();
  }

  // Of worker (id % kWorkers).
  Relay& add(std::uint64_t id) {
    base::Slab<Relay>& relays = lookers_[id % kWorkers]->relays;
    Relay& relay = *relays.find(relays.add());
    relay.id = id;
    relay.stage = Relay::Stage::relaying;
    relay.accepted = base::Clock::now();
    relay.last_activity = base::Tick::at(relay.accepted);
    relay.server = slot_;
    relay.connect_us = 1500;
    return relay;
  }
  // Runs `work` on control, with the workers running, until it has called done().
  void run(const std::function<void()>& work) {
    for (const auto& looker : lookers_) looker->start();
    runtime_.post(work);
    runtime_.run();
  }
  void done() { runtime_.stop(); }

  std::shared_ptr<const Pools> make_pools() {
    slot_ = *slots_.open("p", "a", 1);
    auto pool = std::make_shared<Pool>();
    pool->name = "p";
    Server& server = pool->servers.emplace_back();
    server.slot = slot_;
    server.name = "a";
    auto pools = std::make_shared<Pools>();
    pools->pools.push_back(std::move(pool));
    return pools;
  }
  ConnectionSearches::World world() {
    return {.pools = pools_,
            .servers = slots_,
            .listener_names =
                [] {
                  return std::vector<std::string>{"main", "other"};
                },
            .send =
                [this](const std::shared_ptr<const ScanOrder>& order) {
                  for (const auto& looker : lookers_) looker->send(order);
                  return lookers_.size();
                }};
  }
  static std::vector<std::uint64_t> ids(const ConnectionPage& page) {
    std::vector<std::uint64_t> found;
    for (const ConnectionInfo& each : page.connections) found.push_back(each.id);
    return found;
  }

  control::Runtime runtime_;
  ServerSlots slots_;
  std::uint16_t slot_ = kNoServer;
  base::Snapshot<Pools> pools_;
  ConnectionSearches searches_;
  std::vector<std::unique_ptr<Looker>> lookers_;
};

TEST_F(ConnectionSearchTest, PagesMergeOverTheWorkers) {
  for (std::uint64_t id = 1; id <= 1000; ++id) add(id);
  std::vector<std::uint64_t> all;
  std::size_t pages = 0;
  std::function<void(ConnectionPage)> next = [&](const ConnectionPage& page) {
    ++pages;
    EXPECT_EQ(page.matched, 1000U);
    for (const std::uint64_t id : ids(page)) all.push_back(id);
    if (!page.next) return done();
    searches_.find({.limit = 150, .after = page.next}, next);
  };
  run([&] { searches_.find({.limit = 150}, next); });
  EXPECT_EQ(pages, 7U);
  ASSERT_EQ(all.size(), 1000U);
  for (std::uint64_t id = 1; id <= 1000; ++id) EXPECT_EQ(all[id - 1], id);
}

TEST_F(ConnectionSearchTest, APageThatIsExactlyFullIsTheLast) {
  for (std::uint64_t id = 1; id <= 30; ++id) add(id);
  ConnectionPage page;
  run([&] { searches_.find({.limit = 30}, [&](ConnectionPage got) { page = std::move(got), done(); }); });
  EXPECT_EQ(page.connections.size(), 30U);
  EXPECT_FALSE(page.next);
}

TEST_F(ConnectionSearchTest, SaysAllThatIsKnownOfAConnection) {
  Relay& relay = add(4);
  relay.listener = 1;
  relay.bytes = {10, 20};
  relay.accepted -= 5s;
  relay.last_activity.count -= 100;
  Relay& waiting = add(5);
  waiting.stage = Relay::Stage::waiting;
  waiting.server = kNoServer;
  ConnectionPage page;
  run([&] { searches_.find({}, [&](ConnectionPage got) { page = std::move(got), done(); }); });
  ASSERT_EQ(page.connections.size(), 2U);
  const ConnectionInfo& info = page.connections[0];
  EXPECT_EQ(info.listener, "other");
  EXPECT_EQ(info.pool, "p");
  EXPECT_EQ(info.server, "a");
  EXPECT_EQ(info.stage, "relaying");
  EXPECT_NEAR(info.age_seconds, 5, 2);
  EXPECT_NEAR(info.idle_seconds, 1.6, 2);
  EXPECT_EQ(info.bytes_from_client, 10U);
  EXPECT_EQ(info.bytes_from_server, 20U);
  EXPECT_EQ(info.connect_seconds, 0.0015);
  EXPECT_EQ(info.worker, 1U);
  EXPECT_EQ(page.connections[1].stage, "waiting");
  EXPECT_FALSE(page.connections[1].server);
  EXPECT_FALSE(page.connections[1].connect_seconds);
}

TEST_F(ConnectionSearchTest, NamesNarrowAndUnknownOnesFindNothing) {
  add(1).listener = 1;
  add(2).server = kNoServer;
  const std::pair<ConnectionQuery, std::size_t> cases[] = {{{.listener = "main"}, 1},
                                                           {{.listener = "other"}, 1},
                                                           {{.listener = "x"}, 0},
                                                           {{.pool = "p"}, 2},
                                                           {{.pool = "x"}, 0},
                                                           {{.server = "a"}, 1},
                                                           {{.server = "x"}, 0},
                                                           {{.pool = "p", .server = "a"}, 1},
                                                           {{.pool = "x", .server = "a"}, 0}};
  std::size_t answered = 0;
  std::function<void()> next = [&] {
    if (answered == std::size(cases)) return done();
    searches_.find(cases[answered].first, [&](const ConnectionPage& page) {
      EXPECT_EQ(page.connections.size(), cases[answered].second) << answered;
      ++answered;
      next();
    });
  };
  run(next);
  EXPECT_EQ(answered, std::size(cases));
}

TEST_F(ConnectionSearchTest, OneTooManyIsToldSoAndAKickWaits) {
  for (std::uint64_t id = 1; id <= 1000; ++id) add(id);
  std::size_t found = 0;
  std::size_t busy = 0;
  std::size_t kicked = 0;
  run([&] {
    for (int i = 0; i < 12; ++i) {
      searches_.find({}, [&](const ConnectionPage& page) { ++(page.busy ? busy : found); });
    }
    searches_.kick(7, [&](bool was_there) { kicked += was_there ? 1 : 0; });
    searches_.kick(7, [&](bool was_there) {
      EXPECT_FALSE(was_there) << "it is gone by now";
      done();
    });
  });
  EXPECT_EQ(found, ConnectionSearches::kUnderWayMax);
  EXPECT_EQ(busy, 4U);
  EXPECT_EQ(kicked, 1U);
}

TEST_F(ConnectionSearchTest, WhoHasGoneIsNotAnswered) {
  for (std::uint64_t id = 1; id <= 1000; ++id) add(id);
  auto asker = std::make_shared<int>(0);
  run([&] {
    searches_.find({.asker = asker}, [](const ConnectionPage&) { ADD_FAILURE() << "nobody is there to hear it"; });
    asker.reset();
    searches_.find({}, [&](const ConnectionPage&) { done(); });  // is answered after the other would have been
  });
}

}  // namespace
}  // namespace holdfast::gateway
