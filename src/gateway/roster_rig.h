// gateway/roster_rig.h: for tests: a roster whose servers a test plays, with the test's own time.
//
// Thread: the test's.
#pragma once

#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "gateway/roster.h"

namespace holdfast::gateway {

using namespace std::chrono_literals;

class Told final : public Roster::Watcher {
 public:
  void joined(std::uint16_t slot, const base::Endpoint&) override { ++watched[slot]; }
  void moved(std::uint16_t, const base::Endpoint&) override { ++moves; }
  void left(std::uint16_t slot) override { --watched[slot]; }
  void paused(std::uint16_t slot) override { pauses.push_back(slot); }
  void resumed(std::uint16_t, const net::SocketAddress& at) override { resumes.push_back(at.text()); }
  void doubted(std::uint16_t, const net::SocketAddress& at) override { doubts.push_back(at.text()); }

  std::map<std::uint16_t, int> watched;  // how often; never more than once
  int moves = 0;
  std::vector<std::uint16_t> pauses;
  std::vector<std::string> resumes;  // where to ask
  std::vector<std::string> doubts;   // where to ask
};

inline config::Server server(const std::string& name, const std::string& address = "127.0.0.1:1") {
  config::Server made;
  made.name = name;
  made.address = *base::parse_endpoint(address);
  made.weight = 100;
  return made;
}

inline health::Outcome outcome(bool passed, std::optional<health::AgentReply> agent = {}) {
  health::Outcome made;
  made.passed = passed;
  made.reason = passed ? "connected" : "connection refused";
  made.agent = std::move(agent);
  return made;
}

inline config::Pool plain_pool() {
  config::Pool pool;
  pool.name = "p";
  pool.slow_start = 19s;
  pool.drain_rate = {100};
  pool.drain_deadline = 60s;
  pool.health.emplace();
  pool.health->interval = 2s;
  pool.health->fast_interval = 500ms;
  pool.health->timeout = 2s;
  pool.health->rise = 2;
  pool.health->fall = 3;
  pool.health->panic_threshold = 0;
  return pool;
}

inline config::Passive passive() {
  config::Passive passive;
  passive.errors = 3;
  passive.window = 10s;
  passive.eject = 10s;
  passive.eject_max = 60s;
  passive.eject_share = 0.5;
  return passive;
}

class RosterTest : public testing::Test {
 protected:
  // Servers a, b, c... that have passed their first check.
  void open(const config::Pool& pool, int servers) {
    list.clear();
    slots_ = std::make_unique<ServerSlots>();
    roster_ = std::make_unique<Roster>(pool, *slots_, load, told, now);
    for (int i = 0; i < servers; ++i) list.push_back(server(std::string(1, static_cast<char>('a' + i))));
    roster().set_servers(Roster::Origin::configured, list, now);
    roster().opened();
    for (int i = 0; pool.health && i < servers; ++i) pass(static_cast<std::uint16_t>(i));
  }
  Roster& roster() { return *roster_; }
  ServerSlots& slots() { return *slots_; }

  void pass(std::uint16_t slot) { (void)roster().probed(slot, outcome(true), now); }
  void fail(std::uint16_t slot, int times = 1) {
    for (int i = 0; i < times; ++i) (void)roster().probed(slot, outcome(false), now);
  }
  void after(base::Duration time) {
    now += time;
    roster().tick(now);
  }
  health::AgentReply reply(const std::string& line) { return *health::parse_agent_reply(line); }

  ServerStatus status(std::size_t index) { return roster().status(now).at(index); }
  std::string state(std::size_t index) { return status(index).state; }
  std::uint32_t weight(std::size_t index) { return roster().build(now)->tiers[0].servers.at(index).weight; }
  Closing closing(std::size_t index) { return roster().build(now)->servers.at(index).closing; }

  base::Time now = base::Clock::now();
  PoolLoad load{1};
  Told told;
  std::vector<config::Server> list;

 private:
  std::unique_ptr<ServerSlots> slots_;
  std::unique_ptr<Roster> roster_;
};

}  // namespace holdfast::gateway
