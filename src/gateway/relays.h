// gateway/relays.h: all relayed connections of one worker, from accept to the end.
//
// Thread: the worker's. Nothing here blocks, locks or throws.
// Cost:   a relayed message is one read and one write; nothing is allocated for it.
// Limits: what one read yields and the other end does not take waits, at most kPendingMax bytes; until it is taken,
//         nothing more is read (docs/decisions/0004). One connection moves at most kTurnBytesMax a turn.
// Ends:   what an end sent before it closed in order, or before it is closed by us, is delivered, then the other is
// told. A reset is passed on as one,
//         and so is a cut: a stream that is not whole never looks whole. docs/ARCHITECTURE.md tells the whole life.
#pragma once

#include <memory>
#include <span>
#include <vector>

#include "base/slab.h"
#include "base/snapshot.h"
#include "entry/admission.h"
#include "entry/connection_ids.h"
#include "entry/greeting.h"
#include "entry/house.h"
#include "gateway/chooser.h"
#include "gateway/closings.h"
#include "gateway/connection_scan.h"
#include "gateway/counters.h"
#include "gateway/listeners.h"
#include "gateway/notice.h"
#include "gateway/pools.h"
#include "gateway/relay.h"
#include "gateway/waiting_line.h"
#include "gateway/wakers.h"
#include "net/buffer_pool.h"
#include "net/descriptors.h"
#include "net/local_ports.h"
#include "net/loop.h"
#include "net/socket.h"
#include "net/timer_wheel.h"

namespace holdfast::gateway {

inline constexpr std::size_t kPendingMax = std::size_t{256} * 1024;  // also the most that is read at once
inline constexpr std::size_t kTurnBytesMax = std::size_t{512} * 1024;
inline constexpr std::chrono::seconds kLingerTimeout{10};
inline constexpr std::int64_t kRelayDescriptors = 2;

// What a worker's parts share. Everything outlives them.
struct WorkerContext {
  std::uint16_t number = 0;
  const base::Snapshot<Listeners>* listeners = nullptr;
  WorkerCounters* counters = nullptr;
  ServerSlots* servers = nullptr;
  const base::Snapshot<Pools>* pools = nullptr;
  net::DescriptorBudget* descriptors = nullptr;
  Notices* notices = nullptr;
  ScanResults* scan_results = nullptr;
  const Wakers* workers = nullptr;
  const std::atomic<net::PortRange>* local_ports = nullptr;
  std::uint64_t first_id = 0;                        // connection ids count on from here,
  std::uint64_t id_step = entry::kConnectionIdStep;  // so that no two workers have the same, also those that come later
};

class Relays final : public net::Loop::Source, public net::TimerWheel::Owner, public entry::House {
 public:
  Relays(net::Loop& loop, const WorkerContext& context);
  ~Relays();

  // As entry::House has it: what comes in becomes a relay.
  [[nodiscard]] std::span<const std::shared_ptr<entry::ListenSocket>> sockets() const override {
    return listeners().sockets;
  }
  [[nodiscard]] entry::Door door(std::uint16_t listener) const override;
  void begin(int client_fd, const base::PeerAddress& client, std::uint16_t listener, entry::Placed placed) override;
  void count_refused(std::uint16_t listener, entry::RefuseReason reason) override;
  void accepting_changed(entry::Accepting now) override;

  // Before the first connection and at the top of each turn: takes the newest listeners and pools, and lets those in
  // who wait and have got a chance. True when the listeners have changed.
  bool refresh();
  // Ends every connection: orderly towards both ends, but without waiting for bytes that they have not taken.
  void end_all(CloseReason reason);
  // Looks through all relays, a few a turn, and tells control what was found.
  void search(std::shared_ptr<const ScanOrder> order) { scan_.begin(std::move(order)); }

  // As refresh() found them.
  [[nodiscard]] const Listeners& listeners() const noexcept { return listeners_.get(); }
  [[nodiscard]] const ListenerRules& rules(std::uint16_t listener) const noexcept { return *rules_[listener]; }
  [[nodiscard]] ListenerCounters& counters(std::uint16_t listener) const noexcept { return *counters_[listener]; }

  [[nodiscard]] std::size_t size() const noexcept { return relays_.size(); }
  [[nodiscard]] std::size_t memory_bytes() const noexcept { return relays_.memory_bytes(); }

  void on_ready(net::Token token, net::Ready ready) override;
  void on_resume(net::Token token) override;
  net::TimerWheel::Node& timer_node(std::uint32_t index) noexcept override { return relays_[index].timer; }
  void on_deadline(std::uint32_t index) override;

 private:
  // What became of the relay in a step: whether it may still be touched.
  enum class Fate : bool { lives, ended };

  // greeting.cc: the PROXY header of a client.
  enum class Heard : bool { nothing, something };
  void hear(base::Key key, Relay& relay, Heard heard);
  void conclude(base::Key key, Relay& relay, const entry::Verdict& verdict);

