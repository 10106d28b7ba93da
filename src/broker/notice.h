// broker/notice.h: what workers and control tell each other. Values in mailboxes.
//
// Thread: any. A worker never formats or writes a log line, and never looks at a password.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <variant>

#include "auth/acl.h"
#include "base/mailbox.h"
#include "base/peer_address.h"
#include "base/slab.h"
#include "broker/core/end_reason.h"
#include "wire/mqtt/reason.h"

namespace holdfast::broker {

// --- from a worker to control ---

// A client has said CONNECT: who is it? Identified answers.
struct WhoIsIt {
  unsigned worker = 0;
  base::Key link;
  std::uint16_t listener = 0;
  base::PeerAddress client;
  std::string client_id;
  std::optional<std::string> user;
  std::optional<std::string> password;
};
struct ClientConnected {
  std::uint16_t listener = 0;
  base::PeerAddress client;
  std::string client_id;
  std::uint8_t version = 0;
};
struct ConnectRefused {
  std::uint16_t listener = 0;
  base::PeerAddress client;
  EndReason why{};
  wire::mqtt::Reason reason{};
};
struct WillRefused {
  std::uint16_t listener = 0;
  base::PeerAddress client;
  std::string client_id;
  wire::mqtt::Reason why{};
};
struct ClientGone {
  std::uint16_t listener = 0;
  base::PeerAddress client;
  std::string client_id;  // empty: it never was a client
  EndReason reason{};
  std::chrono::milliseconds duration{};
};
struct AcceptChanged {
  unsigned worker = 0;
  bool paused = false;
};

using Notice =
    std::variant<std::monostate, WhoIsIt, ClientConnected, ConnectRefused, WillRefused, ClientGone, AcceptChanged>;
using Notices = base::Mailbox<Notice>;

// --- from control to a worker ---

struct Identified {
  base::Key link;
  wire::mqtt::Reason reason = wire::mqtt::Reason::success;
  std::string user;  // vouched for; empty: nobody in particular
  auth::Rank rank = auth::Rank::ordinary;
};
// A message of the broker itself.
struct PublishOrder {
  std::string topic;
  std::string payload;
  bool retain = false;
};

using Order = std::variant<std::monostate, Identified, PublishOrder>;
using Orders = base::Mailbox<Order>;

}  // namespace holdfast::broker
