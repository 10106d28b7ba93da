// What clients say: bytes to packets, packets to the shard. The rest of Connections is in connections.cc.
#include <cstring>

#include "broker/connections.h"
#include "wire/mqtt/decode.h"

namespace holdfast::broker {
namespace {

//= MQTT5 [MQTT-3.2.2-15]
constexpr wire::mqtt::Fault kPacketTooLarge{wire::mqtt::Reason::packet_too_large, "MQTT5 [MQTT-3.2.2-15]",
                                            "a packet above the maximum packet size"};

}  // namespace

using Stage = Connection::Stage;

void Connections::read(base::Key key, Connection& connection) {
  for (std::size_t turn_bytes = 0; turn_bytes < kTurnBytesMax;) {
    if (connection.waiting || connection.stage == Stage::asking) return;  // what comes stays in the kernel
    if (connection.out.bytes >= kAnswersHigh && connection.stage != Stage::parting) {
      connection.choked = true;
      return;
    }
    if (outbox_.clogged()) break;  // other workers do not keep up
    if (connection.pace && !connection.pace->held.empty()) {
      take_held(key, connection);
      continue;
    }
    const std::size_t wanted = may_read(key, connection);
    if (wanted == 0) return;
    const net::IoResult got = connection.transport.read({scratch_.get(), wanted});
    switch (got.status) {
      case net::IoStatus::again: return;
      case net::IoStatus::end: return on_peer_end(key, connection);
      case net::IoStatus::failed: return lose(key, connection, EndReason::client_reset);
      case net::IoStatus::ok: break;
    }
    turn_bytes += got.bytes;
    connection.heard = loop_.tick();
    counters(connection).bytes_received.add(got.bytes);
    connection.bytes_received += got.bytes;
    if (connection.pace) connection.pace->bytes -= static_cast<double>(got.bytes);
    if (connection.stage != Stage::parting) take_bytes(key, connection, {scratch_.get(), got.bytes});
    if (connection.broken) return mark_dirty(key, connection);
    if (got.bytes < wanted && !connection.hangup) return;
  }
  resume_later(key, connection);
}

void Connections::on_peer_end(base::Key key, Connection& connection) {
  lose(key, connection, connection.stage == Stage::parting ? connection.reason : EndReason::client_closed);
}

void Connections::take_bytes(base::Key key, Connection& connection, std::span<std::byte> bytes) {
  if (connection.stage == Stage::upgrading) return upgrade(key, connection, bytes);
  if (connection.websocket) return take_frames(key, connection, bytes);
  hold(connection, take_mqtt(key, connection, bytes));
}

// Returns what has to wait: nothing, or what begins with the PUBLISH, or with the end of one, that may not be taken
// yet.
std::span<const std::byte> Connections::take_mqtt(base::Key key, Connection& connection,
                                                  std::span<const std::byte> bytes) {
  while (!bytes.empty()) {
    if (connection.stage == Stage::parting) return {};
    if (connection.stage == Stage::asking) {
      std::vector<std::byte>& rest = connection.arriving->rest;
      rest.insert(rest.end(), bytes.begin(), bytes.end());
      return {};
    }
    if (connection.partial.size > 0) {
      take_partial(key, connection, bytes);
      if (connection.waiting) return bytes;
      continue;
    }
    const wire::mqtt::HeaderRead read = wire::mqtt::read_header(bytes);
    const bool is_whole = read.status == wire::mqtt::HeaderStatus::ok && bytes.size() >= read.header.packet_bytes();
    if (!may_begin(key, connection, bytes.front(), is_whole ? Whole::yes : Whole::no)) return {};
    if (!may_go_on(key, connection, read)) return {};
    if (!is_whole) {
      keep(connection, bytes);
      return {};
    }
    if (must_wait(key, connection, read.header)) return bytes;
    const std::size_t whole = read.header.packet_bytes();
    packets_follow_ = bytes.size() > whole;
    take_packet(key, connection, read.header, bytes.first(whole));
    bytes = bytes.subspan(whole);
  }
  return {};
}

// Adds to what was kept until that is a whole packet, and takes it. One that has to wait is left without its end.
void Connections::take_partial(base::Key key, Connection& connection, std::span<const std::byte>& bytes) {
  Partial& partial = connection.partial;
  wire::mqtt::HeaderRead read = wire::mqtt::read_header({partial.bytes.get(), partial.size});
  while (read.status == wire::mqtt::HeaderStatus::more && !bytes.empty()) {
    keep(connection, bytes.first(1));
    bytes = bytes.subspan(1);
    read = wire::mqtt::read_header({partial.bytes.get(), partial.size});
  }
  if (!may_go_on(key, connection, read) || read.status == wire::mqtt::HeaderStatus::more) return;
  const std::size_t whole = read.header.packet_bytes();
  const std::size_t more = std::min(whole - partial.size, bytes.size());
  if (more > 0 && partial.size + more == whole && must_wait(key, connection, read.header)) return;
  keep(connection, bytes.first(more));
  bytes = bytes.subspan(more);
  if (partial.size < whole) return;
  const Partial packet = std::exchange(partial, Partial{});
  packets_follow_ = !bytes.empty();
  take_packet(key, connection, read.header, {packet.bytes.get(), whole});
}

// Something that speaks no MQTT is not waited for, whatever length its second byte would mean. A CONNECT that is whole
// is judged as such: then it is known in what version to answer.
bool Connections::may_begin(base::Key key, Connection& connection, std::byte first, Whole whole) {
  constexpr auto kConnect = std::byte{static_cast<std::uint8_t>(wire::mqtt::PacketType::connect)};
  if (connection.stage != Stage::connecting) return true;
  //= MQTT5 [MQTT-3.1.0-1]
  if ((first >> 4) != kConnect) {
    note_refused(connection, wire::mqtt::Reason::protocol_error, EndReason::no_connect);
    part(key, connection, EndReason::no_connect);
    return false;
  }
  if (whole == Whole::yes || (first & std::byte{0x0f}) == std::byte{0}) return true;
  refuse_connect(key, connection, wire::mqtt::Reason::malformed_packet, EndReason::malformed);
  return false;
}

// Judges what the first bytes of a packet say, before the rest of it is waited for.
bool Connections::may_go_on(base::Key key, Connection& connection, const wire::mqtt::HeaderRead& read) {
  if (read.status == wire::mqtt::HeaderStatus::more) return true;
  const wire::mqtt::Fault* fault = read.fault;
  if (fault == nullptr && connection.stage == Stage::open) {
    fault = wire::mqtt::check_header(read.header, connection.version, wire::mqtt::Sender::client);
  }
  if (fault == nullptr && read.header.packet_bytes() > listener(connection).limits.packet_size_max) {
    fault = &kPacketTooLarge;
  }
  if (fault == nullptr) return true;
  if (connection.stage == Stage::open) {
    shard_.fail(connection.place, *fault, loop_.now());
  } else {
    refuse_connect(key, connection, fault->reason, EndReason::malformed);
  }
  return false;
}

void Connections::keep(Connection& connection, std::span<const std::byte> bytes) {
  Partial& partial = connection.partial;
  const std::size_t size = partial.size + bytes.size();
  if (size > partial.room) {
    const std::size_t room = std::max<std::size_t>({size, std::size_t{partial.room} * 2, 64});
    auto larger = std::make_unique_for_overwrite<std::byte[]>(room);
    if (partial.size > 0) std::memcpy(larger.get(), partial.bytes.get(), partial.size);
    partial.bytes = std::move(larger);
    partial.room = static_cast<std::uint32_t>(room);
  }
  if (!bytes.empty()) std::memcpy(partial.bytes.get() + partial.size, bytes.data(), bytes.size());
  partial.size = static_cast<std::uint32_t>(size);
}

void Connections::take_packet(base::Key key, Connection& connection, const wire::mqtt::Header& header,
                              std::span<const std::byte> packet) {
  if (connection.stage == Stage::connecting) return take_connect(key, connection, header, packet);
  shard_.on_packet(connection.place, header, packet.subspan(header.header_bytes), loop_.now());
}

}  // namespace holdfast::broker