  // dialling.cc: finding and reaching a server.
  enum class Dialled : std::uint8_t { under_way, failed, taken_away };
  void seek(base::Key key, Relay& relay);
  void dial(base::Key key, Relay& relay, Choice choice);
  [[nodiscard]] Choice choose(const Relay& relay);
  [[nodiscard]] Dialled dial_one(base::Key key, Relay& relay, const Pool& pool, const Server& server);
  [[nodiscard]] bool claim(const Pool& pool, const Server& server);
  [[nodiscard]] base::Result<int> connect_from(Relay& relay, const Pool& pool, const Server& server);
  static void take_port(Relay& relay, SourceLoad& source, std::uint8_t index);
  void set_aside(SourceLoad& source, const base::Error& error, SourceUnusable notice);
  void dial_again(base::Key key, Relay& relay);
  void dial_failed(base::Key key, Relay& relay, int error);
  void give_up_server(Relay& relay, int error);
  void release_server(Relay& relay);
  void nobody_reached(base::Key key, Relay& relay);
  void nobody_to_dial(base::Key key, Relay& relay, Choice::Answer answer);
  void on_connecting(base::Key key, Relay& relay, End end, net::Ready ready);
  [[nodiscard]] Fate connected(base::Key key, Relay& relay);
  [[nodiscard]] Fate introduce(base::Key key, Relay& relay);
  void arm_connecting(base::Key key, Relay& relay, std::chrono::milliseconds step);

  // waiting.cc: the queue of a pool.
  [[nodiscard]] static bool has_given_up(Relay& relay);
  void wait(base::Key key, Relay& relay);
  void leave_line(base::Key key, Relay& relay);
  void unlink(base::Key key, Relay& relay);
  void on_waited(base::Key key, Relay& relay);
  void serve_lines();
  void serve(std::uint16_t pool);
  void send_on(base::Key key, Relay& relay, Choice choice);
  void tell_head(std::uint16_t pool);
  void give_chance(std::uint16_t pool);
  [[nodiscard]] std::size_t longest_waiting(const PoolLoad& load) const;

  // renewal.cc: other rules and other pools, while connections live.
  void take_listeners();
  void renew(base::Key key, Relay& relay, const ListenerRules& former);
  void take_pools();
  bool note_pools();
  void leave_pool(base::Key key, Relay& relay);

  // relays.cc: begin, deadlines, end.
  void arm_relaying(base::Key key, Relay& relay);
  void on_relaying_deadline(base::Key key, Relay& relay);
  [[nodiscard]] base::Tick age_limit(const Relay& relay) const;
  [[nodiscard]] static bool is_cut(Relay& relay, End to);
  void end(base::Key key, Relay& relay, CloseReason reason);
  [[nodiscard]] std::vector<ListenerToClose> closing_listeners() const;
  void note_early_close(const Relay& relay);
  void note_loss(const Relay& relay);
  void announce_end(const Relay& relay, CloseReason reason);

  // parting.cc: ending a relay on purpose, orderly.
  void part(base::Key key, Relay& relay, CloseReason reason);
  void on_parting(base::Key key, Relay& relay, End end, net::Ready ready);
  void on_parting_deadline(base::Key key, Relay& relay);
  Fate go_on_parting(base::Key key, Relay& relay);
  [[nodiscard]] Fate pass_rest(base::Key key, Relay& relay, End from);
  [[nodiscard]] Fate read_rest(base::Key key, Relay& relay, End from, std::size_t& budget);
  void settle_end(Relay& relay, End from);
  void throw_away(base::Key key, Relay& relay, End from);
  void fall_away(Relay& relay, End end);
  void let_go(Relay& relay, End end);
  void note_progress(Relay& relay);

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
  void resume_later(base::Key key, Relay& relay, End end);

  [[nodiscard]] const ListenerRules& rules(const Relay& relay) const { return rules(relay.listener); }
  [[nodiscard]] ListenerCounters& counters(const Relay& relay) const { return counters(relay.listener); }
  [[nodiscard]] const Pool& pool(std::uint16_t number) const {
    const Pools& pools = pools_.get();
    return pools.has(number) ? *pools.pools[number] : no_pool_;
  }
  [[nodiscard]] const Pool& pool(const Relay& relay) const { return pool(relay.pool); }
  [[nodiscard]] ServerSlot& slot_of(const Relay& relay) const { return (*context_.servers)[relay.server]; }
  [[nodiscard]] net::Token token(base::Key key, End end) const noexcept {
    return {source_, static_cast<std::uint8_t>(end), key};
  }

  net::Loop& loop_;
  const WorkerContext& context_;
  const std::uint8_t source_;
  base::Slab<Relay> relays_;
  net::TimerWheel timers_;
  net::BufferPool buffers_;
  base::Snapshot<Listeners>::Reader listeners_;
  base::Snapshot<Pools>::Reader pools_;
  std::vector<std::shared_ptr<const ListenerRules>> rules_;  // by slot, as every living relay has been told of them
  std::vector<ListenerCounters*> counters_;                  // of this worker, by slot
  std::vector<bool> had_pool_;                               // by slot, when pools were taken last
  Pool no_pool_;  // in the place of one that is gone: has no servers and no queue
  Chooser chooser_;
  std::vector<WaitingLine> lines_;  // one a pool
  std::uint32_t waiting_ = 0;       // in all of them
  Closings closings_;
  ConnectionScan scan_;
  std::unique_ptr<std::byte[]> scratch_;  // what is being relayed right now; empty between turns
  std::uint64_t next_id_;
};

}  // namespace holdfast::gateway
