// broker/connections.h: all client connections of one worker, from accept to the end, and the shard behind them.
//
// Thread: the worker's. Nothing here blocks, locks or throws.
// Cost:   a packet costs no system call of its own: what has come is read at once, what is to be written is gathered
//         and written at the end of the turn.
// Limits: a packet that is not whole waits, at most packet_size_max of the listener; kTurnBytesMax are read from one
//         connection in a turn. What a client does not take waits: kOutHigh bytes of messages here, the rest as
//         references in its session (broker/core/session.h); and kAnswersHigh bytes of answers to what it says, from
//         where on it is not read. Its keep-alive goes on meanwhile.
#pragma once

#include <atomic>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "auth/acl.h"
#include "base/slab.h"
#include "base/snapshot.h"
#include "broker/connection.h"
#include "broker/connection_scan.h"
#include "broker/core/delayed_room.h"
#include "broker/core/ports.h"
#include "broker/core/shard.h"
#include "broker/counters.h"
#include "broker/listeners.h"
#include "broker/notice.h"
#include "broker/post.h"
#include "entry/connection_ids.h"
#include "entry/greeting.h"
#include "net/buffer_pool.h"
#include "net/descriptors.h"
#include "net/loop.h"
#include "net/timer_wheel.h"
#include "wire/websocket/handshake.h"

namespace holdfast::broker {

inline constexpr std::size_t kScratchBytes = std::size_t{64} * 1024;  // the most that one call reads
inline constexpr std::size_t kTurnBytesMax = std::size_t{256} * 1024;
inline constexpr std::size_t kOutHigh = std::size_t{64} * 1024;
inline constexpr std::size_t kAnswersHigh = std::size_t{1} << 20;     // who takes no answers is not listened to
inline constexpr std::size_t kPayloadCopied = std::size_t{8} * 1024;  // a larger one is written from where it is
inline constexpr std::chrono::seconds kPartingTimeout{5};
inline constexpr double kByteGrainSeconds = 0.05;  // who waits for bytes waits for that much of them, or for its burst
inline constexpr std::uint32_t kHandshakeBytesMax = 8192;  // the HTTP request of a WebSocket

// What a worker's parts share. Everything outlives them.
struct WorkerContext {
  unsigned number = 0;
  unsigned workers = 1;
  const Listeners* listeners = nullptr;
  const base::Snapshot<auth::Acl>* acl = nullptr;
  const ShardSettings* shard = nullptr;
  const std::atomic<bool>* tells_all = nullptr;  // whether control wants to hear of every client
  WorkerCounters* counters = nullptr;
  net::DescriptorBudget* descriptors = nullptr;
  Notices* notices = nullptr;
  DelayedRoom* delayed_room = nullptr;               // of all workers
  std::atomic<ClaimToken>* connects_read = nullptr;  // of all workers: what orders CONNECT packets
  ScanResults* scan_results = nullptr;
  std::uint64_t first_id = 0;  // connection ids count on from here
};

class Connections final : public net::Loop::Source, public net::TimerWheel::Owner, public Ports {
 public:
  Connections(net::Loop& loop, const WorkerContext& context, Outbox& outbox);
  ~Connections();

  // Takes over an accepted socket, its descriptor of the budget and its place among the listener's connections, and its
  // place among those of its address, if it is `placed`.
  void begin(int fd, const base::PeerAddress& client, std::uint16_t listener, entry::Placed placed);
  // Takes over a client from another worker: its session lives here.
  void adopt(Handover handover);
  // Control has found out who the client is.
  void identified(Identified answer);
  void search(std::shared_ptr<const ScanOrder> order) { scan_.begin(std::move(order)); }
  void refresh_acl() { (void)acl_.refresh(); }
  // Tells every client that the node stops. They have some time to hear it, and then end_all() is called.
  void tell_all();
  void end_all();
  // At the end of a turn: writes what was gathered for clients.
  void flush();

