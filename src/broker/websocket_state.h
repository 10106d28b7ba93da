// broker/websocket_state.h: what a connection knows of its WebSocket.
//
// Thread: the worker's. Memory: 48 bytes, and what has come of a request, or of a frame's head, that is not whole.
#pragma once

#include <cstddef>
#include <vector>

#include "wire/websocket/frame_reader.h"

namespace holdfast::broker {

struct WebSocketState {
  wire::websocket::FrameReader frames{wire::websocket::Sender::client};
  std::vector<std::byte> rest;  // received and not yet taken
  bool is_open = false;         // the handshake is behind us
  bool said_close = false;
};

}  // namespace holdfast::broker
