// The pools of a process while they change: names, slots, snapshots, probes and lists.
#include "gateway/directory.h"

#include <gtest/gtest.h>

#include <boost/asio/io_context.hpp>
#include <random>
#include <set>
#include <utility>

#include "base/temporary_directory.h"
#include "base/thread_cpu_time.h"
#include "gateway/roster_rig.h"
#include "health/test_server.h"

namespace holdfast::gateway {
namespace {

using Keep = RuntimeChanges;

// As config fills it in.
config::Pool pool_of(const std::string& name, const std::vector<std::string>& servers) {
  config::Pool pool = plain_pool();
  pool.name = name;
  pool.health.reset();
  pool.resolve_interval = 30s;
  for (const std::string& each : servers) pool.servers.push_back(server(each));
  return pool;
}

class DirectoryTest : public testing::Test {
 protected:
  void make(const std::vector<config::Pool>& pools) {
    directory = std::make_unique<Directory>(runtime, pools, kWorkersMax, files / "data");
  }
  void open() {
    bool is_open = false;
    directory->open([&] { is_open = true; });
    until([&] { return is_open; });
  }
  // Turns the control thread until `done`.
  void until(const std::function<bool()>& done) {
    const auto deadline = base::Clock::now() + 30s;
    const control::Ticker look(runtime, 1ms, [&] {
      if (done() || base::Clock::now() > deadline) runtime.stop();
    });
    runtime.context().restart();
    runtime.run();
    ASSERT_TRUE(done()) << "it did not come to pass";
  }
  const Pool& pool(const std::string& name) {
    held = directory->pools().newest();
    return *held->pools.at(directory->slot_of(name).value());
  }
  std::map<std::string, ServerStatus> servers() {
    std::map<std::string, ServerStatus> all;
    for (PoolStatus& each : directory->status()) {
      for (ServerStatus& server : each.servers) all.insert_or_assign(each.name + "/" + server.name, std::move(server));
    }
    return all;
  }