  [[nodiscard]] Shard& shard() noexcept { return shard_; }
  [[nodiscard]] std::size_t size() const noexcept { return connections_.size(); }
  void tell_memory();

  void on_ready(net::Token token, net::Ready ready) override;
  void on_resume(net::Token token) override;
  net::TimerWheel::Node& timer_node(std::uint32_t index) noexcept override { return connections_[index].timer; }
  void on_deadline(std::uint32_t index) override;

  // What the shard asks for (broker/core/ports.h).
  [[nodiscard]] bool may(base::Key link, broker::Action action, std::string_view topic) override;
  [[nodiscard]] bool ready(base::Key link) override;
  void send(base::Key link, std::span<const std::byte> bytes) override;
  void send(base::Key link, std::span<const std::byte> head, const MessageRef& message) override;
  void end(base::Key link, EndReason reason) override;
  bool granted(base::Key link, unsigned holder) override;
  // No method is offered.
  [[nodiscard]] std::unique_ptr<AuthMethod> begin_auth(base::Key /*link*/, const AuthQuestion& /*question*/) override {
    return nullptr;
  }
  // Nobody else has wills of clients of this node.
  [[nodiscard]] bool may_fire(std::string_view /*client_id*/, ClaimToken /*token*/) override { return true; }
  [[nodiscard]] bool take_delayed_room(std::size_t bytes) override { return context_.delayed_room->take(bytes); }
  void give_delayed_room(std::size_t bytes) override { context_.delayed_room->give(bytes); }
  void will_refused(base::Key link, std::string_view client_id, wire::mqtt::Reason why) override;
  void mail(unsigned shard, Mail mail) override { outbox_.add(shard, std::move(mail)); }

 private:
  // greeting.cc: the PROXY header.
  [[nodiscard]] entry::Greeting greeting(Connection& connection);
  void greet(base::Key key, Connection& connection);
  void greeting_late(base::Key key, Connection& connection);
  void obey(base::Key key, Connection& connection, const entry::Verdict& verdict);

  // upgrading.cc: WebSocket.
  void upgrade(base::Key key, Connection& connection, std::span<const std::byte> bytes);
  void refuse_upgrade(base::Key key, Connection& connection, const wire::websocket::Refusal& refusal, EndReason why);
  void take_frames(base::Key key, Connection& connection, std::span<std::byte> bytes);
  void take_whole_frames(base::Key key, Connection& connection, std::span<std::byte> bytes);
  void leave(base::Key key, Connection& connection, EndReason reason);
  void frame(Connection& connection, std::size_t bytes);
  void send_control(base::Key key, Connection& connection, wire::websocket::Opcode opcode,
                    std::span<const std::byte> payload);
  void say_close(base::Key key, Connection& connection, wire::websocket::CloseCode code, std::string_view why);
  void send_raw(base::Key key, Connection& connection, std::span<const std::byte> bytes);

  // arriving.cc: CONNECT, and the way to a session.
  void expect_connect(base::Key key, Connection& connection);
  void take_connect(base::Key key, Connection& connection, const wire::mqtt::Header& header,
                    std::span<const std::byte> packet);
  void ask_who(base::Key key, Connection& connection, const wire::mqtt::Connect& connect);
  void prepare_identity(Connection& connection, std::string_view client_id, std::string_view user);
  void attach(base::Key key, Connection& connection);
  void hand_over(base::Key key, Connection& connection, unsigned holder);
  void refuse_connect(base::Key key, Connection& connection, wire::mqtt::Reason reason, EndReason why);
  void note_refused(const Connection& connection, wire::mqtt::Reason reason, EndReason why);

