// What commands do to the servers of a roster, and what lists and reloads make of it.
#include "gateway/roster_rig.h"

namespace holdfast::gateway {
namespace {

class RosterCommands : public RosterTest {
 protected:
  void SetUp() override {
    pool = plain_pool();
    pool.discovery.emplace();
    open(pool, 2);
    roster().set_servers(Roster::Origin::discovered, {server("x")}, now);
    pass(2);
    pass(2);
    after(1h);
  }

  void command(const std::string& name, const ServerChange& change) {
    const auto done = roster().change_server(name, change, now);
    ASSERT_TRUE(done) << done.error().text();
  }
  void set_mode(const std::string& name, ServerMode mode) { command(name, {.mode = mode}); }
  void reload(bool keep) {
    if (!keep) roster().forget_commands();
    config::Pool wanted = pool;
    wanted.servers = list;
    roster().set_settings(wanted, now);
  }
  // "a weight 100 -> 50" of all differences.
  std::vector<std::string> differences() {
    std::vector<std::string> all;
    for (const RuntimeChange& each : roster().runtime_changes()) {
      EXPECT_EQ(each.pool, "p");
      all.push_back(each.server + " " + each.what + " " + each.file + " -> " + each.now);
    }
    return all;
  }
  using Texts = std::vector<std::string>;

