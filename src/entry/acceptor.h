// entry/acceptor.h: the listening sockets of one worker, and whom they let in.
//
// Thread: the worker's.
// Limits: at most kBurst connections are accepted from one socket in a turn. A connection needs descriptors; when
//         the budget or the kernel has no more, accepting pauses: the house is told, no spinning. What waits in the
//         kernel's queue is then tried every kPauseStep, and the pause is over (it is told again) after
//         kPauseCalm without a shortage. A socket that the kernel has no memory to watch is tried in the same way.
#pragma once

#include <memory>

#include "base/slab.h"
#include "entry/house.h"
#include "net/descriptors.h"
#include "net/loop.h"
#include "net/timer_wheel.h"

namespace holdfast::entry {

class Acceptor final : public net::Loop::Source, public net::TimerWheel::Owner {
 public:
  static constexpr int kBurst = 8;
  static constexpr int kStopMax = 4096;
  static constexpr std::chrono::milliseconds kPauseStep{50};
  static constexpr std::chrono::milliseconds kPauseCalm{500};

  // What a connection costs: so many descriptors of this budget.
  struct Cost {
    net::DescriptorBudget& budget;
    std::int64_t descriptors;
  };

  // Of the worker with this number. Everything outlives the acceptor.
  Acceptor(net::Loop& loop, std::uint16_t worker, Cost cost, House& house);

  // Takes the sockets of this worker from those that the house has; before the first turn, and when there are others.
  // From those that are gone it accepts what the kernel has queued by now (at most kStopMax a socket), then
  // never again.
  void refresh();

  void on_ready(net::Token token, net::Ready ready) override;
  void on_resume(net::Token token) override;
  net::TimerWheel::Node& timer_node(std::uint32_t /*index*/) noexcept override { return pause_timer_; }
  void on_deadline(std::uint32_t index) override;

 private:
  struct Socket {
    std::shared_ptr<ListenSocket> of;
    bool resuming = false;
    bool watched = false;
  };
  enum class Outcome : std::uint8_t { accepted, empty, short_of_descriptors };

  void add(const std::shared_ptr<ListenSocket>& socket);
  void watch(base::Key key, Socket& socket);
  void retire(base::Key key, Socket& socket);
  [[nodiscard]] Outcome accept_burst(base::Key key, Socket& socket);
  void on_acceptable(base::Key key);
  [[nodiscard]] Outcome accept_one(const Socket& socket);
  void admit(int fd, const base::PeerAddress& client, std::uint16_t listener);
  void refuse(int fd, std::uint16_t listener, RefuseReason reason);
  void pause();
  void look_again();

  net::Loop& loop_;
  const std::uint16_t worker_;
  const Cost cost_;
  House& house_;
  const std::uint8_t source_;
  base::Slab<Socket> sockets_;
  net::TimerWheel timers_;
  net::TimerWheel::Node pause_timer_;
  bool paused_ = false;
  base::Time last_shortage_;
};

}  // namespace holdfast::entry