  base::TemporaryDirectory files;
  control::Runtime runtime;
  std::unique_ptr<Directory> directory;
  std::shared_ptr<const Pools> held;
};

TEST_F(DirectoryTest, PoolsComeAndGoByName) {
  make({pool_of("p", {"a", "b"}), pool_of("q", {"c"})});
  const auto p = directory->slot_of("p");
  const Pool* const same = &pool("p");
  auto q = pool_of("q", {"c"});
  q.retries = 7;
  directory->apply({q, pool_of("r", {"d"}), pool_of("p", {"a", "b"})}, Keep::drop);
  EXPECT_EQ(directory->slot_of("p"), p) << "not by the order of the file";
  EXPECT_EQ(&pool("p"), same) << "nothing about it has changed";
  EXPECT_EQ(pool("q").retries, 7U);
  EXPECT_EQ(pool("r").servers[0].name, "d");
  directory->apply({pool_of("q", {"c"})}, Keep::drop);
  EXPECT_FALSE(directory->slot_of("p"));
  EXPECT_EQ(directory->pools().newest()->pools.at(*p)->name, "p") << "it still may have connections";
  EXPECT_TRUE(servers().at("p/a").leaving);
  EXPECT_TRUE(directory->pools().newest()->pools.at(*p)->tiers[0].members.empty());
  directory->apply({pool_of("p", {"b"}), pool_of("q", {"c"})}, Keep::drop);
  EXPECT_EQ(directory->slot_of("p"), p) << "it is the same pool";
  EXPECT_FALSE(servers().at("p/b").leaving);
}

TEST_F(DirectoryTest, ARemovedPoolIsThereUntilItsLastConnectionHasEnded) {
  make({pool_of("p", {"a"}), pool_of("q", {"b"})});
  open();
  const std::uint16_t slot = *directory->slot_of("p");
  PoolLoad& load = *pool("p").load;
  ServerSlot& server = directory->slots()[pool("p").servers[0].slot];
  load.connections = server.load.connections = 1;
  directory->apply({pool_of("q", {"b"})}, Keep::drop);
  until([&, begin = base::Clock::now()] { return base::Clock::now() - begin > 300ms; });
  EXPECT_EQ(directory->status().size(), 2U);
  EXPECT_TRUE(directory->status()[0].leaving);
  load.connections = server.load.connections = 0;
  until([&] { return directory->status().size() == 1; });
  directory->apply({pool_of("q", {"b"}), pool_of("r", {"a"})}, Keep::drop);
  EXPECT_NE(directory->slot_of("r"), slot) << "it rests";
}

TEST_F(DirectoryTest, CommandsSayWhatIsNotThere) {
  make({pool_of("p", {"a"})});
  using base::Errc;
  EXPECT_EQ(directory->change_server("x", "a", {}).error().where, std::string("pool"));
  EXPECT_EQ(directory->change_server("p", "x", {}).error().where, std::string("server"));
  EXPECT_EQ(directory->add_server("x", server("a")).error().code, Errc::not_found);
  EXPECT_EQ(directory->add_server("p", server("a")).error().code, Errc::exists);
  EXPECT_EQ(directory->remove_server("p", "x").error().code, Errc::not_found);
  directory->apply({}, Keep::drop);
  EXPECT_EQ(directory->remove_server("p", "a").error().code, Errc::not_found) << "the pool is leaving";
}

// Who has read the answer may connect before the control thread's next turn.
TEST_F(DirectoryTest, ACommandIsPublishedWhenItReturns) {
  make({pool_of("p", {"a", "b"})});
  directory->apply({pool_of("p", {"a", "b"})}, Keep::drop);
  auto before = directory->pools().newest();
  const auto published = [&] { return std::exchange(before, directory->pools().newest()) != before; };
  ASSERT_TRUE(directory->change_server("p", "a", {.mode = ServerMode::maint}));
  EXPECT_TRUE(published());
  ASSERT_TRUE(directory->add_server("p", server("c")));
  EXPECT_TRUE(published());
  ASSERT_TRUE(directory->remove_server("p", "c"));
  EXPECT_TRUE(published());
  EXPECT_FALSE(directory->remove_server("p", "x"));
  EXPECT_FALSE(published()) << "nothing has changed";
}

TEST_F(DirectoryTest, RuntimeChangesAreKeptOrDropped) {
  make({pool_of("p", {"a", "b"})});
  ASSERT_TRUE(directory->change_server("p", "a", {.mode = ServerMode::drain}));
  ASSERT_TRUE(directory->add_server("p", server("c")));
  directory->apply({pool_of("p", {"a", "b"})}, Keep::keep);
  EXPECT_EQ(directory->runtime_changes().size(), 2U);
  EXPECT_EQ(servers().at("p/a").state, "DRAIN");
  directory->apply({pool_of("p", {"a", "b"})}, Keep::drop);
  EXPECT_EQ(directory->runtime_changes().size(), 0U);
  EXPECT_EQ(servers().at("p/a").state, "UP");
  EXPECT_TRUE(servers().at("p/c").leaving);
}

TEST_F(DirectoryTest, ChecksChangeWithoutForgettingAndStopInMaintenance) {
  const health::Port listening;
  auto p = pool_of("p", {"a"});
  p.servers[0].address = listening.endpoint();
  p.health = plain_pool().health;
  p.health->interval = 20ms;
  p.health->jitter = 0;
  make({p});
  open();
  until([&] { return directory->status()[0].probes_total >= 2; });
  EXPECT_EQ(servers().at("p/a").state, "UP");
  ASSERT_TRUE(directory->change_server("p", "a", {.mode = ServerMode::maint}));
  until([&, before = std::uint64_t{0}, since = base::Clock::now()]() mutable {
    const std::uint64_t probes = directory->status()[0].probes_total;
    if (std::exchange(before, probes) != probes) since = base::Clock::now();
    return base::Clock::now() - since > 200ms;
  });
  const std::uint64_t before = directory->status()[0].probes_total;
  ASSERT_TRUE(directory->change_server("p", "a", {.mode = ServerMode::ready}));
  EXPECT_EQ(servers().at("p/a").state, "UP 1/3");
  until([&] { return servers().at("p/a").state == "UP"; });
  EXPECT_GT(directory->status()[0].probes_total, before);
  p.health->port = health::Port(health::Port::State::refusing).endpoint().port;
  directory->apply({p}, Keep::drop);
  EXPECT_EQ(servers().at("p/a").state, "UP") << "until its checks have failed at the new port";
  until([&] { return servers().at("p/a").state == "DOWN"; });
  p.health.reset();
  directory->apply({p}, Keep::drop);
  EXPECT_EQ(servers().at("p/a").state, "UP");
  p.health = plain_pool().health;
  p.health->interval = 20ms;
  directory->apply({p}, Keep::drop);
  EXPECT_EQ(servers().at("p/a").state, "UP 1/3");
  until([&] { return servers().at("p/a").state == "UP"; });
}

TEST_F(DirectoryTest, TheOldListStaysUntilTheNewSourceHasOne) {
  const auto list = [](const std::string& name) {
    return R"({"servers": [{"name": ")" + name + R"(", "address": "127.0.0.1:1"}]})";
  };
  files.write("one.json", list("one"));
  auto p = pool_of("p", {"a"});
  p.discovery = config::Discovery{.path = (files / "one.json").native()};
  make({p});
  open();
  ASSERT_EQ(servers().count("p/one"), 1U);
  const std::uint16_t slot = pool("p").servers[1].slot;
  p.discovery->path = (files / "two.json").native();
  directory->apply({p}, Keep::drop);
  until([&] { return directory->status()[0].discovery->alarm == "unreadable"; });
  EXPECT_FALSE(servers().at("p/one").leaving);
  EXPECT_EQ(pool("p").servers[1].slot, slot);
  files.write("two.json", list("two"));
  until([&] { return servers().contains("p/two"); });
  until([&] { return !servers().contains("p/one"); });
  p.discovery.reset();
  directory->apply({p}, Keep::drop);
  EXPECT_TRUE(servers().at("p/two").leaving);
  EXPECT_FALSE(directory->status()[0].discovery);
  p.discovery = config::Discovery{.path = (files / "one.json").native()};
  directory->apply({p,
                    [&] {
                      auto q = p;
                      q.name = "q";
                      return q;
                    }()},
                   Keep::drop);
  until([&] { return servers().contains("p/one") && servers().contains("q/one"); });
  EXPECT_EQ(servers().at("q/one").state, "UP");
}

TEST_F(DirectoryTest, HostNamesOfNewServersAreLookedUp) {
  make({pool_of("p", {})});
  open();
  auto p = pool_of("p", {"a"});
  p.servers[0].address = *base::parse_endpoint("localhost:9");
  auto q = p;
  q.name = "q";
  directory->apply({p, q}, Keep::drop);
  EXPECT_EQ(servers().at("p/a").cause, "host name not resolved");
  until([&] { return servers().at("p/a").state == "UP" && servers().at("q/a").state == "UP"; });
  EXPECT_EQ(servers().at("q/a").weight_now, 100U) << "a new pool begins as at the start of the process";
  EXPECT_LT(servers().at("p/a").weight_now, 100U) << "a server that comes later starts slowly";
}

// What can be seen of a pool, history left out.
std::string seen(const PoolStatus& status, const Pool& pool) {
  std::string text = status.name + " " + status.policy + (status.panic ? " panic" : "");
  const auto add = [&](const auto&... parts) { ((text += " " + std::string(parts)), ...); };
  add(std::to_string(pool.retries), std::to_string(pool.queue), std::to_string(pool.connect_timeout.count()),
      std::to_string(pool.early_close.count()), std::to_string(pool.hash_load_bound));
  for (const Source& source : pool.sources) add(source.address ? source.address->text() : "any");
  for (const ServerStatus& server : status.servers) {
    if (server.leaving) continue;
    add("\n", server.name, server.address, server.state.substr(0, server.state.find(' ')), server.cause, server.mode,
        server.origin, server.up ? "up" : "", server.backup ? "backup" : "", std::to_string(server.weight_now),
        std::to_string(server.max_connections), std::to_string(server.differs.size()));
    for (const SourceStatus& source : server.sources) add(source.address);
  }
  for (const Tier& tier : pool.tiers) {
    add("\n", tier.table ? "table" : "");
    for (std::size_t i = 0; i < tier.members.size(); ++i) {
      const Server& server = pool.servers[tier.members[i]];
      add(server.name, std::to_string(tier.servers[i].weight), std::to_string(tier.servers[i].share),
          std::to_string(server.max_connections), std::to_string(server.accept_rate.interval_us),
          std::to_string(static_cast<int>(server.closing)), std::to_string(server.closing_rate.interval_us));
      for (const net::SocketAddress& address : server.addresses) add(address.text());
    }
  }
  return text;
}

std::map<std::string, std::string> seen(const Directory& directory) {
  std::map<std::string, std::string> all;
  const auto pools = directory.pools().newest();
  for (const PoolStatus& status : directory.status()) {
    if (!status.leaving) all[status.name] = seen(status, *pools->pools.at(*directory.slot_of(status.name)));
  }
  return all;
}

class Random {
 public:
  explicit Random(std::uint64_t seed) : numbers_(seed) {}
  std::uint32_t below(std::uint32_t count) { return static_cast<std::uint32_t>(numbers_() % count); }
  bool once_in(std::uint32_t count) { return below(count) == 0; }

