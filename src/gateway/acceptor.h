// gateway/acceptor.h: the listening sockets of one worker.
//
// Thread: the worker's.
// Limits: at most kBurst connections are accepted from one socket in a turn. A connection needs two descriptors; when
//         the budget or the kernel has no more, accepting pauses: one notice, a gauge, no spinning. What waits in the
//         kernel's queue is then tried every kPauseStep, and the pause is over (a second notice) after
//         kPauseCalm without a shortage. A socket that the kernel has no memory to watch is tried in the same way.
#pragma once

#include <memory>

#include "base/slab.h"
#include "gateway/relays.h"

namespace holdfast::gateway {

class Acceptor final : public net::Loop::Source, public net::TimerWheel::Owner {
 public:
  static constexpr int kBurst = 8;
  static constexpr int kStopMax = 4096;
  static constexpr std::chrono::milliseconds kPauseStep{50};
  static constexpr std::chrono::milliseconds kPauseCalm{500};

  Acceptor(net::Loop& loop, const WorkerContext& context, Relays& relays);

  // Takes the sockets of this worker from the listeners that the relays have; before the first turn, and when there are
  // others. From those that are gone it accepts what the kernel has queued by now (at most kStopMax a socket), then
  // never again.
  void refresh();

  void on_ready(net::Token token, net::Ready ready) override;
  void on_resume(net::Token token) override;
  net::TimerWheel::Node& timer_node(std::uint32_t /*index*/) noexcept override { return pause_timer_; }
  void on_deadline(std::uint32_t index) override;

 private:
  struct Socket {
    std::shared_ptr<entry::ListenSocket> of;
    bool resuming = false;
    bool watched = false;
  };
  enum class Outcome : std::uint8_t { accepted, empty, short_of_descriptors };

  void add(const std::shared_ptr<entry::ListenSocket>& socket);
  void watch(base::Key key, Socket& socket);
  void retire(base::Key key, Socket& socket);
  [[nodiscard]] Outcome accept_burst(base::Key key, Socket& socket);
  void on_acceptable(base::Key key);
  [[nodiscard]] Outcome accept_one(const Socket& socket);
  void admit(int fd, const base::PeerAddress& client, std::uint16_t listener);
  void refuse(int fd, std::uint16_t listener, entry::RefuseReason reason);
  void pause();
  void look_again();

  net::Loop& loop_;
  const WorkerContext& context_;
  Relays& relays_;
  const std::uint8_t source_;
  base::Slab<Socket> sockets_;
  net::TimerWheel timers_;
  net::TimerWheel::Node pause_timer_;
  bool paused_ = false;
  base::Time last_shortage_;
};

}  // namespace holdfast::gateway
