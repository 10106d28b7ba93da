// policy/server.h: a server as policies see it, and what all workers count of it.
//
// Thread: ServerLoad is shared by all workers and lives as long as the server is known; every field is atomic and
//         relaxed, so a choice may be one connection late. Server is built by control once for each change of the pool.
#pragma once

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdint>

#include "base/time.h"
#include "policy/aside_mark.h"
#include "policy/rate_limit.h"

namespace holdfast::policy {

inline constexpr std::uint32_t kWholeShare = 65'536;
inline constexpr std::uint32_t kServersMax = 65'534;  // of a pool: an index fits 16 bits and two values stay free
inline constexpr std::uint32_t kWeightMax = 1'000;

// A cache line of its own: what one server's connections write must not slow the choice of another.
struct alignas(64) ServerLoad {
  // Live and being connected: who takes a choice adds one, who ends it takes it off.
  std::atomic<std::uint32_t> connections{0};
  // A connect has failed: chosen only when nothing else is left.
  AsideMark aside;
  // The token is taken by who takes the choice.
  RateLimit accepts;
};

struct Server {
  std::uint32_t weight = 0;           // now, slow start included; 0 takes no new connections
  std::uint32_t share = kWholeShare;  // below kWholeShare: in slow start, see below
  std::uint32_t max_connections = 0;  // 0: no limit
  AcceptRate accept_rate{};           // interval 0: no limit
  ServerLoad* load = nullptr;         // never null in a view
};
// What `share` means depends on the policy, which would otherwise send every new connection to an empty server, or move
// all its keys at once:
//   least_connections, first   the most this server gets of all choices of the pool
//   hash                       the part of its own keys that it serves already; the others probe on. Its `weight` stays
//                              as configured meanwhile: the load bound is reckoned by it
//   all others                 not looked at: their choices follow the weight, which is ramped

}  // namespace holdfast::policy