  config::Server server_named(const std::string& name) {
    config::Server made = server(name, "127.0.0." + std::to_string(1 + below(3)) + ":1");
    made.weight = below(4) * 50;
    made.max_connections = below(3);
    made.max_accept_rate = {below(2) * 10.0};
    made.backup = once_in(4);
    return made;
  }
  config::Pool pool_named(const std::string& name) {
    config::Pool pool = pool_of(name, {});
    pool.policy = static_cast<config::Policy>(below(6));
    pool.hash_load_bound = below(2) * 1.25;
    pool.retries = below(3);
    pool.queue = below(3);
    pool.slow_start = std::chrono::seconds(below(3));
    pool.drain_rate = {100.0 + below(2)};
    pool.on_down = static_cast<config::OnDown>(below(2));
    pool.on_remove = static_cast<config::OnRemove>(below(3));
    for (std::uint32_t i = below(3); i > 0; --i) {
      pool.source_addresses.push_back(
          *base::parse_endpoint(once_in(4) ? "[::1]:0" : "127.0.1." + std::to_string(i) + ":0"));
    }
    if (once_in(2)) pool.health = plain_pool().health;
    if (pool.health) pool.health->fall = 1 + below(4);
    if (once_in(2)) pool.passive = passive();
    std::vector<std::string> names = {"a", "b", "c", "d", "e"};
    std::ranges::shuffle(names, numbers_);
    names.resize(below(6));
    for (const std::string& each : names) pool.servers.push_back(server_named(each));
    return pool;
  }
  std::vector<config::Pool> pools() {
    std::vector<config::Pool> all;
    std::vector<std::string> names = {"p", "q", "r", "s"};
    std::ranges::shuffle(names, numbers_);
    names.resize(below(5));
    for (const std::string& each : names) all.push_back(pool_named(each));
    return all;
  }
  void command(Directory& directory, const config::Pool& pool) {
    for (const config::Server& each : pool.servers) {
      const auto mode = static_cast<ServerMode>(below(3));
      if (once_in(2)) (void)directory.change_server(pool.name, each.name, {.mode = mode, .weight = below(100)});
      if (once_in(4)) (void)directory.remove_server(pool.name, each.name);
    }
    if (once_in(2)) (void)directory.add_server(pool.name, server_named("added"));
    if (once_in(4)) (void)directory.add_server(pool.name, server_named("a"));
  }

