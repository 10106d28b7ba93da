// gateway/relays.h: all relayed connections of one worker, from accept to the end.
//
// Thread: the worker's. Nothing here blocks, locks or throws.
// Cost:   a relayed message is one read and one write; nothing is allocated for it.
// Limits: what one read yields and the other end does not take waits, at most kPendingMax bytes; until it is taken,
//         nothing more is read (docs/decisions/0004). One connection moves at most kTurnBytesMax a turn.
// Ends:   what an end sent before it closed in order is delivered, then the other is told. A reset is passed on as one,
//         and so is a cut: a stream that is not whole never looks whole. docs/ARCHITECTURE.md tells the whole life.
#pragma once

#include <memory>
#include <span>
#include <vector>

#include "base/slab.h"
#include "base/snapshot.h"
#include "gateway/counters.h"
#include "gateway/notice.h"
#include "gateway/pools.h"
#include "gateway/relay.h"
#include "net/buffer_pool.h"
#include "net/descriptors.h"
#include "net/loop.h"
#include "net/socket.h"
#include "net/timer_wheel.h"

namespace holdfast::gateway {

inline constexpr std::size_t kPendingMax = std::size_t{256} * 1024;  // also the most that is read at once
inline constexpr std::size_t kTurnBytesMax = std::size_t{512} * 1024;
inline constexpr std::chrono::seconds kLingerTimeout{10};

// What relays need to know of the listener they came in by.
struct ListenerRules {
  std::uint16_t pool = 0;  // index in Pools
  std::uint32_t max_connections = 0;
  std::chrono::milliseconds handshake_timeout{};
  std::chrono::milliseconds idle_timeout{};  // 0: none
  net::TcpOptions tcp;  // for the connection to the server; the client's inherits from the listener
  std::atomic<std::uint32_t>* connections = nullptr;  // live, over all workers
};

// What a worker's parts share. Everything outlives them.
struct WorkerContext {
  std::uint16_t number = 0;
  std::span<const ListenerRules> listeners;
  std::span<ListenerCounters> listener_counters;  // this worker's, one a listener
  WorkerCounters* counters = nullptr;
  ServerSlots* servers = nullptr;
  const base::Snapshot<Pools>* pools = nullptr;
  net::DescriptorBudget* descriptors = nullptr;
  Notices* notices = nullptr;
  Verbosity verbosity = Verbosity::ends;
  std::uint64_t first_id = 0;  // connection ids count on from here,
  std::uint64_t id_step = 1;   // one for each worker, so that no two workers have the same
};

class Relays final : public net::Loop::Source, public net::TimerWheel::Owner {
 public:
  Relays(net::Loop& loop, const WorkerContext& context);
  ~Relays();

  // Takes over an accepted socket, its two descriptors of the budget and its place among the listener's connections.
  void begin(int client_fd, const base::PeerAddress& client, std::uint16_t listener);

  // At the top of each turn: takes the newest pools.
  void refresh();
  // Ends every connection: orderly towards both ends, but without waiting for bytes that they have not taken.
  void end_all(CloseReason reason);

  [[nodiscard]] std::size_t size() const noexcept { return relays_.size(); }
  [[nodiscard]] std::size_t memory_bytes() const noexcept { return relays_.memory_bytes(); }

  void on_ready(net::Token token, net::Ready ready) override;
  void on_resume(net::Token token) override;
  net::TimerWheel::Node& timer_node(std::uint32_t index) noexcept override { return relays_[index].timer; }
  void on_deadline(std::uint32_t index) override;

 private:
  // What became of the relay in a step: whether it may still be touched.
  enum class Fate : bool { lives, ended };

  // relays.cc: from accept to connected, deadlines, and the end.
  void dial(base::Key key, Relay& relay);
  [[nodiscard]] bool dial_one(base::Key key, Relay& relay, const Pool& pool, std::uint32_t index);
  void dial_failed(base::Key key, Relay& relay, int error);
  void give_up_server(Relay& relay, int error);
  void on_connecting(base::Key key, Relay& relay, End end, net::Ready ready);
  void connected(base::Key key, Relay& relay);
  void arm_connecting(base::Key key, Relay& relay, std::chrono::milliseconds step);
  void arm_idle(base::Key key, Relay& relay);
  void end(base::Key key, Relay& relay, CloseReason reason);
  void announce_end(const Relay& relay, CloseReason reason);

  // pump.cc: moving bytes.
  void on_relaying(base::Key key, Relay& relay, End end, net::Ready ready);
  [[nodiscard]] Fate pump(base::Key key, Relay& relay, End from);
  [[nodiscard]] Fate receive(base::Key key, Relay& relay, End from, std::size_t& budget);
  [[nodiscard]] Fate deliver(base::Key key, Relay& relay, End to, std::span<const std::byte> bytes);
  [[nodiscard]] Fate flush(base::Key key, Relay& relay, End to);
  [[nodiscard]] Fate break_off(base::Key key, Relay& relay, End end);
  [[nodiscard]] Fate write_failed(base::Key key, Relay& relay, End to, int error);
  [[nodiscard]] Fate finish(base::Key key, Relay& relay);
  void lose(Relay& relay, End end);
  void drop_pending(Leg& leg);
  void tell_buffer_memory();
  void linger(base::Key key, Relay& relay);
  void reset(base::Key key, Relay& relay, End broken);

  [[nodiscard]] const ListenerRules& rules(const Relay& relay) const { return context_.listeners[relay.listener]; }
  [[nodiscard]] ListenerCounters& counters(const Relay& relay) const {
    return context_.listener_counters[relay.listener];
  }
  [[nodiscard]] const Pool& pool(const Relay& relay) const { return pools_.get().pools[rules(relay).pool]; }
  [[nodiscard]] net::Token token(base::Key key, End end) const noexcept {
    return {source_, static_cast<std::uint8_t>(end), key};
  }

  net::Loop& loop_;
  const WorkerContext& context_;
  const std::uint8_t source_;
  base::Slab<Relay> relays_;
  net::TimerWheel timers_;
  net::BufferPool buffers_;
  base::Snapshot<Pools>::Reader pools_;
  std::vector<std::unique_ptr<policy::Policy>> policies_;  // one a pool
  std::unique_ptr<std::byte[]> scratch_;                   // what is being relayed right now; empty between turns
  std::uint64_t next_id_;
};

}  // namespace holdfast::gateway
