// entry/bind_planner.h: where each listener of a new configuration gets its sockets from: it has them, another
// listener gives them up, or they are opened.
//
// Thread: control. What is planned holds what it has opened, and closes it when it is thrown away.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "entry/listening.h"

namespace holdfast::entry {

class BindPlanner {
 public:
  // A listener that there is, also one that has been removed but that workers still know. Both outlive the planner.
  struct Holder {
    std::string_view name;
    const Listening* listening = nullptr;
  };

  // `wanted`: all listeners that there will be, and only they; `holders`: those that there are now.
  BindPlanner(std::vector<Holder> holders, std::span<const config::Entrance* const> wanted, const Binder& binder);

  // All addresses of a listener. Throws std::runtime_error with a text for the operator when one cannot be had.
  [[nodiscard]] std::vector<PlannedBind> plan(const config::Entrance& entrance);

 private:
  // A bind that its listener will not have any more.
  struct Leaving {
    std::string_view of;
    const Bind* bind = nullptr;
    bool is_taken = false;  // another listener goes on with it
  };
  struct Planned {
    std::string_view by;
    net::SocketAddress address;
  };

  void find_leaving(std::span<const config::Entrance* const> wanted);
  [[nodiscard]] const Bind* find_own(const config::Entrance& entrance, const base::Endpoint& endpoint);
  [[nodiscard]] PlannedBind plan_bind(const config::Entrance& entrance, const base::Endpoint& endpoint);
  [[nodiscard]] PlannedBind open(const config::Entrance& entrance, const base::Endpoint& endpoint);
  [[nodiscard]] std::vector<net::SocketAddress> leaving_addresses() const;

  const std::vector<Holder> holders_;
  const Binder binder_;
  std::vector<Leaving> leaving_;
  std::vector<const Bind*> kept_;
  std::vector<Planned> planned_;
};

// The part of each of these sections that a planner looks at.
template <typename Section>
[[nodiscard]] std::vector<const config::Entrance*> entrances_of(const std::vector<Section>& sections) {
  std::vector<const config::Entrance*> entrances;
  for (const Section& section : sections) entrances.push_back(&section);
  return entrances;
}

}  // namespace holdfast::entry
