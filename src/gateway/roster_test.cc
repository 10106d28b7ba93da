// What a roster makes of what is said of its servers. Time is the test's; nothing here waits.
#include "gateway/roster_rig.h"

namespace holdfast::gateway {
namespace {

TEST_F(RosterTest, StatesFollowTheChecksStepByStep) {
  struct Row {
    bool passes;
    const char* state;
    bool up;
    const char* cause;
  };
  open(plain_pool(), 2);
  const Row rows[] = {
      {false, "UP 2/3", true, "connection refused"},
      {false, "UP 1/3", true, "connection refused"},
      {true, "UP", true, "connected"},
      {false, "UP 2/3", true, "connection refused"},
      {false, "UP 1/3", true, "connection refused"},
      {false, "DOWN", false, "connection refused"},
      {false, "DOWN", false, "connection refused"},
      {true, "DOWN 1/2", false, "connected"},
      {false, "DOWN", false, "connection refused"},
      {true, "DOWN 1/2", false, "connected"},
      {true, "UP", true, "connected"},
  };
  for (std::size_t i = 0; i < std::size(rows); ++i) {
    SCOPED_TRACE(i);
    rows[i].passes ? pass(0) : fail(0);
    EXPECT_EQ(state(0), rows[i].state);
    EXPECT_EQ(status(0).up, rows[i].up);
    EXPECT_EQ(status(0).cause, rows[i].cause);
    EXPECT_EQ(weight(0) > 0, rows[i].up);
    EXPECT_EQ(weight(1), 100U);
  }
}

TEST_F(RosterTest, ChecksFollowFasterWhileAServerIsOnItsWay) {
  config::Pool pool = plain_pool();
  pool.health->down_interval = 7s;
  open(pool, 1);
  EXPECT_EQ(roster().probed(0, outcome(true), now), 2000ms);
  EXPECT_EQ(roster().probed(0, outcome(false), now), 500ms);
  EXPECT_EQ(roster().probed(0, outcome(false), now), 500ms);
  EXPECT_EQ(roster().probed(0, outcome(false), now), 7000ms);
  EXPECT_EQ(roster().probed(0, outcome(true), now), 500ms);
}

TEST_F(RosterTest, ACheckThatCouldNotBeMadeSaysNothing) {
  open(plain_pool(), 1);
  health::Outcome unasked = outcome(false);
  unasked.asked = false;
  for (int i = 0; i < 10; ++i) (void)roster().probed(0, unasked, now);
  EXPECT_EQ(state(0), "UP");
}

TEST_F(RosterTest, AgentsWordsAreObeyed) {
  struct Row {
    const char* line;
    const char* state;
    std::uint32_t weight;
    std::uint32_t limit;
    const char* cause;
  };
  const Row rows[] = {
      {"75%", "UP", 75, 0, "connected"},
      {"0%", "DRAIN", 0, 0, "weight 0"},
      {"1000%", "UP", 1000, 0, "connected"},
      {"2000%", "UP", 1000, 0, "connected"},
      {"100% maxconn:30", "UP", 100, 30, "connected"},
      {"maxconn:0", "UP", 100, 0, "connected"},
      {"drain", "DRAIN", 0, 0, "the agent said so"},
      {"maint#disk", "MAINT", 0, 0, "the agent said: disk"},
      {"50%", "MAINT", 0, 0, "the agent said: disk"},
      {"ready 100%", "UP", 100, 0, "connected"},
      {"down # hot", "DOWN", 0, 0, "the agent said: hot"},
      {"", "DOWN", 0, 0, "the agent said: hot"},
      {"ready", "DOWN", 0, 0, "the agent said: hot"},
      {"up", "UP", 100, 0, "connected"},
      {"stopped", "DOWN", 0, 0, "the agent said so"},
      {"up", "UP", 100, 0, "connected"},
      {"fail", "DOWN", 0, 0, "the agent said so"},
      {"up", "UP", 100, 0, "connected"},
  };
  config::Pool pool = plain_pool();
  pool.slow_start = 0s;
  open(pool, 1);
  fail(0);
  pass(0);  // so that there is a cause
  for (const Row& row : rows) {
    SCOPED_TRACE(row.line);
    roster().agent_said(0, reply(row.line), now);
    pass(0);  // the check beside it is of another opinion, or not
    EXPECT_EQ(state(0), row.state);
    EXPECT_EQ(weight(0), row.weight);
    EXPECT_EQ(status(0).max_connections, row.limit);
    EXPECT_EQ(roster().build(now)->servers[0].max_connections, row.limit);
    EXPECT_EQ(status(0).cause, row.cause);
    EXPECT_EQ(status(0).up, row.weight > 0);
  }
}

TEST_F(RosterTest, AnAgentThatSaysTheSameAgainChangesNothing) {
  open(plain_pool(), 2);
  for (const std::string line : {"75% maxconn:30", "drain", "ready", "down", "up"}) {
    SCOPED_TRACE(line);
    (void)roster().build(now);
    roster().agent_said(0, reply(line), now);
    EXPECT_TRUE(roster().is_changed());
    (void)roster().build(now);
    roster().agent_said(0, reply(line), now);
    EXPECT_FALSE(roster().is_changed()) << "workers would take up the same pool anew";
  }
}

TEST_F(RosterTest, AnAgentBesideThatIsNotHeardChangesNothingAndIsShown) {
  config::Pool pool = plain_pool();
  pool.slow_start = 0s;
  open(pool, 1);
  roster().agent_said(0, reply("50%"), now);
  roster().agent_silent(0, "connection refused");
  EXPECT_EQ(status(0).agent_error, "connection refused");
  EXPECT_EQ(weight(0), 50);
  roster().agent_silent(7, "nobody is there");
  roster().agent_said(0, reply("\n"), now);
  EXPECT_EQ(status(0).agent_error, "");
}

TEST_F(RosterTest, UpFromAnAgentBesideDoesNotOutvoteTheCheck) {
  open(plain_pool(), 2);
  fail(0, 3);
  roster().agent_said(0, reply("up"), now);
  EXPECT_EQ(state(0), "DOWN");
}

TEST_F(RosterTest, AnAgentThatIsTheCheckCountsAtOnce) {
  config::Pool pool = plain_pool();
  pool.health->type = config::HealthType::agent;
  pool.health->panic_threshold = 0.5;
  open(pool, 2);
  for (const std::uint16_t slot : {std::uint16_t{0}, std::uint16_t{1}}) {
    (void)roster().probed(slot, outcome(false, reply("down # over")), now);
    EXPECT_EQ(state(slot), "DOWN");
    EXPECT_EQ(status(slot).cause, "the agent said: over");
  }
  EXPECT_FALSE(roster().in_panic()) << "its own word is no reason to doubt";
  (void)roster().probed(0, outcome(true, reply("up 30%")), now);
  EXPECT_EQ(state(0), "UP");
  EXPECT_EQ(status(0).cause, "the agent said up");
}

TEST_F(RosterTest, AServerThatReturnsIsRampedInTwentySteps) {
  open(plain_pool(), 2);
  EXPECT_EQ(weight(0), 100U) << "those of the beginning are not new";
  fail(0, 3);
  pass(0);
  pass(0);
  (void)roster().build(now);
  EXPECT_EQ(weight(0), 5U);
  EXPECT_NEAR(roster().build(now)->tiers[0].servers[0].share, policy::kWholeShare * 5 / 105, 2);
  EXPECT_EQ(roster().build(now)->tiers[0].servers[1].share, policy::kWholeShare);
  after(0ms);
  (void)roster().build(now);
  for (std::uint32_t step = 2; step <= 20; ++step) {
    after(500ms);
    EXPECT_FALSE(roster().is_changed()) << "in the middle of a step";
    after(500ms);
    EXPECT_TRUE(roster().is_changed()) << step;
    EXPECT_EQ(weight(0), 5 * step);
    EXPECT_EQ(status(0).weight_now, 5 * step);
  }
  EXPECT_EQ(roster().build(now)->tiers[0].servers[0].share, policy::kWholeShare);
  after(0ms);
  (void)roster().build(now);
  after(1h);
  EXPECT_FALSE(roster().is_changed());
}

TEST_F(RosterTest, TheAcceptRateIsRampedWithTheWeight) {
  open(plain_pool(), 2);
  list[0].max_accept_rate = {1000};
  roster().set_servers(Roster::Origin::configured, list, now);
  EXPECT_EQ(roster().build(now)->servers[0].accept_rate.interval_us, 1000U);
  fail(0, 3);
  pass(0);
  pass(0);
  EXPECT_EQ(roster().build(now)->servers[0].accept_rate.interval_us, 20'000U);
  after(9500ms);
  EXPECT_EQ(roster().build(now)->servers[0].accept_rate.interval_us, 2'000U);
  after(9500ms);
  EXPECT_EQ(roster().build(now)->servers[0].accept_rate.interval_us, 1'000U);
}

TEST_F(RosterTest, SmallWeightsStayAboveNothing) {
  open(plain_pool(), 2);
  list[0].weight = 1;
  list[1].weight = 0;
  roster().set_servers(Roster::Origin::configured, list, now);
  roster().agent_said(0, reply("1%"), now);
  EXPECT_EQ(weight(0), 1U);
  EXPECT_EQ(weight(1), 0U);
}

TEST_F(RosterTest, PanicHoldsTheLastGoodSetUntilThereIsEvidence) {
  config::Pool pool = plain_pool();
  pool.health->panic_threshold = 0.5;
  open(pool, 4);
  fail(0, 3);
  fail(1, 3);
  EXPECT_EQ(state(0), "DOWN");
  EXPECT_FALSE(roster().in_panic()) << "a half is not more than a half";
  fail(2, 3);
  EXPECT_TRUE(roster().in_panic());
  for (std::size_t i = 0; i < 3; ++i) {
    SCOPED_TRACE(i);
    EXPECT_EQ(state(i), "UP");
    EXPECT_TRUE(status(i).held);
    EXPECT_EQ(status(i).cause, "panic keeps it in service: connection refused");
    EXPECT_EQ(weight(i), 100U) << "it was good just now and does not start slowly";
  }
  roster().connect_failed(0, "Connection refused", now);
  EXPECT_EQ(state(0), "DOWN");
  EXPECT_TRUE(roster().in_panic()) << "two of three that serve are held";
  pass(1);
  pass(1);
  EXPECT_FALSE(roster().in_panic());
  EXPECT_EQ(state(1), "UP");
  EXPECT_EQ(state(2), "DOWN") << "what is still held when it is over is down";
  EXPECT_EQ(weight(1), 100U);
}

TEST_F(RosterTest, ServersThatFailOneAfterTheOtherAreNoPanic) {
  config::Pool pool = plain_pool();
  pool.health->panic_threshold = 0.5;
  open(pool, 4);
  for (std::uint16_t slot = 0; slot < 3; ++slot) {
    fail(slot, 3);
    after(3s);
  }
  EXPECT_FALSE(roster().in_panic());
  EXPECT_EQ(weight(0) + weight(1) + weight(2), 0U);
  fail(3, 3);
  EXPECT_TRUE(roster().in_panic()) << "the last one of those that served";
}

TEST_F(RosterTest, ServersThatHaveLeftAreNoneOfTheGoodOnes) {
  config::Pool pool = plain_pool();
  pool.health->panic_threshold = 0.5;
  open(pool, 4);
  for (const std::uint16_t slot : {std::uint16_t{0}, std::uint16_t{1}}) slots()[slot].load.connections = 1;
  roster().set_servers(Roster::Origin::configured, {list[2], list[3]}, now);
  after(1s);
  ASSERT_EQ(roster().status(now).size(), 4U);
  fail(2, 3);
  EXPECT_EQ(state(2), "DOWN");
  fail(3, 3);
  EXPECT_TRUE(roster().in_panic()) << "both that are left";
  EXPECT_EQ(state(3), "UP");
  roster().set_servers(Roster::Origin::configured, list, now);
  EXPECT_FALSE(roster().in_panic()) << "two good ones are back";
  EXPECT_EQ(state(0), "UP");
  EXPECT_EQ(state(3), "DOWN");
}

TEST_F(RosterTest, ErrorsOfClientsEjectLongerEachTimeAndNeverTooMany) {
  config::Pool pool = plain_pool();
  pool.health.reset();
  pool.passive = passive();
  open(pool, 4);
  const auto trouble = [&](std::uint16_t slot, int errors) {
    for (int i = 0; i < errors; ++i) roster().closed_early(slot, now);
  };
  trouble(0, 2);
  EXPECT_EQ(state(0), "UP");
  trouble(0, 1);
  EXPECT_EQ(state(0), "DOWN");
  EXPECT_TRUE(status(0).ejected);
  EXPECT_EQ(status(0).cause, "3 errors within 10s, the last: closed early; ejected for 10s");
  EXPECT_EQ(weight(0), 0U);
  trouble(1, 3);
  trouble(2, 30);
  EXPECT_EQ(state(1), "DOWN");
  EXPECT_EQ(state(2), "UP") << "half of the pool is out already";
  after(9900ms);
  EXPECT_EQ(state(0), "DOWN");
  after(100ms);
  EXPECT_EQ(state(0), "UP");
  EXPECT_EQ(weight(0), 5U) << "what returns starts slowly";
  trouble(0, 3);
  EXPECT_EQ(status(0).cause, "3 errors within 10s, the last: closed early; ejected for 20s");
  after(19900ms);
  EXPECT_EQ(state(0), "DOWN");
  after(100ms);
  EXPECT_EQ(state(0), "UP");
  roster().connect_failed(0, "Connection refused", now);
  after(10100ms);
  trouble(0, 2);
  EXPECT_EQ(state(0), "UP") << "the first of the three is too old";
}

TEST_F(RosterTest, AServerWithoutWeightIsNobodyToEjectTheLastOneFor) {
  config::Pool pool = plain_pool();
  pool.health.reset();
  pool.passive = passive();
  open(pool, 2);
  list[1].weight = 0;
  roster().set_servers(Roster::Origin::configured, list, now);
  for (int i = 0; i < 3; ++i) roster().connect_failed(0, "Connection refused", now);
  EXPECT_FALSE(status(0).ejected) << "the other one takes no connections";
  EXPECT_EQ(weight(0), 100U);
  list[1].weight = 100;
  roster().set_servers(Roster::Origin::configured, list, now);
  roster().agent_said(1, reply("0%"), now);
  roster().connect_failed(0, "Connection refused", now);
  EXPECT_FALSE(status(0).ejected);
  roster().agent_said(1, reply("100%"), now);
  roster().connect_failed(0, "Connection refused", now);
  EXPECT_TRUE(status(0).ejected);
}

TEST_F(RosterTest, TroubleAsksForACheckButNotBeforeTheLastCanHaveEnded) {
  open(plain_pool(), 2);
  after(1h);
  for (int i = 0; i < 39; ++i) {
    roster().connect_failed(0, "Connection timed out", now);
    after(100ms);
    EXPECT_EQ(told.doubts.size(), i < 25 ? 1U : 2U) << "its timeout is two seconds, and it may begin a little late";
  }
  fail(0);
  after(1h);
  roster().connect_failed(0, "Connection refused", now);
  EXPECT_EQ(told.doubts.size(), 2U) << "it is failing already, and asked quickly";
}

TEST_F(RosterTest, ManyLostConnectionsAskForACheckAndAreNoError) {
  config::Pool pool = plain_pool();
  pool.passive = passive();
  open(pool, 2);
  after(1h);
  for (int i = 0; i < 10; ++i) roster().connections_lost(0, now);
  EXPECT_EQ(told.doubts.size(), 1U);
  EXPECT_FALSE(status(0).ejected);
  roster().connections_lost(77, now);
}

TEST_F(RosterTest, AServerThatHasMovedIsAskedWhereItIsNow) {
  open(plain_pool(), 1);
  after(1h);
  list[0].address = *base::parse_endpoint("127.0.0.1:2");
  roster().set_servers(Roster::Origin::configured, list, now);
  EXPECT_EQ(told.moves, 1);
  roster().connect_failed(0, "Connection refused", now);
  EXPECT_EQ(told.doubts, (std::vector<std::string>{"127.0.0.1:2"}));
}

TEST_F(RosterTest, OneThatLeftIsAskedNoMoreAndGoesWithItsLastConnection) {
  open(plain_pool(), 2);
  after(1h);
  slots()[0].load.connections = 2;
  roster().set_servers(Roster::Origin::configured, {list[1]}, now);
  EXPECT_EQ(state(0), "DRAIN");
  EXPECT_TRUE(status(0).leaving);
  EXPECT_EQ(status(0).cause, "removed");
  EXPECT_EQ(roster().build(now)->tiers[0].members.size(), 1U);
  roster().connect_failed(0, "Connection refused", now);
  EXPECT_TRUE(told.doubts.empty()) << "who is not asked any more cannot be asked again";
  EXPECT_EQ(told.watched[0], 0);
  after(100ms);
  EXPECT_EQ(roster().status(now).size(), 2U);
  slots()[0].load.connections = 0;
  after(100ms);
  EXPECT_EQ(roster().status(now).size(), 1U);
  roster().connect_failed(0, "Connection refused", now);  // a late notice
  roster().agent_said(0, reply("down"), now);
  pass(0);
}

TEST_F(RosterTest, OneThatLeftStaysUntilWorkersKnow) {
  config::Pool pool = plain_pool();
  pool.on_remove = config::OnRemove::close;
  open(pool, 2);
  roster().set_servers(Roster::Origin::configured, {list[1]}, now);
  after(1ms);
  ASSERT_EQ(roster().status(now).size(), 2U) << "nobody has been told yet";
  EXPECT_EQ(closing(0), Closing::at_once);
  slots()[0].load.connections = 1;  // a worker that did not know
  after(1s);
  EXPECT_EQ(closing(0), Closing::at_once);
  slots()[0].load.connections = 0;
  after(1ms);
  EXPECT_EQ(roster().status(now).size(), 1U);
}

TEST_F(RosterTest, OneThatIsBackInTimeKeepsItsPlaceAndIsAskedAgain) {
  open(plain_pool(), 1);
  list.push_back(server("named", "broker.example:1883"));
  roster().set_servers(Roster::Origin::discovered, {list[1]}, now);
  const auto address = *net::SocketAddress::from(*base::parse_endpoint("127.0.0.1:9"));
  roster().set_addresses(1, {address}, now);
  pass(1);
  pass(1);
  EXPECT_EQ(state(1), "UP");
  slots()[1].load.connections = 7;
  slots()[1].connections_total = 9;
  list.push_back(server("other"));
  roster().set_servers(Roster::Origin::discovered, {list[2]}, now);
  EXPECT_EQ(told.watched[1], 0);
  after(1s);
  roster().set_servers(Roster::Origin::discovered, {list[1], list[2]}, now);
  EXPECT_EQ(told.watched[1], 1);
  EXPECT_EQ(status(1).connections, 7U);
  EXPECT_EQ(status(1).connections_total, 9U);
  EXPECT_TRUE(roster().set_addresses(1, {address}, now)) << "its name is looked up anew, and that makes its checks";
  roster().set_addresses(1, {address}, now);
  EXPECT_EQ(state(1), "UP");
  EXPECT_EQ(closing(1), Closing::no);
}

TEST_F(RosterTest, AChangedListKeepsStatesRampsAndEjections) {
  config::Pool pool = plain_pool();
  pool.passive = passive();
  open(pool, 4);
  fail(0, 3);
  fail(1, 3);
  pass(1);
  pass(1);
  for (int i = 0; i < 3; ++i) roster().closed_early(2, now);
  after(5s);
  list[1].weight = 200;
  list.push_back(server("new"));
  roster().set_servers(Roster::Origin::configured, list, now);
  EXPECT_EQ(state(0), "DOWN");
  EXPECT_EQ(weight(1), 60U) << "the sixth step of 200";
  EXPECT_EQ(state(2), "DOWN");
  EXPECT_TRUE(status(2).ejected);
  EXPECT_EQ(state(3), "UP");
  EXPECT_EQ(state(4), "DOWN") << "one that comes later has to pass first";
  pass(4);
  EXPECT_EQ(state(4), "DOWN 1/2");
  pass(4);
  EXPECT_EQ(weight(4), 5U);
}

TEST_F(RosterTest, OriginsDoNotTouchEachOther) {
  open(plain_pool(), 2);
  config::Server intruder = server("a", "127.0.0.1:666");
  roster().set_servers(Roster::Origin::discovered, {intruder, server("x")}, now);
  EXPECT_EQ(status(0).address, "127.0.0.1:1");
  EXPECT_EQ(told.moves, 0);
  roster().set_servers(Roster::Origin::discovered, {server("y")}, now);
  EXPECT_FALSE(status(0).leaving);
  EXPECT_TRUE(status(2).leaving);
}

TEST_F(RosterTest, WhoseConnectionsAreClosed) {
  struct Row {
    const char* name;
    config::OnDown on_down;
    config::OnRemove on_remove;
    bool removed;  // or else down
    Closing begin, after_deadline;
  };
  using Down = config::OnDown;
  using Remove = config::OnRemove;
  const Row rows[] = {
      {"down, keep", Down::keep, Remove::close, false, Closing::no, Closing::no},
      {"down, close", Down::close, Remove::keep, false, Closing::paced, Closing::at_once},
      {"removed, keep", Down::close, Remove::keep, true, Closing::no, Closing::no},
      {"removed, drain", Down::keep, Remove::drain, true, Closing::paced, Closing::at_once},
      {"removed, close", Down::keep, Remove::close, true, Closing::at_once, Closing::at_once},
  };
  for (const Row& row : rows) {
    SCOPED_TRACE(row.name);
    config::Pool pool = plain_pool();
    pool.on_down = row.on_down;
    pool.on_remove = row.on_remove;
    open(pool, 2);
    slots()[0].load.connections = 5;
    row.removed ? roster().set_servers(Roster::Origin::configured, {list[1]}, now) : fail(0, 3);
    EXPECT_EQ(closing(0), row.begin);
    EXPECT_EQ(closing(1), Closing::no);
    after(59s);
    EXPECT_EQ(closing(0), row.begin);
    after(1s);
    EXPECT_EQ(roster().is_changed(), row.begin != row.after_deadline);
    EXPECT_EQ(closing(0), row.after_deadline);
    EXPECT_EQ(closing(1), Closing::no);
    EXPECT_EQ(roster().build(now)->servers[0].closing_reason,
              row.removed ? CloseReason::server_removed : CloseReason::server_down);
  }
}

TEST_F(RosterTest, AServerThatIsUpAgainKeepsTheRest) {
  config::Pool pool = plain_pool();
  pool.on_down = config::OnDown::close;
  open(pool, 2);
  fail(0, 3);
  EXPECT_EQ(closing(0), Closing::paced);
  pass(0);
  EXPECT_EQ(closing(0), Closing::paced);
  pass(0);
  EXPECT_EQ(closing(0), Closing::no);
}

TEST_F(RosterTest, BackupsAreATierOfTheirOwn) {
  open(plain_pool(), 2);
  list[1].backup = true;
  roster().set_servers(Roster::Origin::configured, list, now);
  const auto pool = roster().build(now);
  EXPECT_EQ(pool->tiers[0].members, (std::vector<std::uint32_t>{0}));
  EXPECT_EQ(pool->tiers[1].members, (std::vector<std::uint32_t>{1}));
}

TEST_F(RosterTest, KeysOfHashStayWhereTheyAreWhileAServerIsDownOrRamped) {
  config::Pool settings = plain_pool();
  settings.policy = config::Policy::hash;
  open(settings, 3);
  const auto table = roster().build(now)->tiers[0].table;
  fail(0, 3);
  EXPECT_EQ(roster().build(now)->tiers[0].table, table);
  pass(0);
  pass(0);
  const auto pool = roster().build(now);
  EXPECT_EQ(pool->tiers[0].table, table);
  EXPECT_NEAR(pool->tiers[0].servers[0].share, policy::kWholeShare / 20, 1);
  roster().set_servers(Roster::Origin::configured, {list[0], list[1]}, now);
  EXPECT_NE(roster().build(now)->tiers[0].table, table);
}

TEST_F(RosterTest, WhenSlotsRunOutTheServersThatAreKnownAreKeptAndChanged) {
  open(plain_pool(), 2);
  while (slots().open("other", "filler", 1)) {
  }
  list.insert(list.begin(), server("new"));
  list.push_back(server("newer"));
  list[2].weight = 7;
  roster().set_servers(Roster::Origin::configured, list, now);
  EXPECT_EQ(roster().status(now).size(), 2U);
  EXPECT_EQ(status(1).weight, 7U) << "it stands behind one that found no room";
  EXPECT_EQ(state(0), "UP");
}

TEST_F(RosterTest, TheSameAddressesAreNoChange) {
  open(plain_pool(), 1);
  (void)roster().build(now);
  const auto address = *net::SocketAddress::from(*base::parse_endpoint("127.0.0.9:1"));
  EXPECT_TRUE(roster().set_addresses(0, {address}, now));
  EXPECT_TRUE(roster().is_changed());
  (void)roster().build(now);
  EXPECT_FALSE(roster().set_addresses(0, {address}, now));
  EXPECT_FALSE(roster().is_changed());
  EXPECT_FALSE(roster().set_addresses(77, {address}, now)) << "nobody has that slot";
}

}  // namespace
}  // namespace holdfast::gateway