  config::Pool pool;
};

TEST_F(RosterCommands, WhoseConnectionsAreClosedByADrain) {
  struct Row {
    const char* name;
    std::optional<base::Rate> rate;
    std::optional<config::Duration> deadline;
    Closing begin, after_deadline;
  };
  const Row rows[] = {
      {"they end by themselves", {}, {}, Closing::no, Closing::no},
      {"until the deadline", {}, 60s, Closing::no, Closing::at_once},
      {"paced", base::Rate{10}, {}, Closing::paced, Closing::paced},
      {"paced until the deadline", base::Rate{10}, 60s, Closing::paced, Closing::at_once},
  };
  for (const Row& row : rows) {
    for (const ServerMode mode : {ServerMode::drain, ServerMode::maint}) {
      SCOPED_TRACE(row.name);
      slots()[0].load.connections = 5;
      ServerChange order{.mode = mode, .rate = row.rate, .deadline = row.deadline};
      command("a", order);
      EXPECT_EQ(weight(0), 0U);
      EXPECT_EQ(state(0), mode == ServerMode::drain ? "DRAIN" : "MAINT");
      EXPECT_EQ(status(0).cause, "an operator said so");
      EXPECT_EQ(closing(0), row.begin);
      after(59s);
      EXPECT_EQ(closing(0), row.begin);
      after(1s);
      EXPECT_EQ(closing(0), row.after_deadline);
      const auto built = roster().build(now);
      if (row.rate) {
        EXPECT_EQ(built->servers[0].closing_rate.interval_us, 100'000U);
      }
      if (row.after_deadline != Closing::no) {
        EXPECT_EQ(built->servers[0].closing_reason, CloseReason::server_drained);
      }
      EXPECT_EQ(closing(1), Closing::no);
      set_mode("a", ServerMode::ready);
      EXPECT_EQ(closing(0), Closing::no) << "ready ends it at once";
      EXPECT_FALSE(status(0).draining);
    }
  }
}

TEST_F(RosterCommands, TheProgressOfADrainIsShown) {
  slots()[0].connections_total = 100;
  slots()[0].load.connections = 40;
  command("a", {.mode = ServerMode::drain, .rate = base::Rate{2}, .deadline = 30s});
  after(10s);
  slots()[0].load.connections = 20;
  const auto drain = status(0).draining;
  ASSERT_TRUE(drain);
  EXPECT_EQ(drain->remaining, 20U);
  EXPECT_EQ(drain->closed, 20U);
  EXPECT_EQ(drain->rate, 2);
  EXPECT_EQ(drain->deadline_seconds_left, 20);
  command("a", {.rate = base::Rate{7}});
  EXPECT_EQ(status(0).draining->rate, 7) << "a drain that runs gets another pace";
  EXPECT_EQ(status(0).draining->closed, 20U);
  EXPECT_EQ(status(0).draining->deadline_seconds_left, 20);
}

TEST_F(RosterCommands, ADrainedServerIsAskedAndOneInMaintenanceIsNot) {
  set_mode("a", ServerMode::drain);
  EXPECT_TRUE(told.pauses.empty());
  EXPECT_TRUE(roster().is_asked(0));
  fail(0, 3);
  EXPECT_EQ(state(0), "DRAIN");
  set_mode("a", ServerMode::ready);
  EXPECT_EQ(state(0), "DOWN") << "its checks went on";
  set_mode("a", ServerMode::maint);
  EXPECT_EQ(told.pauses, (std::vector<std::uint16_t>{0}));
  EXPECT_FALSE(roster().is_asked(0));
  EXPECT_EQ(roster().asked().size(), 2U);
  roster().connect_failed(0, "a late notice", now);
  EXPECT_TRUE(told.doubts.empty());
  set_mode("a", ServerMode::ready);
  EXPECT_EQ(told.resumes, (std::vector<std::string>{"127.0.0.1:1"}));
  EXPECT_EQ(state(0), "UP 1/3") << "as in HAProxy, it is up until its first check has failed";
  EXPECT_EQ(weight(0), 5U) << "and starts slowly";
  fail(0);
  EXPECT_EQ(state(0), "DOWN");
}

TEST_F(RosterCommands, OneInMaintenanceIsNoneOfThoseThatPanicCounts) {
  pool.health->panic_threshold = 0.5;
  open(pool, 4);
  set_mode("a", ServerMode::maint);
  fail(1, 3);
  EXPECT_FALSE(roster().in_panic()) << "one of three";
  fail(2, 3);
  EXPECT_TRUE(roster().in_panic()) << "two of three";
  set_mode("a", ServerMode::ready);
  EXPECT_FALSE(roster().in_panic());
}

TEST_F(RosterCommands, TheOperatorsWordOutlastsTheAgents) {
  set_mode("a", ServerMode::drain);
  EXPECT_EQ(status(0).mode_by, "operator");
  roster().agent_said(0, reply("ready"), now);
  EXPECT_EQ(state(0), "DRAIN");
  roster().agent_said(0, reply("maint"), now);
  EXPECT_EQ(status(0).mode, "drain");
  set_mode("a", ServerMode::ready);
  EXPECT_EQ(state(0), "UP") << "also what the agent had said";
  roster().agent_said(0, reply("maint"), now);
  EXPECT_EQ(status(0).mode, "maint");
  EXPECT_EQ(status(0).mode_by, "agent");
  set_mode("a", ServerMode::drain);
  reload(false);
  EXPECT_EQ(status(0).mode_by, "agent") << "a reload takes back what the operator has said, nobody else's word";
  set_mode("a", ServerMode::ready);
  EXPECT_EQ(state(0), "UP");
  EXPECT_EQ(differences(), Texts{});
}

TEST_F(RosterCommands, ChangesLieOnTopOfTheListsAndAreShown) {
  command("a", {.weight = 50, .max_connections = 9, .max_accept_rate = base::Rate{20}, .backup = true});
  command("b", {.address = *base::parse_endpoint("127.0.0.1:7")});
  command("x", {.mode = ServerMode::drain, .weight = 1});
  ASSERT_TRUE(roster().add_server(server("y"), now));
  command("y", {.weight = 3});
  EXPECT_EQ(status(0).weight, 50U);
  EXPECT_TRUE(status(0).backup);
  EXPECT_EQ(roster().build(now)->servers[0].accept_rate.interval_us, 50'000U);
  EXPECT_EQ(status(1).address, "127.0.0.1:7");
  EXPECT_EQ(told.moves, 1);
  EXPECT_EQ(status(2).origin, "runtime");
  EXPECT_EQ(status(2).weight, 3U);
  EXPECT_EQ(status(3).state, "DRAIN");
  EXPECT_EQ(status(3).differs, (std::vector<Difference>{{"state", "ready", "drain"}, {"weight", "100", "1"}}));
  EXPECT_EQ(differences(), (Texts{"a weight 100 -> 50", "a max_connections 0 -> 9", "a max_accept_rate 0 -> 20/s",
                                  "a backup false -> true", "b address 127.0.0.1:1 -> 127.0.0.1:7",
                                  "y added  -> 127.0.0.1:1", "x state ready -> drain", "x weight 100 -> 1"}));
  command("a", {.weight = 100, .max_connections = 0, .max_accept_rate = base::Rate{0}, .backup = false});
  command("x", {.mode = ServerMode::ready, .weight = 100});
  EXPECT_EQ(status(0).differs.size() + status(3).differs.size(), 0U) << "as the lists say";
}

TEST_F(RosterCommands, AReloadKeepsThemOrForgetsThem) {
  for (const bool keep : {true, false}) {
    SCOPED_TRACE(keep);
    set_mode("a", ServerMode::drain);
    command("b", {.weight = 50});
    (void)roster().add_server(server("y"), now);
    (void)roster().remove_server("x", now);
    slots()[0].load.connections = 4;
    reload(keep);
    EXPECT_EQ(state(0), keep ? "DRAIN" : "UP");
    EXPECT_EQ(status(0).connections, 4U);
    EXPECT_EQ(status(1).weight, keep ? 50U : 100U);
    EXPECT_EQ(roster().has_commands(), keep);
    for (const ServerStatus& each : roster().status(now)) {
      const bool may_leave = each.name == "x" || each.name == "y";
      EXPECT_EQ(each.leaving, may_leave && (each.name == "x") == keep) << each.name;
    }
    EXPECT_EQ(differences().empty(), !keep);
  }
}

TEST_F(RosterCommands, WhatTheNewFileSaysTooIsNoDifferenceAnyMore) {
  command("a", {.weight = 50});
  (void)roster().add_server(server("y"), now);
  command("y", {.weight = 7});
  (void)roster().remove_server("b", now);
  slots()[3].load.connections = 2;
  list[0].weight = 50;
  list.pop_back();
  list.push_back(server("y"));
  list.back().weight = 8;
  reload(true);
  EXPECT_EQ(differences(), Texts{"y weight 8 -> 7"});
  for (const ServerStatus& each : roster().status(now)) {
    if (each.name != "y") continue;
    EXPECT_EQ(each.origin, "file");
    EXPECT_EQ(each.connections, 2U) << "it is the same server";
  }
}

TEST_F(RosterCommands, OneThatDiscoveryLosesForAMomentIsStillDrained) {
  set_mode("x", ServerMode::drain);
  roster().set_servers(Roster::Origin::discovered, {server("z")}, now);
  after(1s);
  roster().set_servers(Roster::Origin::discovered, {server("x"), server("z")}, now);
  EXPECT_EQ(status(2).name, "x");
  EXPECT_EQ(state(2), "DRAIN");
}

TEST_F(RosterCommands, RemovedServersFollowOnRemoveAndMayBeAddedAgain) {
  slots()[0].load.connections = 4;
  ASSERT_TRUE(roster().remove_server("a", now));
  EXPECT_TRUE(status(0).leaving);
  EXPECT_EQ(closing(0), Closing::paced);
  EXPECT_EQ(status(0).draining->remaining, 4U);
  EXPECT_EQ(differences(), Texts{"a removed 127.0.0.1:1 -> "});
  EXPECT_EQ(roster().remove_server("a", now).error().code, base::Errc::not_found);
  config::Server again = server("a");
  again.weight = 30;
  ASSERT_TRUE(roster().add_server(again, now));
  EXPECT_FALSE(status(0).leaving);
  EXPECT_EQ(closing(0), Closing::no);
  EXPECT_EQ(status(0).connections, 4U);
  EXPECT_EQ(differences(), Texts{"a weight 100 -> 30"});
}

TEST_F(RosterCommands, WhatCannotBeIsRefusedAndChangesNothing) {
  (void)roster().build(now);
  using base::Errc;
  EXPECT_EQ(roster().change_server("nobody", {}, now).error().code, Errc::not_found);
  EXPECT_EQ(roster().change_server("a", {.weight = 1001}, now).error().code, Errc::malformed);
  EXPECT_EQ(roster().change_server("a", {.rate = base::Rate{1}}, now).error().code, Errc::malformed);
  EXPECT_EQ(roster().change_server("a", {.mode = ServerMode::ready, .deadline = 1s}, now).error().code,
            Errc::malformed);
  EXPECT_EQ(roster().add_server(server("x"), now).error().code, Errc::exists);
  EXPECT_FALSE(roster().is_changed());
  EXPECT_EQ(differences(), Texts{});
  while (slots().open("other", "filler", 1)) {
  }
  EXPECT_EQ(roster().add_server(server("y"), now).error().code, Errc::exhausted);
  EXPECT_EQ(differences(), Texts{});
}

}  // namespace
}  // namespace holdfast::gateway
