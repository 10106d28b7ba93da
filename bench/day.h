// bench/day.h: a day in the life of a pool, in virtual time: how even each policy keeps it, and whom it floods.
//
// Thread: one. Deterministic: the same settings and seed give the same day. Cost: a second or two for a day of 100,000.
//
// Clients stay for minutes (two in ten), hours (four) or days (four), log-normally spread, go, and come again within
// ten minutes. One that is cut comes back within five seconds, evenly spread; one that finds nobody doubles that, up to
// a minute. A server that dies refuses; a failed connect sets it aside for 5 s, checks see it 3 s after, and see it
// back 2 s after its return. What is compared is the choice: all this is the same for every plan.
//
// 08:00 a server joins            10:00 all restart in turn: 2 min down, the next 5 s after
// 13:00 one flaps for an hour     16:00 one dies, and returns at 17:00          20:00 one is drained in 5 min and
// removed
#pragma once

#include <array>
#include <optional>
#include <vector>

#include "day_pool.h"

namespace holdfast::day {

struct Settings {
  std::uint32_t servers = 10;
  std::uint32_t clients = 100'000;
  std::uint64_t seed = 1;
};

enum class Mark : std::uint8_t { join, restart, flapping, death, removal };
inline constexpr std::size_t kMarks = 5;

struct Outcome {
  double spread_average = 0;  // most loaded / mean, over the servers that serve; of samples each 10 s from 01:00 on
  double spread_worst = 0;
  // Until every server that serves is within 10 % of the mean, from the end of the event on; none: not before the next.
  std::array<std::optional<Seconds>, kMarks> settled;
  std::uint32_t flood = 0;           // the most connects one server got in one second
  std::uint32_t flood_returned = 0;  // the same, of servers that were back for no more than two minutes
  double returned_share = 0;         // the most of all connects that a server got in the first 10 s after it came up
  std::uint64_t connects = 0;
  std::uint64_t cuts = 0;        // connections that a server's death or removal ended
  std::uint64_t over_bound = 0;  // choices that broke the load bound of hash
  std::uint64_t nobody = 0;      // times that a client found no server and had to wait
};

[[nodiscard]] Outcome simulate(const Plan& plan, const Settings& settings);

}  // namespace holdfast::day
