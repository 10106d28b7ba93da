// WebSocket: the HTTP request that begins it, and the frames that carry MQTT. The rest of Connections is in
// connections.cc.
#include <array>

#include "broker/connections.h"
#include "wire/websocket/frame.h"
#include "wire/websocket/handshake.h"

namespace holdfast::broker {

namespace ws = wire::websocket;
using Stage = Connection::Stage;

namespace {

//= MQTT5 [MQTT-6.0.0-3]
//= MQTT5 [MQTT-6.0.0-4]
constexpr std::array<std::string_view, 2> kSubprotocols = {"mqtt", "mqttv3.1"};

std::span<const std::byte> bytes_of(std::string_view text) { return std::as_bytes(std::span(text)); }

}  // namespace

void Connections::upgrade(base::Key key, Connection& connection, std::span<const std::byte> bytes) {
  if (!connection.websocket) connection.websocket = std::make_unique<WebSocketState>();
  WebSocketState& state = *connection.websocket;
  state.rest.insert(state.rest.end(), bytes.begin(), bytes.end());
  const ws::RequestRead read = ws::read_request(state.rest);
  if (read.status == ws::HandshakeStatus::more) return;
  const ws::Refusal* refusal = read.refusal;
  std::string_view chosen;
  if (refusal == nullptr) {
    refusal = ws::match_request(read.request, listener(connection).settings.path, kSubprotocols, chosen);
  }
  if (refusal != nullptr) return refuse_upgrade(key, connection, *refusal, EndReason::no_upgrade);
  refusal = ws::match_origin(read.request, listener(connection).settings.allow_origins);
  if (refusal != nullptr) return refuse_upgrade(key, connection, *refusal, EndReason::foreign_origin);
  send_raw(key, connection, bytes_of(ws::accepting_response(read.request, chosen)));
  state.is_open = true;
  connection.stage = Stage::connecting;
  std::vector<std::byte> rest(state.rest.begin() + static_cast<std::ptrdiff_t>(read.bytes), state.rest.end());
  state.rest.clear();
  if (!rest.empty()) take_frames(key, connection, rest);
}

void Connections::refuse_upgrade(base::Key key, Connection& connection, const ws::Refusal& refusal, EndReason why) {
  send_raw(key, connection, bytes_of(ws::refusing_response(refusal.status)));
  const bool is_foreign = why == EndReason::foreign_origin;
  note_refused(connection, is_foreign ? wire::mqtt::Reason::not_authorized : wire::mqtt::Reason::protocol_error, why);
  part(key, connection, why);
}

// What is not whole is kept: a head or a control frame, never the payload of a message. And what comes after a message
// that has to wait.
void Connections::take_frames(base::Key key, Connection& connection, std::span<std::byte> bytes) {
  WebSocketState& state = *connection.websocket;
  if (!state.rest.empty()) {
    state.rest.insert(state.rest.end(), bytes.begin(), bytes.end());
    std::vector<std::byte> all = std::move(state.rest);
    state.rest.clear();
    return take_whole_frames(key, connection, all);
  }
  take_whole_frames(key, connection, bytes);
}

void Connections::take_whole_frames(base::Key key, Connection& connection, std::span<std::byte> bytes) {
  WebSocketState& state = *connection.websocket;
  while (connection.stage != Stage::parting) {
    const ws::FrameRead read = state.frames.read(bytes);
    switch (read.event) {
      case ws::FrameEvent::more:
        state.rest.assign(bytes.begin() + static_cast<std::ptrdiff_t>(read.bytes), bytes.end());
        return;
      case ws::FrameEvent::data: hold(connection, take_mqtt(key, connection, read.payload)); break;
      case ws::FrameEvent::ping: send_control(key, connection, ws::Opcode::pong, read.payload); break;
      case ws::FrameEvent::pong: break;
      case ws::FrameEvent::close:
        say_close(key, connection, read.code == ws::CloseCode::none ? ws::CloseCode::normal : read.code, "");
        return leave(key, connection, EndReason::client_closed);
      case ws::FrameEvent::fault:
        say_close(key, connection, read.fault->code, read.fault->what);
        return leave(key, connection, EndReason::malformed);
    }
    bytes = bytes.subspan(read.bytes);
    if (connection.waiting) {
      state.rest.assign(bytes.begin(), bytes.end());
      return;
    }
  }
}

// The client's WebSocket has ended without a DISCONNECT: to its session that is a loss.
void Connections::leave(base::Key key, Connection& connection, EndReason reason) {
  const bool was_open = connection.stage == Stage::open;
  const std::uint32_t place = connection.place;
  part(key, connection, reason);
  if (was_open) shard_.on_lost(place, reason, loop_.now());
}

// Every packet goes out as a message of its own.
//= MQTT5 [MQTT-6.0.0-1]
void Connections::frame(Connection& connection, std::size_t bytes) {
  if (!connection.websocket) return;
  append(connection, ws::frame_head(ws::Opcode::binary, bytes).bytes());
}

void Connections::send_control(base::Key key, Connection& connection, ws::Opcode opcode,
                               std::span<const std::byte> payload) {
  if (connection.out.bytes >= kOutHigh) return;  // who takes nothing needs no more
  append(connection, ws::frame_head(opcode, payload.size()).bytes());
  append(connection, payload);
  mark_dirty(key, connection);
}

void Connections::say_close(base::Key key, Connection& connection, ws::CloseCode code, std::string_view why) {
  if (connection.websocket->said_close) return;
  connection.websocket->said_close = true;
  std::vector<std::byte> bytes;
  ws::append_close(bytes, code, why);
  append(connection, bytes);
  mark_dirty(key, connection);
}

void Connections::send_raw(base::Key key, Connection& connection, std::span<const std::byte> bytes) {
  append(connection, bytes);
  mark_dirty(key, connection);
}

}  // namespace holdfast::broker
