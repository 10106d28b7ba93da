// gateway/closings.h: closes the connections of servers that are to lose them: the longest idle first, at a pace.
//
// Thread: the worker's. Cost: one pass over all relays when servers begin to close, then one a connection.
// Pace:   Pool::drain_rate for each server, over all workers together; looked at with each tick of the timers.
// Limits: at most kTurnMax are closed in one go, also at once: what is being relayed must not wait for all of them.
#pragma once

#include <functional>
#include <span>
#include <vector>

#include "base/slab.h"
#include "gateway/pools.h"
#include "gateway/relay.h"
#include "net/loop.h"
#include "net/timer_wheel.h"

namespace holdfast::gateway {

class Closings final : public net::TimerWheel::Owner {
 public:
  static constexpr std::size_t kTurnMax = 1000;

  // `close` ends a relay. It may be called for any that lives.
  Closings(net::Loop& loop, ServerSlots& servers, base::Slab<Relay>& relays,
           std::function<void(base::Key, CloseReason)> close);

  // The pools have changed: servers may have begun to close, or may keep their connections after all.
  void changed(const Pools& pools);
  // A connection that was being made when its server began to close is made now.
  void connected(base::Key key, std::uint16_t slot);

  net::TimerWheel::Node& timer_node(std::uint32_t /*index*/) noexcept override { return timer_; }
  void on_deadline(std::uint32_t index) override;

 private:
  struct Server {
    std::uint16_t slot = kNoServer;
    Closing pace = Closing::no;
    CloseReason reason = CloseReason::server_down;
    policy::AcceptRate rate;
    std::vector<base::Key> connections;  // the next to be closed is the last
  };

  [[nodiscard]] static std::vector<Server> closing_in(const Pools& pools);
  void fill(std::span<Server* const> begin);
  // Takes what it closes off `budget`.
  void close_some(Server& server, std::size_t& budget);

  net::Loop& loop_;
  ServerSlots& servers_;
  base::Slab<Relay>& relays_;
  std::function<void(base::Key, CloseReason)> close_;
  net::TimerWheel timers_;
  net::TimerWheel::Node timer_;
  std::vector<Server> closing_;
};

}  // namespace holdfast::gateway
