// What goes out to clients: gathered while a turn runs, written at its end. The rest of Connections is in
// connections.cc.
#include <array>

#include "broker/connections.h"

namespace holdfast::broker {
namespace {

constexpr std::size_t kPiecesMax = 64;
constexpr std::size_t kWarmMax = 32;  // connections that a message has touched and that are still near the processor

}  // namespace

bool Connections::ready(base::Key link) {
  Connection* connection = connections_.find(link);
  if (connection == nullptr || connection->broken) return false;
  if (has_room(*connection)) return true;
  write_out(*connection);
  if (has_room(*connection)) return true;
  connection->owed = true;
  return false;
}

bool Connections::has_room(const Connection& connection) {
  return connection.out.bytes < kOutHigh && !connection.body && !connection.broken;
}

void Connections::send(base::Key link, std::span<const std::byte> bytes) {
  Connection* connection = connections_.find(link);
  if (connection == nullptr || connection->broken) return;
  frame(*connection, bytes.size());
  append(*connection, bytes);
  mark_dirty(link, *connection);
}

void Connections::send(base::Key link, std::span<const std::byte> head, const MessageRef& message) {
  Connection* connection = connections_.find(link);
  if (connection == nullptr || connection->broken) return;
  const std::span<const std::byte> payload = message->payload();
  frame(*connection, head.size() + payload.size());
  append(*connection, head);
  if (payload.size() <= kPayloadCopied) {
    append(*connection, payload);
  } else {
    connection->body = message;
    connection->body_sent = 0;
  }
  mark_dirty(link, *connection);
}

void Connections::append(Connection& connection, std::span<const std::byte> bytes) {
  if (connection.body) spill_body(connection);
  if (!buffers_.append(connection.out, bytes)) connection.broken = true;
}

// Something is to follow the payload: what the socket does not take of it now has to be copied.
void Connections::spill_body(Connection& connection) {
  write_out(connection);
  if (!connection.body) return;
  const MessageRef body = std::move(connection.body);
  connection.body = MessageRef();
  if (!buffers_.append(connection.out, body->payload().subspan(connection.body_sent))) connection.broken = true;
}

void Connections::mark_dirty(base::Key key, Connection& connection) {
  if (connection.dirty) return;
  connection.dirty = true;
  dirty_.push_back(key);
  if (dirty_.size() - written_early_ >= kWarmMax && !packets_follow_ && loop_.events_left() == 0) {
    write_first_gathered();
  }
}

// One message for very many: when nothing else waits that could go out with it, the first need not wait for the last.
void Connections::write_first_gathered() {
  while (written_early_ < dirty_.size()) {
    Connection* connection = connections_.find(dirty_[written_early_++]);
    if (connection != nullptr) write_out(*connection);
  }
}

// Writes what the socket takes. A failure is only noted: the shard may be in the middle of something.
void Connections::write_out(Connection& connection) {
  while (!connection.broken && !connection.full && (!connection.out.empty() || connection.body)) {
    std::array<iovec, kPiecesMax> pieces;
    std::size_t count = buffers_.peek(connection.out, std::span(pieces).first(kPiecesMax - 1));
    const bool all_of_out = count < kPiecesMax - 1;
    if (connection.body && all_of_out) {
      const auto rest = connection.body->payload().subspan(connection.body_sent);
      pieces[count++] = {const_cast<std::byte*>(rest.data()), rest.size()};
    }
    const net::IoResult wrote = connection.transport.write(std::span<const iovec>(pieces).first(count));
    if (wrote.status == net::IoStatus::again) {
      connection.full = true;  // each message for it would cost a call otherwise
      return;
    }
    if (wrote.status != net::IoStatus::ok) {
      connection.broken = true;
      return;
    }
    written(connection, wrote.bytes);
  }
}

void Connections::written(Connection& connection, std::size_t bytes) {
  counters(connection).bytes_sent.add(bytes);
  connection.bytes_sent += bytes;
  const std::size_t of_out = std::min<std::size_t>(bytes, connection.out.bytes);
  buffers_.consume(connection.out, of_out);
  connection.body_sent += static_cast<std::uint32_t>(bytes - of_out);
  if (connection.body && connection.body_sent == connection.body->payload().size()) connection.body = MessageRef();
}

void Connections::flush() {
  for (std::size_t i = 0; i < dirty_.size(); ++i) {  // may grow while it runs
    const base::Key key = dirty_[i];
    Connection* connection = connections_.find(key);
    if (connection == nullptr) continue;
    connection->dirty = false;
    go_on_writing(key, *connection);
  }
  dirty_.clear();
  written_early_ = 0;
}

void Connections::go_on_writing(base::Key key, Connection& connection) {
  write_out(connection);
  if (connection.broken) return lose(key, connection, EndReason::client_reset);
  if (connection.stage == Connection::Stage::parting) return go_on_parting(key, connection);
  if (connection.choked && connection.out.bytes < kAnswersHigh) {
    connection.choked = false;
    resume_later(key, connection);
  }
  if (connection.owed && has_room(connection)) resume_later(key, connection);  // others first
}

}  // namespace holdfast::broker
