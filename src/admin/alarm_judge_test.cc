#include "admin/alarm_judge.h"

#include <gtest/gtest.h>

#include <functional>
#include <limits>

namespace holdfast::admin {
namespace {

using namespace std::chrono_literals;
using To = AlarmChange::To;

// A process in which all is well.
Sight well() {
  Sight sight;
  gateway::Status& gateway = sight.gateway;
  gateway.pools.push_back({.name = "p"});
  gateway.pools[0].servers.push_back({.pool = "p", .name = "s", .up = true});
  gateway.pools[0].servers[0].sources = {{"10.0.0.1", 10}};
  gateway.pools[0].discovery = gateway::DiscoveryStatus{.alarm = "none"};
  gateway.workers.resize(2);
  gateway.max_connections = 500;
  gateway.descriptors_free = 1000;
  gateway.local_ports = 100;
  return sight;
}

std::string text_of(const std::vector<AlarmChange>& changes) {
  std::string text;
  for (const AlarmChange& change : changes) {
    text += (text.empty() ? "" : ", ") + std::string(change.to == To::raised ? "+" : "-") + change.name;
    if (!change.subject.empty()) text += " " + change.subject;
  }
  return text;
}

struct Look {
  std::chrono::seconds at;
  std::function<void(Sight&)> what_is_wrong;
  const char* want;
};

void nothing(Sight&) {}
void panic(Sight& sight) { sight.gateway.pools[0].panic = true; }
void all_down(Sight& sight) { sight.gateway.pools[0].servers[0].up = false; }
void stale(Sight& sight) { sight.gateway.pools[0].discovery->alarm = "unreadable"; }
void paused(Sight& sight) { sight.gateway.workers[1].accept_paused = true; }
void gone(Sight& sight) { sight.gateway.pools.clear(); }
auto paused_before(std::uint64_t pauses) {
  return [pauses](Sight& sight) { sight.gateway.workers[0].accept_pauses = pauses; };
}
auto descriptors(std::int64_t free) {
  return [free](Sight& sight) {
    sight.gateway.listeners.resize(1);
    sight.gateway.listeners[0].connections = static_cast<std::uint64_t>(1000 - free) / 2;
    sight.gateway.descriptors_free = free;
  };
}
auto descriptors_without_a_limit(std::int64_t free, std::uint64_t connections) {
  return [=](Sight& sight) {
    sight.gateway.max_connections = std::numeric_limits<std::uint32_t>::max();
    sight.gateway.listeners.resize(1);
    sight.gateway.listeners[0].connections = connections;
    sight.gateway.descriptors_free = free;
  };
}
auto ports(std::uint64_t in_use) {
  return [in_use](Sight& sight) { sight.gateway.pools[0].servers[0].sources[0].ports = in_use; };
}
auto no_port(std::uint64_t total) {
  return [total](Sight& sight) { sight.gateway.pools[0].servers[0].ports_short_total = total; };
}
auto log_drops(std::uint64_t total) {
  return [total](Sight& sight) { sight.log_lines_dropped = total; };
}
auto notice_drops(std::uint64_t total) {
  return [total](Sight& sight) { sight.gateway.notices_dropped = total; };
}
auto events_lost(std::uint64_t total) {
  return [total](Sight& sight) { sight.events_lost = total; };
}

TEST(AlarmJudge, FollowsTheTable) {
  struct Case {
    const char* name;
    std::vector<Look> looks;
  };
  const Case cases[] = {
      {"all is well", {{0s, nothing, ""}, {100s, nothing, ""}}},
      {"panic: at once, and cleared when it has been quiet for 10 s",
       {{0s, nothing, ""},
        {1s, panic, "+pool_in_panic p"},
        {2s, panic, ""},
        {3s, nothing, ""},
        {12s, nothing, ""},
        {13s, nothing, "-pool_in_panic p"},
        {30s, nothing, ""}}},
      {"panic that comes and goes is one alarm",
       {{0s, panic, "+pool_in_panic p"},
        {1s, nothing, ""},
        {10s, panic, ""},
        {11s, nothing, ""},
        {20s, nothing, ""},
        {21s, nothing, "-pool_in_panic p"}}},
      {"no server: only when it lasts",
       {{0s, all_down, ""},
        {2s, all_down, ""},
        {3s, all_down, "+pool_without_servers p"},
        {4s, all_down, ""},
        {5s, nothing, "-pool_without_servers p"}}},
      {"no server for a moment is no alarm",
       {{0s, all_down, ""}, {2s, nothing, ""}, {3s, all_down, ""}, {5s, all_down, ""}}},
      {"discovery: when it lasts",
       {{0s, stale, ""}, {3s, stale, "+discovery_stale p"}, {4s, nothing, "-discovery_stale p"}}},
      {"accepting pauses",
       {{0s, nothing, ""},
        {1s, paused, "+descriptors_short"},
        {2s, nothing, ""},
        {12s, nothing, "-descriptors_short"}}},
      {"accepting has paused between two looks",
       {{0s, paused_before(4), ""}, {1s, paused_before(5), "+descriptors_short"}}},
      {"descriptors: short below a 20th, enough above a 10th",
       {{0s, descriptors(50), ""},
        {1s, descriptors(49), "+descriptors_short"},
        {2s, descriptors(100), ""},
        {20s, descriptors(100), ""},
        {21s, descriptors(101), ""},
        {31s, descriptors(101), "-descriptors_short"}}},
      {"descriptors without a limit of connections: of those that there are",
       {{0s, descriptors_without_a_limit(1000, 0), ""},
        {1s, descriptors_without_a_limit(100, 450), ""},
        {2s, descriptors_without_a_limit(48, 476), "+descriptors_short"}}},
      {"ports: from 95 %, until below 90 %",
       {{0s, ports(94), ""},
        {1s, ports(95), "+ports_short p/s"},
        {2s, ports(90), ""},
        {20s, ports(90), ""},
        {21s, ports(89), ""},
        {31s, ports(89), "-ports_short p/s"}}},
      {"a connect found no port", {{0s, no_port(3), ""}, {1s, no_port(3), ""}, {2s, no_port(4), "+ports_short p/s"}}},
      {"lines of the log",
       {{0s, log_drops(5), ""},
        {1s, log_drops(6), "+log_dropping log"},
        {5s, log_drops(7), ""},
        {6s, log_drops(7), ""},
        {15s, log_drops(7), ""},
        {16s, log_drops(7), "-log_dropping log"}}},
      {"lines about connections", {{0s, nothing, ""}, {1s, notice_drops(1), "+log_dropping connections"}}},
      {"events", {{0s, nothing, ""}, {1s, events_lost(1), "+events_lost"}}},
      {"an alarm goes with its pool",
       {{0s, panic, "+pool_in_panic p"}, {1s, gone, "-pool_in_panic p"}, {2s, panic, "+pool_in_panic p"}}},
      {"a server that comes with a counter that is not 0 is no alarm", {{0s, gone, ""}, {1s, no_port(9), ""}}},
  };
  for (const Case& c : cases) {
    AlarmJudge judge;
    for (const Look& look : c.looks) {
      SCOPED_TRACE(std::string(c.name) + ", at " + std::to_string(look.at.count()) + " s");
      Sight sight = well();
      look.what_is_wrong(sight);
      EXPECT_EQ(text_of(judge.look(sight, base::Time(1000s + look.at))), look.want);
    }
  }
}

TEST(AlarmJudge, SaysWhy) {
  AlarmJudge judge;
  (void)judge.look(well(), base::Time(1s));
  Sight sight = well();
  ports(97)(sight);
  log_drops(12)(sight);
  const auto changes = judge.look(sight, base::Time(2s));
  ASSERT_EQ(changes.size(), 2U);
  EXPECT_EQ(changes[0].why, "97 of 100 local ports are in use from 10.0.0.1");
  EXPECT_EQ(changes[1].why, "12 lines of the log were dropped");
}

TEST(AlarmJudge, PortsAreNotJudgedBeforeTheirNumberIsKnown) {
  AlarmJudge judge;
  Sight sight = well();
  sight.gateway.local_ports = 0;
  EXPECT_TRUE(judge.look(sight, base::Time(1s)).empty());
}

}  // namespace
}  // namespace holdfast::admin
