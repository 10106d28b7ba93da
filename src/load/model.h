// load/model.h: what every traffic model stands on: the connections of one thread, from dialling to their end.
//
// Thread: one loop's; window and settings are shared with the others, and the tally is read by the one that leads.
// Life:   begin() dials; settled() tells that all stand (or have failed); the leader opens the window; the model sends
//         until it is over, waits at most kGrace for what is still on its way, and stops its loop.
// Limits: Settings::connections, of which at most kDiallingMax are being dialled at a time.
#pragma once

#include <atomic>
#include <memory>

#include "base/event_fd.h"
#include "base/slab.h"
#include "load/messages.h"
#include "load/pacer.h"
#include "load/settings.h"
#include "load/window.h"
#include "net/loop.h"
#include "net/timer_wheel.h"
#include "net/transport.h"

namespace holdfast::load {

// Which part of a run a thread does.
struct Share {
  std::uint32_t thread = 0;
  std::uint32_t threads = 1;

  [[nodiscard]] std::uint32_t of(std::uint32_t total) const noexcept {
    return total / threads + (thread < total % threads ? 1 : 0);
  }
};

class Model : public net::Loop::Source, public net::TimerWheel::Owner {
 public:
  static constexpr std::uint32_t kDiallingMax = 256;
  static constexpr std::chrono::seconds kGrace{1};

  Model(net::Loop& loop, const Settings& settings, Share share, const Window& window, base::Waker& leader);
  virtual ~Model();
  Model(const Model&) = delete;
  Model& operator=(const Model&) = delete;

  // Watches and begins to dial. Errors: descriptors ran out.
  [[nodiscard]] base::Result<void> begin();
  void on_turn();  // at the top of each turn of the loop

  // From any thread.
  [[nodiscard]] bool settled() const noexcept { return settled_.load(std::memory_order_acquire); }
  [[nodiscard]] const Tally& tally() const noexcept { return tally_; }

 protected:
  struct Connection {
    enum class State : std::uint8_t { dialling, open, closing };

    net::Transport transport;
    net::TimerWheel::Node deadline;
    State state = State::dialling;
    bool resuming = false;     // the loop was asked to resume it
    std::uint32_t number = 0;  // which of this thread's connections
    std::uint64_t due = 0;     // messages that a schedule has asked for
    base::Time dialled;
    MessageState messages;
  };

  // What a model adds. Each may drop the connection it is given, after which it must not touch it.
  virtual void on_begin() {}
  virtual void fill() { dial_more(); }  // dials what is missing, while the run is not settled
  virtual void on_start() = 0;          // the window has opened
  virtual void on_open(base::Key, Connection&) {}
  virtual void on_readable(base::Key key, Connection& connection, net::Ready ready) = 0;
  virtual void on_writable(base::Key, Connection&) {}
  virtual void on_more(base::Key, Connection&) {}              // asked for with resume()
  virtual void on_due(base::Key key, Connection& connection);  // its deadline: a timeout if not overridden
  virtual void on_pace() {}                                    // the pacer's time has come
  virtual void on_gone(std::uint32_t) {}                       // connection `number` is no more
  [[nodiscard]] virtual bool all_settled() const { return dialled_ == wanted_ && dialling_ == 0; }
  [[nodiscard]] virtual bool all_answered() { return true; }  // nothing is on its way any more
  virtual void on_finish() {}                                 // counts what was left without an answer

  void dial_more();                 // up to kDiallingMax at a time, in all connections()
  void dial(std::uint32_t number);  // one, at once
  void resume(base::Key key, Connection& connection);
  void set_deadline(base::Key key, base::Duration from_now);
  void clear_deadline(base::Key key) { timers_.cancel(key.index); }
  void lose(base::Key key, Failure failure);  // counts it and drops
  void drop(base::Key key);                   // closes in order, counts nothing

  // What became of a write or of reading replies. False: the connection was lost.
  [[nodiscard]] bool survives(base::Key key, const net::IoResult& result);
  [[nodiscard]] bool survives(base::Key key, Messages::Outcome outcome);
  // Records a round trip that counts from `from`.
  void note_round_trip(base::Time from, base::Time now);

  [[nodiscard]] std::uint32_t connections() const noexcept { return wanted_; }

  net::Loop& loop_;
  const Settings& settings_;
  const Share share_;
  const Window& window_;
  base::Slab<Connection> slab_;
  Messages messages_;
  Pacer pacer_;
  Tally tally_;

 private:
  static constexpr std::uint8_t kConnectionPart = 0;
  static constexpr std::uint8_t kPacerPart = 1;

  void on_ready(net::Token token, net::Ready ready) final;
  void on_resume(net::Token token) final;
  net::TimerWheel::Node& timer_node(std::uint32_t index) noexcept final { return slab_[index].deadline; }
  void on_deadline(std::uint32_t index) final;

  [[nodiscard]] base::Result<int> open_socket(std::uint32_t number) const;
  void serve(base::Key key, net::Ready ready);
  void finish_dialling(base::Key key, Connection& connection, net::Ready ready);
  void settle();
  void forget(base::Key key);

  base::Waker& leader_;
  net::TimerWheel timers_;
  const std::uint8_t source_;
  const std::uint32_t wanted_;
  std::uint32_t dialled_ = 0;
  std::uint32_t dialling_ = 0;
  bool started_ = false;
  std::atomic<bool> settled_{false};
};

// The model of `settings.traffic`.
[[nodiscard]] std::unique_ptr<Model> make_model(net::Loop& loop, const Settings& settings, Share share,
                                                const Window& window, base::Waker& leader);

}  // namespace holdfast::load
