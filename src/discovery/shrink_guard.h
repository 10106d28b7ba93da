// discovery/shrink_guard.h: a list that loses most of its servers at once is more often a mistake than a wish; it is
// reached step by step, so that there is time to notice.
//
// A server is who it is by name and address. When a list lacks more than half of the servers in use, what is new or has
// other settings is used at once, and what it lacks is kept, and then removed: at most a quarter of the servers in
// use, and at least one, with every step(). A new server that has the name of one that is kept (all of them
// moved, say) takes its place when that one is removed.
//
// Thread: one owner. Pure. Cost: a pass over both lists.
// Limits: at most 65,535 servers in use; what would be more is not kept.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "config/settings.h"

namespace holdfast::discovery {

inline constexpr std::size_t kServersMax = 65'535;  // as config::read_servers()

using Servers = std::vector<config::Server>;

// What tells a server from others: its name and its address.
[[nodiscard]] std::string identity(const config::Server& server);

enum class Shrink : std::uint8_t { step_by_step, at_once };

class ShrinkGuard {
 public:
  explicit ShrinkGuard(Shrink shrink) : shrink_(shrink) {}

  // A new list is to be reached from the one in use. Returns what to use now. While kept servers remain, every
  // further list is reached step by step as well, however little it lacks.
  [[nodiscard]] Servers aim(const Servers& in_use, Servers target);
  // Removes some of the kept servers. Returns what to use now.
  [[nodiscard]] Servers step();

  // Servers that are in use although the list lacks them. 0: the list is reached.
  [[nodiscard]] std::size_t kept() const noexcept { return kept_.size(); }

 private:
  [[nodiscard]] Servers use() const;

  const Shrink shrink_;
  Servers target_;
  Servers kept_;
};

}  // namespace holdfast::discovery
