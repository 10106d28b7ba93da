// A roster whose settings change while its servers serve.
#include "gateway/roster_rig.h"

namespace holdfast::gateway {
namespace {

class RosterSettings : public RosterTest {
 protected:
  // The settings of the last open(), changed.
  void change(const std::function<void(config::Pool&)>& how) {
    config::Pool pool = roster().settings();
    how(pool);
    roster().set_settings(pool, now);
  }
};

TEST_F(RosterSettings, ProgressGoesOnUnderNewRules) {
  struct Row {
    std::uint32_t fall;
    const char* state;
  };
  open(plain_pool(), 2);
  slots()[0].load.connections = 7;
  fail(0);
  for (const Row& row : {Row{3, "UP 2/3"}, Row{5, "UP 4/5"}, Row{2, "UP 1/2"}, Row{1, "UP"}, Row{3, "UP"}}) {
    SCOPED_TRACE(row.fall);
    change([&](config::Pool& pool) { pool.health->fall = row.fall; });
    EXPECT_EQ(state(0), row.state);
    EXPECT_EQ(status(0).last_check, "connection refused");
    EXPECT_EQ(status(0).connections, 7U);
  }
  EXPECT_EQ(told.moves, 0);
  EXPECT_EQ(told.watched[0], 1);
}

TEST_F(RosterSettings, ChecksThatBeginTrustUntilTheFirst) {
  config::Pool pool = plain_pool();
  const auto health = std::exchange(pool.health, std::nullopt);
  open(pool, 2);
  EXPECT_EQ(state(0), "UP");
  change([&](config::Pool& to) { to.health = health; });
  EXPECT_EQ(state(0), "UP 1/3");
  EXPECT_EQ(weight(0), 100U) << "it serves as before, without a slow start";
  pass(1);
  fail(0);
  EXPECT_EQ(state(0), "DOWN");
  EXPECT_EQ(state(1), "UP");
}

TEST_F(RosterSettings, WithoutChecksNobodyIsDown) {
  config::Pool pool = plain_pool();
  pool.health->panic_threshold = 0.5;
  open(pool, 4);
  for (std::uint16_t slot = 0; slot < 3; ++slot) fail(slot, 3);
  ASSERT_TRUE(roster().in_panic());
  roster().connect_failed(0, "Connection refused", now);
  ASSERT_EQ(state(0), "DOWN");
  change([](config::Pool& to) { to.health.reset(); });
  EXPECT_FALSE(roster().in_panic());
  for (std::size_t i = 0; i < 4; ++i) EXPECT_EQ(state(i), "UP");
  EXPECT_EQ(status(0).last_check, "");
}

TEST_F(RosterSettings, ASlowStartThatIsHalfThroughIsHalfThrough) {
  open(plain_pool(), 2);
  fail(0, 3);
  pass(0);
  pass(0);
  after(9s);
  ASSERT_EQ(weight(0), 50U);
  change([](config::Pool& pool) { pool.slow_start = 190s; });
  EXPECT_EQ(weight(0), 50U);
  after(10s);
  EXPECT_EQ(weight(0), 55U);
  change([](config::Pool& pool) { pool.slow_start = 19s; });
  EXPECT_EQ(weight(0), 55U);
  change([](config::Pool& pool) { pool.slow_start = 0s; });
  EXPECT_EQ(weight(0), 100U);
}

TEST_F(RosterSettings, EjectionsEndWithTheirRulesAndKeepTheirEndUnderOthers) {
  config::Pool pool = plain_pool();
  pool.passive = passive();
  open(pool, 4);
  for (int i = 0; i < 3; ++i) roster().closed_early(0, now);
  ASSERT_TRUE(status(0).ejected);
  change([](config::Pool& to) { to.passive->eject = 1s; });
  after(5s);
  EXPECT_TRUE(status(0).ejected);
  change([](config::Pool& to) { to.passive.reset(); });
  EXPECT_FALSE(status(0).ejected);
  EXPECT_EQ(state(0), "UP");
  for (int i = 0; i < 30; ++i) roster().closed_early(0, now);
  EXPECT_FALSE(status(0).ejected);
}

TEST_F(RosterSettings, WhatAnAgentHasSaidIsForgottenWhenNobodyAsksIt) {
  config::Pool pool = plain_pool();
  pool.health->agent_port = 9;
  open(pool, 3);
  roster().agent_said(0, reply("30% maxconn:5"), now);
  roster().agent_said(1, reply("maint"), now);
  roster().agent_said(2, reply("down"), now);
  change([](config::Pool& to) { to.health->agent_port = 10; });
  EXPECT_EQ(weight(0), 30U) << "it is asked elsewhere, and what it said last holds";
  change([](config::Pool& to) { to.health->agent_port = 0; });
  EXPECT_EQ(weight(0), 100U);
  EXPECT_EQ(status(0).max_connections, 0U);
  EXPECT_EQ(state(1), "UP");
  EXPECT_EQ(state(2), "UP");
}

TEST_F(RosterSettings, WhatCloseMeansChangesForThoseThatAreDown) {
  open(plain_pool(), 2);
  fail(0, 3);
  slots()[0].load.connections = 5;
  EXPECT_EQ(closing(0), Closing::no);
  change([](config::Pool& pool) { pool.on_down = config::OnDown::close; });
  EXPECT_EQ(closing(0), Closing::paced);
  after(50s);
  change([](config::Pool& pool) { pool.drain_rate = {5}; });
  EXPECT_EQ(roster().build(now)->servers[0].closing_rate.interval_us, 200'000U);
  EXPECT_EQ(status(0).draining->rate, 5);
  EXPECT_EQ(status(0).draining->deadline_seconds_left, 10);
  change([](config::Pool& pool) { pool.drain_deadline = 20s; });
  EXPECT_EQ(closing(0), Closing::at_once);
  change([](config::Pool& pool) { pool.on_down = config::OnDown::keep; });
  EXPECT_EQ(closing(0), Closing::no);
  EXPECT_FALSE(status(0).draining);
}

TEST_F(RosterSettings, SourceAddressesKeepTheirNumbersAndPorts) {
  open(plain_pool(), 1);
  slots()[0].sources[0].ports = 3;  // from what the kernel has chosen
  const auto sources = [&] {
    std::map<std::string, int> all;
    const auto pool = roster().build(now);
    for (const Source& each : pool->sources) all[each.address ? each.address->text() : ""] = each.index;
    return all;
  };
  EXPECT_EQ(sources(), (std::map<std::string, int>{{"", 0}}));
  const auto address = [](const char* text) { return *base::parse_endpoint(text); };
  change([&](config::Pool& pool) { pool.source_addresses = {address("127.0.0.1:0"), address("127.0.0.2:0")}; });
  EXPECT_EQ(sources(), (std::map<std::string, int>{{"127.0.0.1:0", 1}, {"127.0.0.2:0", 2}}));
  slots()[0].sources[2].ports = 4;
  slots()[0].sources[1].unusable = true;
  change([&](config::Pool& pool) { pool.source_addresses = {address("127.0.0.2:0"), address("127.0.0.3:0")}; });
  EXPECT_EQ(sources(), (std::map<std::string, int>{{"127.0.0.2:0", 2}, {"127.0.0.3:0", 1}}));
  EXPECT_FALSE(slots()[0].sources[1].unusable) << "that was said of another address";
  ASSERT_EQ(status(0).sources.size(), 3U);
  EXPECT_EQ(status(0).sources[0].ports, 4U);
  EXPECT_EQ(status(0).sources[2].address, "") << "those that have ports in use are shown until they have none";
  EXPECT_EQ(status(0).sources[2].ports, 3U);
}

TEST_F(RosterSettings, AServerComesIntoReachWithASourceOfItsFamily) {
  config::Pool pool = plain_pool();
  pool.source_addresses = {*base::parse_endpoint("[::1]:0")};
  open(pool, 1);
  EXPECT_EQ(status(0).cause, "no source address is of its family");
  change([](config::Pool& to) { to.source_addresses.push_back(*base::parse_endpoint("127.0.0.1:0")); });
  EXPECT_EQ(state(0), "UP");
  change([](config::Pool& to) { to.source_addresses.pop_back(); });
  EXPECT_EQ(state(0), "DOWN");
}

TEST_F(RosterSettings, TheListHasTheOrderOfTheFile) {
  open(plain_pool(), 3);
  slots()[1].load.connections = 1;
  change([&](config::Pool& pool) { pool.servers = {server("new"), list[2], list[0]}; });
  std::vector<std::string> names;
  const auto pool = roster().build(now);
  for (const std::uint32_t member : pool->tiers[0].members) names.push_back(pool->servers[member].name);
  EXPECT_EQ(names, (std::vector<std::string>{"new", "c", "a"}));
  fail(2, 3);
  for (const ServerStatus& each : roster().status(now)) {
    EXPECT_EQ(each.state, each.name == "a" ? "UP" : each.name == "b" ? "DRAIN" : "DOWN") << each.name;
  }
}

TEST_F(RosterSettings, ServersOfDiscoveryLeaveWithIt) {
  config::Pool pool = plain_pool();
  pool.discovery.emplace();
  open(pool, 1);
  roster().set_servers(Roster::Origin::discovered, {server("x"), server("a", "127.0.0.1:9")}, now);
  EXPECT_EQ(status(0).origin, "file");
  EXPECT_EQ(status(1).origin, "discovery");
  change([](config::Pool& to) { to.discovery->path = "elsewhere"; });
  EXPECT_FALSE(status(1).leaving) << "the list stays until the new source has one";
  slots()[0].load.connections = 3;
  change([](config::Pool& to) { to.servers.clear(); });
  ASSERT_EQ(status(1).name, "a") << "in the order of the list";
  EXPECT_EQ(status(1).origin, "discovery") << "the file does not name it any more, but the list does";
  EXPECT_EQ(status(1).address, "127.0.0.1:9");
  EXPECT_EQ(status(1).connections, 3U);
  EXPECT_EQ(told.moves, 1);
  change([](config::Pool& to) { to.discovery.reset(); });
  EXPECT_TRUE(status(0).leaving);
  EXPECT_TRUE(status(1).leaving);
}

}  // namespace
}  // namespace holdfast::gateway
