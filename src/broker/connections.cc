// Life of the connections: events, deadlines, the end. Reading, writing, arriving, WebSocket and the PROXY greeting
// have files of their own.
#include "broker/connections.h"

#include <algorithm>

namespace holdfast::broker {

using Stage = Connection::Stage;

namespace {

// RFC6455 7.4.1
wire::websocket::CloseCode close_code_of(EndReason reason) {
  using wire::websocket::CloseCode;
  switch (reason) {
    case EndReason::malformed:
    case EndReason::protocol_error:
    case EndReason::receive_maximum:
    case EndReason::no_connect: return CloseCode::protocol_error;
    case EndReason::not_authorized:
    case EndReason::refused:
    case EndReason::kicked: return CloseCode::policy_violation;
    case EndReason::busy:
    case EndReason::queue_full: return CloseCode::try_again_later;
    case EndReason::stopped: return CloseCode::going_away;
    default: return CloseCode::normal;
  }
}

}  // namespace

Connections::Connections(net::Loop& loop, const WorkerContext& context, Outbox& outbox)
    : loop_(loop),
      context_(context),
      outbox_(outbox),
      source_(loop.add_source(*this)),
      timers_(*this, loop.tick()),
      scan_(loop, connections_, static_cast<std::uint16_t>(context.number), context.scan_results, ways()),
      next_id_(context.first_id),
      acl_(*context.acl),
      scratch_(std::make_unique_for_overwrite<std::byte[]>(kScratchBytes)),
      shard_(*context.shard, context.number, *this, *context.counters) {
  loop_.add_timers(timers_);
}

Connections::~Connections() {
  connections_.for_each([this](base::Key key, Connection& connection) { drop(key, connection); });
}

void Connections::begin(int fd, const base::PeerAddress& client, std::uint16_t listener, entry::Placed placed) {
  const base::Key key = connections_.add();
  Connection& connection = *connections_.find(key);
  connection.id = std::exchange(next_id_, next_id_ + entry::kConnectionIdStep);
  connection.transport = net::Transport(fd);
  connection.client = client;
  connection.listener = listener;
  connection.placed = placed;
  connection.accepted = connection.heard = loop_.tick();
  counters(connection).accepted.add();
  counters(connection).connections.add(1);
  if (!loop_.watch(fd, token(key))) return close(key, connection, EndReason::no_memory);
  const Listener& from = this->listener(connection);
  if (from.settings.proxy_protocol == config::ProxyIn::off) return expect_connect(key, connection);
  arm(key.index, from.proxy_protocol_timeout);
}

// --- who asks for connections ---

ConnectionScan::Ways Connections::ways() {
  return {.client_id = [this](const Connection& connection) { return client_id_of(connection); },
          .user = [this](const Connection& connection) { return user_of(connection); },
          .kick = [this](base::Key key) { kick(key, *connections_.find(key)); }};
}

std::string_view Connections::client_id_of(const Connection& connection) {
  if (connection.place != kNoPlace) return shard_.client_id(connection.place);
  return connection.arriving ? std::string_view(connection.arriving->client_id) : std::string_view();
}

std::string_view Connections::user_of(const Connection& connection) {
  if (connection.place != kNoPlace) return shard_.user_name(connection.place);
  return connection.arriving ? std::string_view(connection.arriving->user) : std::string_view();
}

// Who is a client is told why.
void Connections::kick(base::Key key, Connection& connection) {
  if (connection.place == kNoPlace) return part(key, connection, EndReason::kicked);
  const std::string client_id(shard_.client_id(connection.place));
  shard_.kick(client_id, wire::mqtt::Reason::administrative_action, EndReason::kicked, loop_.now());
}

void Connections::on_ready(net::Token token, net::Ready ready) {
  Connection* connection = connections_.find(token.key);
  if (connection == nullptr) return;
  connection->hangup |= ready.hangup;
  connection->socket_broken |= ready.broken;
  if (ready.writable) {
    connection->full = false;
    if (!connection->out.empty() || connection->body) mark_dirty(token.key, *connection);
  }
  if (!ready.readable && !ready.hangup && !ready.broken) return;
  on_readable(token.key, *connection);
}

void Connections::on_readable(base::Key key, Connection& connection) {
  // Nobody reads it now, so nobody else would find out.
  const bool unread = connection.waiting || connection.choked || connection.stage == Stage::asking;
  if (unread && connection.socket_broken) return lose(key, connection, EndReason::client_reset);
  switch (connection.stage) {
    case Stage::greeting:
    case Stage::checking: return greet(key, connection);
    case Stage::upgrading:
    case Stage::connecting:
    case Stage::asking:
    case Stage::open:
    case Stage::parting: return read(key, connection);
  }
}

void Connections::on_resume(net::Token token) {
  Connection* connection = connections_.find(token.key);
  if (connection == nullptr) return;
  connection->resuming = false;
  if (connection->owed && connection->stage == Stage::open && has_room(*connection)) {
    connection->owed = false;
    shard_.on_room(connection->place, loop_.now());
  }
  on_readable(token.key, *connection);
}

void Connections::resume_later(base::Key key, Connection& connection) {
  if (connection.resuming) return;
  connection.resuming = true;
  loop_.resume(token(key));
}

void Connections::arm(std::uint32_t index, base::Duration delay) {
  timers_.arm(index, base::Tick::not_before(loop_.now() + delay));
}

// The earlier of: the client has said nothing for too long, and it may be listened to again.
void Connections::arm_open(std::uint32_t index, Connection& connection) {
  if (connection.waiting) return arm(index, wait_of(connection));
  const std::chrono::milliseconds silence = shard_.silence_max(connection.place);
  if (silence.count() == 0) return timers_.cancel(index);
  const auto quiet = loop_.tick().since(connection.heard);
  arm(index, std::max(silence - quiet, std::chrono::milliseconds{1}));
}

void Connections::on_deadline(std::uint32_t index) {
  Connection& connection = connections_[index];
  const base::Key key = connections_.key_of(index);
  switch (connection.stage) {
    case Stage::greeting:
    case Stage::checking: return greeting_late(key, connection);
    case Stage::upgrading:
    case Stage::connecting: return lose(key, connection, EndReason::connect_timeout);
    case Stage::asking: return refuse_connect(key, connection, wire::mqtt::Reason::server_busy, EndReason::busy);
    case Stage::open: return on_open_deadline(key, connection);
    case Stage::parting: return close(key, connection, connection.reason);
  }
}

void Connections::on_open_deadline(base::Key key, Connection& connection) {
  if (connection.waiting) {
    connection.waiting = false;
    connection.heard = loop_.tick();  // its silence was of our making
    arm_open(key.index, connection);
    return resume_later(key, connection);
  }
  const std::chrono::milliseconds silence = shard_.silence_max(connection.place);
  //= MQTT5 [MQTT-3.1.2-22]
  if (silence.count() > 0 && loop_.tick().since(connection.heard) >= silence) {
    return shard_.on_silence(connection.place, loop_.now());
  }
  arm_open(key.index, connection);
}

void Connections::end(base::Key link, EndReason reason) {
  Connection* connection = connections_.find(link);
  if (connection != nullptr) part(link, *connection, reason);
}

// What was sent is delivered, then the end of the stream; and what the client still says is read and thrown away, so
// that the kernel does not answer it with a reset that would overtake what was sent.
void Connections::part(base::Key key, Connection& connection, EndReason reason) {
  if (connection.stage == Stage::parting) return;
  // One that came too late for its session is open, and has no place.
  if (connection.stage == Stage::open && connection.place != kNoPlace) note_gone(connection, reason);
  if (connection.websocket && connection.websocket->is_open) say_close(key, connection, close_code_of(reason), "");
  connection.stage = Stage::parting;
  connection.reason = reason;
  connection.place = kNoPlace;
  connection.arriving.reset();
  connection.partial = Partial{};
  connection.pace.reset();
  connection.waiting = false;
  arm(key.index, kPartingTimeout);
  mark_dirty(key, connection);
  resume_later(key, connection);
}

void Connections::go_on_parting(base::Key key, Connection& connection) {
  if (!connection.out.empty() || connection.body) return;
  if (connection.transport.peer_has_ended()) return close(key, connection, connection.reason);
  if (connection.said_end) return;
  connection.said_end = true;
  connection.transport.end_writing();
}

// The connection has gone without our doing.
void Connections::lose(base::Key key, Connection& connection, EndReason reason) {
  if (connection.stage == Stage::open) {
    note_gone(connection, reason);
    shard_.on_lost(connection.place, reason, loop_.now());
  }
  close(key, connection, connection.stage == Stage::parting ? connection.reason : reason);
}

void Connections::close(base::Key key, Connection& connection, EndReason reason) {
  counters(connection).closed[static_cast<std::size_t>(reason)].add();
  drop(key, connection);
}

void Connections::drop(base::Key key, Connection& connection) {
  const entry::Admission& admission = *listener(connection).admission;
  if (connection.placed == entry::Placed::yes) admission.forget(connection.client);
  admission.leave();
  counters(connection).connections.add(-1);
  timers_.cancel(key.index);
  buffers_.release(connection.out);
  connection.transport.close();
  context_.descriptors->give(1);
  connections_.remove(key);
}

void Connections::note_gone(const Connection& connection, EndReason reason) {
  if (!context_.tells_all->load(std::memory_order_relaxed)) return;
  (void)context_.notices->post(ClientGone{.listener = connection.listener,
                                          .client = connection.client,
                                          .client_id = std::string(shard_.client_id(connection.place)),
                                          .reason = reason,
                                          .duration = loop_.tick().since(connection.accepted)});
}

void Connections::tell_all() {
  shard_.stop(loop_.now());
  flush();
}

void Connections::end_all() {
  connections_.for_each([this](base::Key key, Connection& connection) {
    close(key, connection, connection.stage == Stage::parting ? connection.reason : EndReason::stopped);
  });
}

void Connections::tell_memory() {
  context_.counters->connection_memory_bytes.set(static_cast<std::int64_t>(connections_.memory_bytes()));
  context_.counters->buffer_memory_bytes.set(static_cast<std::int64_t>(buffers_.memory_bytes()));
}

}  // namespace holdfast::broker
