// gateway/closings.h: closes the connections of servers and listeners that are to lose them: the longest idle first, at
// a pace.
//
// Thread: the worker's. Cost: one pass over all relays when some begin to close, then one a connection.
// Pace:   of each server, of each listener, or of all that are closed because the node is drained; over all workers
//         together. What counts is when a closing begins. Looked at with each tick of the timers.
// Limits: at most kTurnMax are closed in one go, also at once: what is being relayed must not wait for all of them. One
//         takes some 11 us.
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

// A listener whose connections are to be closed. Those that are closed because of the node share pace and limit.
struct ListenerToClose {
  std::uint16_t listener = 0;
  Closing pace = Closing::no;
  CloseReason reason = CloseReason::listener_drained;
  policy::AcceptRate rate;
  policy::RateLimit* limit = nullptr;  // shared by all workers
};

class Closings final : public net::TimerWheel::Owner {
 public:
  static constexpr std::size_t kTurnMax = 100;

  // `close` begins to end a relay, which may live on until what is under way has been delivered.
  Closings(net::Loop& loop, ServerSlots& servers, base::Slab<Relay>& relays,
           std::function<void(base::Key, CloseReason)> close);

  // Pools or listeners have changed: connections may have to be closed, or may live on after all.
  void changed(const Pools& pools, std::span<const ListenerToClose> listeners);
  // A connection that was being made when its server or listener began to close is made now.
  void connected(base::Key key);

  net::TimerWheel::Node& timer_node(std::uint32_t /*index*/) noexcept override { return timer_; }
  void on_deadline(std::uint32_t index) override;

 private:
  // Those that are closed together, at one pace.
  struct Group {
    enum class Of : std::uint8_t { server, listener, node };
    Of of = Of::server;
    std::vector<std::uint16_t> slots;  // of one server, of one listener, or of the node's listeners
    Closing pace = Closing::no;
    CloseReason reason = CloseReason::server_down;
    policy::AcceptRate rate;
    policy::RateLimit* limit = nullptr;
    std::vector<base::Key> connections;  // the next to be closed is the last

    [[nodiscard]] bool is_same(const Group& other) const {
      return of == other.of && slots == other.slots && pace == other.pace;
    }
    [[nodiscard]] bool has(const Relay& relay) const;
  };

  void add_servers(const Pools& pools, std::vector<Group>& groups);
  static void add_listeners(std::span<const ListenerToClose> listeners, std::vector<Group>& groups);
  void fill(std::span<Group* const> begin);
  // Takes what it closes off `budget`.
  void close_some(Group& group, std::size_t& budget);

  net::Loop& loop_;
  ServerSlots& servers_;
  base::Slab<Relay>& relays_;
  std::function<void(base::Key, CloseReason)> close_;
  net::TimerWheel timers_;
  net::TimerWheel::Node timer_;
  std::vector<Group> groups_;
};

}  // namespace holdfast::gateway