  // reading.cc: bytes to packets, packets to the shard.
  void read(base::Key key, Connection& connection);
  void on_peer_end(base::Key key, Connection& connection);
  void take_bytes(base::Key key, Connection& connection, std::span<std::byte> bytes);
  [[nodiscard]] std::span<const std::byte> take_mqtt(base::Key key, Connection& connection,
                                                     std::span<const std::byte> bytes);
  void take_partial(base::Key key, Connection& connection, std::span<const std::byte>& bytes);
  enum class Whole : std::uint8_t { no, yes };
  [[nodiscard]] bool may_begin(base::Key key, Connection& connection, std::byte first, Whole whole);
  [[nodiscard]] bool may_go_on(base::Key key, Connection& connection, const wire::mqtt::HeaderRead& read);
  static void keep(Connection& connection, std::span<const std::byte> bytes);
  void take_packet(base::Key key, Connection& connection, const wire::mqtt::Header& header,
                   std::span<const std::byte> packet);

  // pacing.cc: clients that may send so much a second.
  void start_pace(Connection& connection, std::size_t bytes_sent);
  [[nodiscard]] bool must_wait(base::Key key, Connection& connection, const wire::mqtt::Header& header);
  [[nodiscard]] std::size_t may_read(base::Key key, Connection& connection);
  void take_held(base::Key key, Connection& connection);
  static void hold(Connection& connection, std::span<const std::byte> bytes);
  void refill(Connection& connection) const;
  void wait(base::Key key, Connection& connection, Pace::WaitsFor what);
  [[nodiscard]] base::Duration wait_of(const Connection& connection) const;

  // writing.cc
  [[nodiscard]] static bool has_room(const Connection& connection);
  void append(Connection& connection, std::span<const std::byte> bytes);
  void spill_body(Connection& connection);
  void mark_dirty(base::Key key, Connection& connection);
  void write_first_gathered();
  void write_out(Connection& connection);
  void written(Connection& connection, std::size_t bytes);
  void go_on_writing(base::Key key, Connection& connection);

  // connections.cc
  void on_readable(base::Key key, Connection& connection);
  void resume_later(base::Key key, Connection& connection);
  void arm(std::uint32_t index, base::Duration delay);
  void arm_open(std::uint32_t index, Connection& connection);
  void on_open_deadline(base::Key key, Connection& connection);
  void part(base::Key key, Connection& connection, EndReason reason);
  void go_on_parting(base::Key key, Connection& connection);
  void lose(base::Key key, Connection& connection, EndReason reason);
  void close(base::Key key, Connection& connection, EndReason reason);
  void drop(base::Key key, Connection& connection);
  [[nodiscard]] ConnectionScan::Ways ways();
  [[nodiscard]] std::string_view client_id_of(const Connection& connection);
  [[nodiscard]] std::string_view user_of(const Connection& connection);
  void kick(base::Key key, Connection& connection);
  void note_gone(const Connection& connection, EndReason reason);

  [[nodiscard]] const Listener& listener(const Connection& connection) const {
    return context_.listeners->at(connection.listener);
  }
  [[nodiscard]] ListenerCounters& counters(const Connection& connection) const {
    return *listener(connection).counters[context_.number];
  }
  [[nodiscard]] net::Token token(base::Key key) const noexcept { return {source_, 0, key}; }

  net::Loop& loop_;
  const WorkerContext& context_;
  Outbox& outbox_;
  const std::uint8_t source_;
  net::TimerWheel timers_;
  base::Slab<Connection> connections_;
  ConnectionScan scan_;
  std::uint64_t next_id_;
  net::BufferPool buffers_;
  base::Snapshot<auth::Acl>::Reader acl_;
  std::unique_ptr<std::byte[]> scratch_;
  std::vector<base::Key> dirty_;   // something was gathered for them
  std::size_t written_early_ = 0;  // of these, from the front
  bool packets_follow_ = false;    // in what was read with the packet that is being taken
  base::PeerAddress destination_;  // whom a client behind a balancer wanted to reach; nobody asks
  Shard shard_;
};

}  // namespace holdfast::broker