 private:
  std::mt19937_64 numbers_;
};

TEST_F(DirectoryTest, AppliedIsAsIfStartedWithIt) {
  for (std::uint64_t seed = 0; seed < 300; ++seed) {
    SCOPED_TRACE(seed);
    Random random(seed);
    const auto before = random.pools();
    const auto after = random.pools();
    make(before);
    for (const config::Pool& each : before) random.command(*directory, each);
    std::map<std::string, std::uint16_t> slots;
    for (const config::Pool& each : before) {
      slots[each.name] = *directory->slot_of(each.name);
      for (const Server& server : pool(each.name).servers) slots[each.name + "/" + server.name] = server.slot;
    }
    directory->apply(after, Keep::drop);
    const Directory started(runtime, after, kWorkersMax, files / "data");
    ASSERT_EQ(seen(*directory), seen(started));
    EXPECT_TRUE(directory->runtime_changes().empty());
    for (const config::Pool& each : after) {
      const auto same = slots.find(each.name);
      ASSERT_TRUE(same == slots.end() || directory->slot_of(each.name) == same->second) << each.name;
      for (const Server& server : pool(each.name).servers) {
        const auto known = slots.find(each.name + "/" + server.name);
        ASSERT_TRUE(known == slots.end() || server.slot == known->second) << known->first;
      }
    }
  }
}

TEST_F(DirectoryTest, TwoThousandServersOfWhichOneChangedAreAppliedAtOnce) {
  auto big = pool_of("p", {});
  for (int i = 0; i < 2000; ++i) big.servers.push_back(server("s" + std::to_string(i)));
  for (const config::Policy policy : {config::Policy::least_connections, config::Policy::hash}) {
    big.policy = policy;
    make({big});
    big.servers[1000].weight = 50;
    const auto begin = base::thread_cpu_time();
    directory->apply({big}, Keep::drop);
    const auto took = std::chrono::duration<double, std::milli>(base::thread_cpu_time() - begin).count();
    RecordProperty(policy == config::Policy::hash ? "hash_us" : "least_connections_us", static_cast<int>(took * 1000));
    EXPECT_LT(took, 1000) << "it takes a few milliseconds; this only finds what is quadratic";
    EXPECT_EQ(pool("p").servers[1000].name, "s1000");
    EXPECT_EQ(servers().at("p/s1000").weight, 50U);
    big.servers[1000].weight = 100;
  }
}

}  // namespace
}  // namespace holdfast::gateway
