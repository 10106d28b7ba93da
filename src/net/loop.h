// net/loop.h: the event loop of one thread, on edge-triggered epoll.
//
// Thread:  everything on the thread that calls run(), but wake() and stop(), which any thread may call.
// Cost:    one epoll_wait and two readings of the clock a turn of up to 16 events; nothing is allocated for an event.
// Events:  are named by source, slab index and generation, never by address: an event that was on its way when its
//          object went finds nothing (base::Slab::find), even when descriptor and place have been used again.
// Edge:    a descriptor is watched once, for both directions, and never again. An event says that something changed:
//          go on until the call says "again" or the fairness budget is used up, and then ask for resume().
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <vector>

#include "base/counter.h"
#include "base/event_fd.h"
#include "base/result.h"
#include "base/slab.h"
#include "base/time.h"
#include "net/turn_lengths.h"

namespace holdfast::net {

class TimerWheel;

// What changed at a descriptor.
struct Ready {
  bool readable = false;  // data, a connection to accept, or the end of the stream
  bool writable = false;
  bool hangup = false;  // the peer has ended its side or sent urgent data: a short read is no proof that all is read
  bool broken = false;  // both sides are gone, or an error is waiting to be read
};

// Which object an event is for: the source that knows it, its key there, and which of its parts.
struct Token {
  std::uint8_t source = 0;  // below 16
  std::uint8_t part = 0;    // below 16: which descriptor of the object
  base::Key key;

  [[nodiscard]] std::uint64_t pack() const noexcept {
    return std::uint64_t{key.generation} << 32 | std::uint64_t{source} << 28 | std::uint64_t{part} << 24 | key.index;
  }
  [[nodiscard]] static Token unpack(std::uint64_t packed) noexcept {
    constexpr std::uint64_t kIndexMask = (1U << base::Key::kIndexBits) - 1;
    return Token{static_cast<std::uint8_t>(packed >> 28 & 15), static_cast<std::uint8_t>(packed >> 24 & 15),
                 base::Key{static_cast<std::uint32_t>(packed & kIndexMask), static_cast<std::uint32_t>(packed >> 32)}};
  }
};

class Loop final : public base::Waker {
 public:
  // A kind of object that has descriptors: the relays of a worker, its listening sockets.
  class Source {
   public:
    virtual void on_ready(Token token, Ready ready) = 0;
    // The next turn after resume(token).
    virtual void on_resume(Token token) = 0;

   protected:
    ~Source() = default;
  };

  // How a descriptor is watched. Listening sockets that several loops share are `shared`: one loop is woken, not all.
  enum class Watch : std::uint8_t { both_ways, shared };

  Loop();  // throws std::system_error when there are no descriptors left (start-up only)
  ~Loop();
  Loop(const Loop&) = delete;
  Loop& operator=(const Loop&) = delete;

  // Sources and wheels are added before run() and outlive the loop's last turn.
  [[nodiscard]] std::uint8_t add_source(Source& source);
  void add_timers(TimerWheel& wheel);

  [[nodiscard]] base::Result<void> watch(int fd, Token token, Watch how = Watch::both_ways);
  // Only needed before a descriptor that stays open elsewhere is given up; closing the last copy does the same.
  void unwatch(int fd) noexcept;
  // Calls on_resume(token) next turn. The caller takes care not to ask twice.
  void resume(Token token) { ready_.push_back(token.pack()); }

  // Runs until stop(). `top_of_turn` is called in each turn after waiting, before the events; `end_of_turn`, if there
  // is one, after everything else: what a turn has gathered is given out there at once. It may call resume() and arm
  // timers.
  using Hook = std::function<void()>;
  void run(const Hook& top_of_turn, const Hook& end_of_turn = nullptr);
  // One turn: waits until something happens, but at most `patience`. For tests and small tools.
  void turn(base::Duration patience, const Hook& top_of_turn, const Hook& end_of_turn = nullptr);

  void wake() noexcept override { wakeup_.wake(); }
  void stop() noexcept;

  // How many of this turn's events come after the one that is being told. Who gathers work may do it at once when
  // nobody else waits.
  [[nodiscard]] std::size_t events_left() const noexcept { return events_left_; }

  // The time at the top of this turn.
  [[nodiscard]] base::Time now() const noexcept { return now_; }
  [[nodiscard]] base::Tick tick() const noexcept { return base::Tick::at(now_); }

  struct Counters {
    base::Counter turns;
    base::Counter events;
    TurnLengths lengths;  // from the end of waiting to the end of the turn
  };
  [[nodiscard]] const Counters& counters() const noexcept { return counters_; }

 private:
  [[nodiscard]] int timeout_ms(base::Duration patience) const;
  void dispatch(std::uint64_t packed, std::uint32_t events);

  int epoll_;
  base::EventFd wakeup_;
  std::atomic<bool> stopping_{false};
  base::Time now_;
  std::size_t events_left_ = 0;
  std::vector<Source*> sources_;
  std::vector<TimerWheel*> wheels_;
  std::vector<std::uint64_t> ready_;     // to be resumed next turn
  std::vector<std::uint64_t> resuming_;  // being resumed in this turn
  Counters counters_;
};

}  // namespace holdfast::net
