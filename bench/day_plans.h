// bench/day_plans.h: the rows of the simulated day's table.
#pragma once

#include <string>
#include <vector>

#include "day.h"

namespace holdfast::day {

// Ours start slowly over 30 s. HAProxy's are modelled plainly: the same choice, and what its slowstart does, a weight
// that grows; its roundrobin and leastconn have no part of their own in it beyond that.
[[nodiscard]] inline std::vector<Plan> all_plans(const Settings& settings) {
  using policy::Kind;
  using Ramp = Plan::Ramp;
  using std::chrono_literals::operator""s;
  const auto full = settings.clients / settings.servers * 5 / 4;
  const double accepts = settings.clients / 200.0;
  return {
      {.name = "least_connections", .kind = Kind::least_connections, .slow_start = 30s},
      {.name = "least_connections, max_accept_rate " + std::to_string(settings.clients / 200) + "/s",
       .kind = Kind::least_connections,
       .slow_start = 30s,
       .accepts_per_second_max = accepts},
      {.name = "least_connections, slow_start 15 min", .kind = Kind::least_connections, .slow_start = 900s},
      {.name = "random_two", .kind = Kind::random_two, .slow_start = 30s},
      {.name = "round_robin", .kind = Kind::round_robin, .slow_start = 30s},
      {.name = "random", .kind = Kind::random, .slow_start = 30s},
      {.name = "hash", .kind = Kind::hash, .slow_start = 30s},
      {.name = "hash, bound 1.25", .kind = Kind::hash, .slow_start = 30s, .load_bound = 1.25},
      {.name = "first, max_connections 1.25 x mean", .kind = Kind::first, .slow_start = 30s, .connections_max = full},
      {.name = "leastconn as HAProxy, no slowstart", .kind = Kind::least_connections},
      {.name = "leastconn as HAProxy, slowstart 30s",
       .kind = Kind::least_connections,
       .slow_start = 30s,
       .ramp = Ramp::weight_only},
      {.name = "roundrobin as HAProxy, no slowstart", .kind = Kind::round_robin},
  };
}

}  // namespace holdfast::day
