// broker/connection.h: the record of one client's connection, from accept to the end.
//
// Thread: the worker's. Memory: 232 bytes; an idle one owns nothing else but its session (docs/MEMORY.md).
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "auth/acl.h"
#include "base/peer_address.h"
#include "base/slab.h"
#include "base/time.h"
#include "broker/core/end_reason.h"
#include "broker/core/message.h"
#include "broker/core/shard.h"
#include "broker/websocket_state.h"
#include "entry/admission.h"
#include "net/buffer_pool.h"
#include "net/timer_wheel.h"
#include "net/transport.h"
#include "wire/mqtt/packets.h"

namespace holdfast::broker {

// What a connection owns until it is open, and then no more.
struct Arriving {
  std::vector<std::byte> connect;  // the whole CONNECT packet
  std::vector<std::byte> rest;     // what came after it
  std::string client_id;
  std::string user;  // vouched for
  ClaimToken token = 0;
  bool assigned = false;
};

// Bytes of a packet, or of a handshake, that is not whole yet. Grows with what has come, never ahead of it by more than
// as much again.
struct Partial {
  std::unique_ptr<std::byte[]> bytes;
  std::uint32_t size = 0;
  std::uint32_t room = 0;
};

// How much more a client may send before it is made to wait, and what was read of it and waits: part of one read, from
// a PUBLISH that may not be taken yet.
struct Pace {
  enum class WaitsFor : std::uint8_t { nothing, message, bytes };

  double messages = 0;
  double bytes = 0;
  base::Time filled;
  WaitsFor waits_for = WaitsFor::nothing;  // or has waited for, until it is filled again
  std::vector<std::byte> held;             // of MQTT, whatever carries it
  std::size_t held_taken = 0;              // from its front
};

struct Connection {
  enum class Stage : std::uint8_t {
    greeting,    // its PROXY header
    checking,    // a balancer that may have said all it will
    upgrading,   // its HTTP request, for WebSocket
    connecting,  // its CONNECT
    asking,      // who it is, and where its session lives
    open,        // it is a client
    parting,     // the end was sent; what it still says is thrown away
  };

  std::uint64_t id = 0;  // of the process; it keeps it when it goes to another worker
  std::uint64_t bytes_received = 0;
  std::uint64_t bytes_sent = 0;
  net::Transport transport;
  net::TimerWheel::Node timer;
  net::BufferChain out;  // what the socket did not take yet
  MessageRef body;       // and then the rest of this one's payload
  std::uint32_t body_sent = 0;
  std::uint32_t place = kNoPlace;  // of its session in the shard
  Partial partial;
  base::PeerAddress client;
  std::uint16_t listener = 0;
  Stage stage = Stage::greeting;
  wire::mqtt::Version version = wire::mqtt::Version::v311;
  entry::Placed placed = entry::Placed::no;  // counted among those of its address
  bool hangup : 1 = false;                   // the peer has ended its side, or worse
  bool socket_broken : 1 = false;            // an error waits at the socket
  bool broken : 1 = false;                   // writing has failed: it is to be closed
  bool said_end : 1 = false;                 // our side is ended
  bool resuming : 1 = false;                 // its next turn is asked for
  bool waiting : 1 = false;                  // it has sent more than its pace allows; its timer ends that
  bool full : 1 = false;                     // the socket takes nothing until it says so
  bool choked : 1 = false;                   // it takes no answers, so nothing is read from it
  bool dirty : 1 = false;                    // it has something to be flushed at the end of the turn
  bool owed : 1 = false;                     // the shard wants to know when it is ready again
  EndReason reason = EndReason::none;        // while parting
  base::Tick heard;                          // when it last said something
  base::Tick accepted;
  auth::Rank rank = auth::Rank::ordinary;
  auth::Identity identity;  // what the access rules say of it
  std::unique_ptr<Arriving> arriving;
  std::unique_ptr<WebSocketState> websocket;  // null: MQTT on TCP
  std::unique_ptr<Pace> pace;                 // null: no limit
};

}  // namespace holdfast::broker
