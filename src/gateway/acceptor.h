// gateway/acceptor.h: the listening sockets of one worker.
//
// Thread: the worker's.
// Limits: at most kBurst connections are accepted from one socket in a turn. A connection needs two descriptors; when
//         the budget or the kernel has no more, accepting pauses: one notice, a gauge, no spinning. What waits in the
//         kernel's queue is then tried every kPauseStep, and the pause is over (a second notice) after
//         kPauseCalm without a shortage.
#pragma once

#include <vector>

#include "gateway/relays.h"

namespace holdfast::gateway {

class Acceptor final : public net::Loop::Source, public net::TimerWheel::Owner {
 public:
  static constexpr int kBurst = 8;
  static constexpr int kStopMax = 4096;
  static constexpr std::chrono::milliseconds kPauseStep{50};
  static constexpr std::chrono::milliseconds kPauseCalm{500};

  Acceptor(net::Loop& loop, const WorkerContext& context, Relays& relays);

  // Before the first turn. The descriptor must stay open until stop(); `how` as for Loop::watch.
  [[nodiscard]] base::Result<void> add(int fd, std::uint16_t listener, net::Loop::Watch how);
  // Accepts what the kernel has queued by now (at most kStopMax a socket), then never again.
  void stop();

  void on_ready(net::Token token, net::Ready ready) override;
  void on_resume(net::Token token) override;
  net::TimerWheel::Node& timer_node(std::uint32_t /*index*/) noexcept override { return pause_timer_; }
  void on_deadline(std::uint32_t index) override;

 private:
  struct Socket {
    int fd = -1;
    std::uint16_t listener = 0;
    bool resuming = false;
  };
  enum class Outcome : std::uint8_t { accepted, empty, short_of_descriptors };

  [[nodiscard]] Outcome accept_burst(std::uint32_t index);
  void on_acceptable(std::uint32_t index);
  [[nodiscard]] Outcome accept_one(const Socket& socket);
  void admit(int fd, const base::PeerAddress& client, std::uint16_t listener);
  void refuse(int fd, std::uint16_t listener, RefuseReason reason);
  void pause();
  void look_again();

  net::Loop& loop_;
  const WorkerContext& context_;
  Relays& relays_;
  const std::uint8_t source_;
  std::vector<Socket> sockets_;
  net::TimerWheel timers_;
  net::TimerWheel::Node pause_timer_;
  bool paused_ = false;
  base::Time last_shortage_;
};

}  // namespace holdfast::gateway
