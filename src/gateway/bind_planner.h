// gateway/bind_planner.h: where each listener of a new configuration gets its sockets from: it has them, another
// listener gives them up, or they are opened.
//
// Thread: control. What is planned holds what it has opened, and closes it when it is thrown away.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "entry/binds.h"
#include "gateway/listener_slots.h"

namespace holdfast::gateway {

// An address that a listener is to have.
struct PlannedBind {
  enum class How : std::uint8_t { kept, handed_on, opened };
  How how = How::kept;
  entry::Bind bind;       // kept: only the sockets for workers that come
  std::string from = {};  // handed_on: by which listener
};

struct PlannedListener {
  config::Listener settings;
  std::size_t position = 0;
  std::vector<PlannedBind> binds{};
};

class BindPlanner {
 public:
  // `wanted`: all listeners that there will be, and only they; `listeners` as they are now.
  BindPlanner(ListenerSlots& listeners, std::span<const config::Listener> wanted, const entry::Binder& binder);

  // Throws std::runtime_error with a text for the operator when an address cannot be had.
  void plan(const config::Listener& settings);
  // It is to have no address: it was drained, and stays so.
  void plan_closed(const config::Listener& settings);
  [[nodiscard]] std::vector<PlannedListener> take() { return std::exchange(planned_, {}); }

 private:
  // A bind that its listener will not have any more.
  struct Leaving {
    const KnownListener* of = nullptr;
    const entry::Bind* bind = nullptr;
    bool is_taken = false;  // another listener goes on with it
  };

  void find_leaving(std::span<const config::Listener> wanted);
  [[nodiscard]] const entry::Bind* find_own(const config::Listener& settings, const base::Endpoint& endpoint);
  [[nodiscard]] PlannedBind plan_bind(const config::Listener& settings, const base::Endpoint& endpoint);
  [[nodiscard]] PlannedBind open(const config::Listener& settings, const base::Endpoint& endpoint);
  [[nodiscard]] std::vector<net::SocketAddress> leaving_addresses();

  ListenerSlots& listeners_;
  const entry::Binder binder_;
  std::vector<Leaving> leaving_;
  std::vector<const entry::Bind*> kept_;
  std::vector<PlannedListener> planned_;
};

}  // namespace holdfast::gateway
